// The kinds of executors, each held against the contract.

import { threadExecutors } from "../../src/executors/threads/worker-pool.ts";
import { spawnTaskWorker } from "../../src/spawn.ts";
import { newRig } from "../support/rig.ts";
import { executorsContract, type Harness } from "./contract.ts";
import { contractModule } from "./contract-module.ts";
import { inProcess } from "./in-process.ts";

function threads(): Harness {
  const rig = newRig();
  const { control } = rig;
  return {
    create: threadExecutors(spawnTaskWorker),
    module: { kind: "file", path: rig.pipeline(contractModule), export: "default" },
    nextGate: () => control.next("gate"),
    get waitingGates() {
      return control.waiting("gate");
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

executorsContract("threads", threads);
executorsContract("a fake in this thread", inProcess);
