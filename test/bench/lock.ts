// The lock of a run and its second guard.

import { atMost, figure, median, medianOf } from "./figure.ts";
import type { Benchmark } from "./kit.ts";

type Said = {
  readonly first: number;
  readonly locks: readonly number[];
  readonly bares: readonly number[];
};

export const lock: Benchmark = {
  name: "lock",
  about: "a run's lock, taken after a run that was killed: is its process alive, then the lock",
  async run(kit) {
    const processes: Said[] = [];
    for (let i = 0; i < kit.size(9, 3); i++)
      processes.push((await kit.child<Said>("lock", [10])).said);
    return [
      figure({
        name: "the lock and its second guard",
        unit: "ms",
        // A run takes one.
        value: medianOf(processes, ({ first }) => first),
        limit: median(processes.flatMap(({ bares }) => bares)),
        limitName: "a bare exclusive transaction",
        target: atMost(5),
        notes: [
          `later ones in a process: ${median(processes.flatMap(({ locks }) => locks)).toFixed(2)} ms`,
        ],
      }),
    ];
  },
};
