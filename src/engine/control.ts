// The run's side of its control file (see protocol/control-file.ts).

import { readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";

import { systemClock, type Timer } from "../base/clock.ts";
import { controlPath } from "../protocol/control-file.ts";
import type { RunStarted } from "../protocol/events.ts";

/** Poll interval. A poll takes microseconds, and no file watch works on every platform. */
const lookEveryMs = 250;

export class Control {
  readonly #cancel: (urgent: boolean) => void;
  #path: string | undefined;
  #timer: Timer | undefined;
  /** Requests that were passed on. */
  #seen = 0;

  /** @param cancel somebody asks the run to end */
  constructor(cancel: (urgent: boolean) => void) {
    this.#cancel = cancel;
  }

  /** Does nothing where no control file is possible: for a database in memory, or in a folder that is not writable. */
  open({ db, run, journal }: RunStarted): void {
    if (journal === "memory") return;
    try {
      const path = controlPath(realpathSync(db), run);
      // The file of a dead session may belong to another user, or hold requests that were meant for that session.
      rmSync(path, { force: true });
      writeFileSync(path, "", { mode: 0o600, flag: "wx" });
      this.#path = path;
    } catch {
      return;
    }
    this.#timer = systemClock.every(lookEveryMs, () => this.#look());
    this.#timer.unref();
  }

  #look(): void {
    if (this.#path === undefined) return;
    const requests = read(this.#path).split("\n").slice(0, -1);
    for (const request of requests.slice(this.#seen)) this.#cancel(request === "urgent");
    this.#seen = requests.length;
  }

  /** Removes the file, once: a later session of this run may have a file of the same name. */
  close(): void {
    const path = this.#path;
    if (path === undefined) return;
    this.#path = undefined;
    systemClock.cancel(this.#timer);
    try {
      rmSync(path, { force: true });
    } catch {
      // A disk that has become read-only keeps it. The next session of this run replaces it.
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
