// The history of a run that records nothing (`--no-store-task-status`).

import type { RestoredPage } from "../../protocol/messages.ts";
import type { History, StoredResult } from "./history.ts";

export class NoHistory implements History {
  readonly keepsResults = false;
  readonly isEmpty = true;
  setTask(): void {}
  setDone(): void {}
  setAgain(): void {}
  setProgress(): void {}
  setCursor(): void {}
  addLog(): void {}
  addAttempt(): void {}
  setTotal(): void {}
  setEnd(): void {}
  endDownstream(): void {}
  setCode(): void {}
  setRepeats(): void {}
  flush(): void {}
  committed(): void {}
  discard(): void {}
  close(): void {}

  restoredPages(): readonly RestoredPage[] {
    return [];
  }

  storedResults(): readonly (readonly StoredResult[])[] {
    throw new Error("Internal error: stored results of a run without history");
  }

  /** Nobody can know: runs without history have no rows. */
  hasOtherLiveRuns(): boolean {
    return false;
  }
}
