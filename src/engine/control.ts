// The run's side of its control file (see protocol/control-file.ts).

import { readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { controlPath } from "../protocol/control-file.ts";
import type { RunStarted } from "../protocol/events.ts";

export type Control = { close(): void };

/** Poll interval. A poll takes microseconds, and no file watch works on every platform. */
const lookEveryMs = 250;

/** Undefined where no control file is possible: a database in memory, or a folder that is not writable. */
export function openControl(
  { db, run, journal }: RunStarted,
  cancel: (urgent: boolean) => void,
): Control | undefined {
  if (journal === "memory") return undefined;
  let path: string;
  try {
    path = controlPath(realpathSync(db), run);
    // The file of a dead session may belong to another user, or hold requests that were meant for that session.
    rmSync(path, { force: true });
    writeFileSync(path, "", { mode: 0o600, flag: "wx" });
  } catch {
    return undefined;
  }
  let seen = 0;
  const timer = systemClock.every(lookEveryMs, () => {
    const requests = read(path).split("\n").slice(0, -1);
    for (const request of requests.slice(seen)) cancel(request === "urgent");
    seen = requests.length;
  });
  timer.unref();
  return {
    close() {
      systemClock.cancel(timer);
      try {
        rmSync(path, { force: true });
      } catch {
        // A disk that has become read-only keeps it. The next session of this run replaces it.
      }
    },
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
