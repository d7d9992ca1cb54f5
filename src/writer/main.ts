// The entry of the writer Worker.

import * as pipeloom from "../index.ts";
import { loadModule, pipelineIn, providePackage } from "../api/load.ts";
import { builtins } from "../examples/builtins.ts";
import type { ToWriter } from "../protocol/messages.ts";
import { Writer } from "./writer.ts";

declare const self: Worker;

providePackage(pipeloom);

const writer = new Writer({
  post: (message) => self.postMessage(message),
  messages: async (module) => pipelineIn(await loadModule(module, builtins), module).messages,
  later: (work) => void setImmediate(work),
  after: (ms, work) => void setTimeout(work, ms),
  now: () => Date.now(),
});
self.onmessage = (event: MessageEvent<ToWriter>) => writer.receive(event.data);
