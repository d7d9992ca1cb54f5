// The kinds of executors, each held against the contract.

import { threadExecutors } from "../../src/executors/threads/worker-pool.ts";
import { spawnTaskWorker } from "../../src/spawn.ts";
import { newRig } from "../support/rig.ts";
import { executorsContract, type Harness } from "./contract.ts";
import { inProcess } from "./in-process.ts";

const module = `
  console.log("loading");
  const chars = "x".repeat(100_000);
  task({ name: "done", run: () => null });
  task({ name: "gate", run: (_, ctx) => step("gate", null, ctx.signal) });
  task({ name: "exit", run: () => process.exit(3) });
  const chatty = task({
    name: "chatty",
    run(_, ctx) {
      for (let i = 0; i < 42; i++) ctx.log.info(chars);
    },
  });
  export default pipeline({ name: "p", tasks: () => chatty() });
`;

function threads(): Harness {
  const rig = newRig();
  const { control } = rig;
  return {
    create: threadExecutors(spawnTaskWorker),
    module: { kind: "file", path: rig.pipeline(module), export: "default" },
    nextGate: () => control.next("gate"),
    get waitingGates() {
      return control.waiting("gate");
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

executorsContract("threads", threads);
executorsContract("a fake in this thread", inProcess);
