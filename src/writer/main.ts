// The entry of the writer Worker.

import * as pipeloom from "../index.ts";
import { loadModule, pipelineIn, providePackage } from "../api/load.ts";
import { builtins } from "../examples/builtins.ts";
import type { ToWriter } from "../protocol/messages.ts";
import { openDatabase } from "./open.ts";
import { capturePrints } from "./prints.ts";
import { Writer } from "./writer.ts";

declare const self: Worker;

providePackage(pipeloom);
// While it waits to be told which file: the first database that a thread opens takes it 6 ms longer.
try {
  openDatabase({ db: ":memory:", wal: true, durability: "full", storeTaskStatus: true }).close();
} catch {
  // Then the file's own opening says what is wrong.
}

const writer = new Writer({
  post: (message) => self.postMessage(message),
  messages: async (module) => {
    // What the module says while it loads it has said in the main thread.
    let isLoaded = false;
    capturePrints((level, line) =>
      self.postMessage({ type: "output", level: isLoaded ? level : "debug", line }),
    );
    const exports = await loadModule(module, builtins);
    isLoaded = true;
    return pipelineIn(exports, module).messages;
  },
  later: (work) => void setImmediate(work),
  after: (ms, work) => void setTimeout(work, ms),
  now: () => Date.now(),
});
self.onmessage = (event: MessageEvent<ToWriter>) => writer.receive(event.data);
