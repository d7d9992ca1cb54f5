// Runs a test's pipeline in one simulated process (test/simulator): the real run, hosts and writer, a simulated clock,
// and a database in memory.

import { registry } from "../../src/api/registry.ts";
import { type PipelineOptions, pipeline, type Work } from "../../src/api/pipeline.ts";
import type { RunOptions } from "../../src/engine/run-options.ts";
import { type Program, SimulatedProcess } from "../simulator/process.ts";
import { stillPace, World } from "../simulator/world.ts";

type More = Partial<Pick<RunOptions, "workers" | "concurrency" | "behind">> &
  Pick<PipelineOptions<Record<string, never>>, "pools"> &
  Pick<Program, "onEvent" | "onStatement"> & {
    /** Decides the order of concurrent events. */
    readonly seed?: number;
  };

/** @param tasks defines the tasks with `task` and yields the nodes */
export function simulated(tasks: () => Work, more: More = {}): SimulatedProcess {
  const { seed = 1, pools = {}, onEvent, onStatement, ...options } = more;
  return new SimulatedProcess(new World(seed, stillPace, 0), {
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(onStatement === undefined ? {} : { onStatement }),
    load() {
      registry.tasks.clear();
      registry.sealed = false;
      return {
        handles: [],
        options: {
          pipeline: pipeline({ name: "simulated", tasks: tasks(), pools }),
          writer: { db: ":memory:", wal: false, durability: "normal", storeTaskStatus: true },
          params: {},
          resume: "auto",
          workers: 2,
          concurrency: 2,
          failFast: false,
          cores: 2,
          ...options,
        },
      };
    },
  });
}
