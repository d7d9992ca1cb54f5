// The entry of a task Worker. It wires the host to the rooms the host may not know.

import * as pipeloom from "../index.ts";
import { loadModule, providePackage } from "../api/load.ts";
import { builtins } from "../examples/builtins.ts";
import type { FromWorker, ToWorker } from "../protocol/messages.ts";
import { Host } from "./host.ts";

declare const self: Worker;

const exit = process.exit.bind(process);
providePackage(pipeloom);

const host = new Host({
  post: (message: FromWorker) => self.postMessage(message),
  load: async (boot) => void (await loadModule(boot.module, builtins)),
  query: () => {
    throw new Error("not yet");
  },
  exit,
});
self.onmessage = (event: MessageEvent<ToWorker>) => host.receive(event.data);
