// The history of a run that records nothing (`--no-store-task-status`).

import type { RestoredPage } from "../../protocol/messages.ts";
import type { ReuseAsk } from "../../protocol/reuse.ts";
import type { History, LookedUp, StoredResult } from "./history.ts";

export class NoHistory implements History {
  readonly keepsResults = false;
  readonly recordsWrites = false;
  readonly isEmpty = true;
  readonly costs = undefined;
  setTask(): void {}
  setDone(): void {}
  setAgain(): void {}
  setLeft(): void {}
  setProgress(): void {}
  setCursor(): void {}
  addLog(): void {}
  addAttempt(): void {}
  goesOn(): [] {
    return [];
  }
  setTotal(): void {}
  setGraph(): void {}
  setEnd(): void {}
  endMarks(): void {}
  setCode(): void {}
  setSources(): void {}
  setReused(): void {}
  setNotReused(): void {}
  setWrites(): void {}
  setQueried(): void {}
  setFilesChanged(): void {}
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

  withoutSource(): readonly string[] {
    return [];
  }

  lookUp(asks: readonly ReuseAsk[]): LookedUp {
    return { answered: asks.length, records: [] };
  }

  /** Nobody can know: runs without history have no rows. */
  hasOtherLiveRuns(): boolean {
    return false;
  }
}
