// The entry of a thread that ends its process where that takes too long or too much memory, also while SQLite keeps the main thread
// busy: SQLite cannot be interrupted from outside, and the process that waits for the answer may have been killed.

import { writeSync } from "node:fs";

import { systemClock } from "../base/clock.ts";

declare const self: Worker;

export type Bounds = { readonly endsAfterMs: number; readonly maxBytes: number };

const lookEveryMs = 50;

self.onmessage = ({ data }: MessageEvent<Bounds>) => {
  const until = systemClock.now() + data.endsAfterMs;
  systemClock.every(lookEveryMs, () => {
    if (process.memoryUsage.rss() > data.maxBytes) {
      end(`it needs more than ${Math.round(data.maxBytes / 1e6)} MB of memory`);
    }
    if (systemClock.now() > until) end(`it took more than ${data.endsAfterMs / 1000} s`);
  });
};

function end(why: string): void {
  try {
    writeSync(2, `error: the query was ended: ${why}\n`);
  } catch {
    // Nobody listens any more.
  }
  process.kill(process.pid, "SIGKILL");
}
