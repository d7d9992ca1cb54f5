// The entry of the writer's thread.

import * as pipeloom from "../../index.ts";
import { loadModule, pipelineIn, providePackage } from "../../module/load-module.ts";
import { builtins } from "../../examples/builtins.ts";
import { capturePrints } from "../../base/captured-prints.ts";
import { systemClock } from "../../base/clock.ts";
import { linesOf } from "../../base/line-buffer.ts";
import type { FromWriter, ToWriter } from "../../protocol/messages.ts";
import { privatePort } from "../../protocol/private-port.ts";
import type { LogLevel } from "../../protocol/status.ts";
import { openDatabase } from "../open-database.ts";
import { Writer } from "./writer.ts";

declare const self: Worker;

providePackage(pipeloom);
// Warm-up: the first database that a thread opens takes 6 ms longer. The thread is idle until main sends `open`.
try {
  openDatabase({ db: ":memory:", wal: true, durability: "full", storeTaskStatus: true }).close();
} catch {
  // Opening the real database fails too, and is reported.
}

function watchUncaught(handle: (thrown: unknown) => void): void {
  process.on("uncaughtException", handle);
  process.on("unhandledRejection", handle);
}

privatePort(self, (port) => {
  const post = (message: FromWriter): void => port.postMessage(message);
  const writer = new Writer({
    post,
    messages: async (module) => {
      // The main thread has loaded the module too and has shown what it prints while it loads.
      let isLoaded = false;
      const print = (level: LogLevel, text: string): void => {
        for (const line of linesOf(text))
          post({ type: "output", level: isLoaded ? level : "debug", line });
      };
      capturePrints({
        print,
        // Pieces are not joined to lines: the rest of a line that a message's `apply` prints may never come.
        write: (stream, text) => print(stream === "stdout" ? "info" : "warn", text),
      });
      if (module.kind === "file") watchUncaught((thrown) => writer.uncaught(thrown, module.path));
      const exports = await loadModule(module, builtins);
      isLoaded = true;
      return pipelineIn(exports, module).messages;
    },
    later: (work) => systemClock.soon(work),
    after: (ms, work) => void systemClock.after(ms, work),
    now: () => systemClock.now(),
    wall: () => systemClock.wall(),
  });
  port.onmessage = ({ data }) => writer.receive(data as ToWriter);
});
