// Long texts: peak memory does not depend on how many there are.

import { atMost, figure, type Figure } from "./figure.ts";
import { type Benchmark, type Kit, type RunMeasured, thousands } from "./kit.ts";

const chars = 100_000;

async function measure(kit: Kit, what: string, tasks: number): Promise<RunMeasured> {
  const params = { tasks, chars, what };
  const run = await kit.run("long", { params, flags: ["--workers", "2"] });
  kit.removeDb(run.db);
  return run;
}

export const long: Benchmark = {
  name: "long",
  about: "3,000 results, inputs, rows, and results that are read, of 100 kB each: memory",
  async run(kit) {
    const tasks = kit.size(3000, 600);
    const figures: Figure[] = [];
    for (const [what, named] of [
      ["results", "results"],
      ["inputs", "inputs"],
      ["rows", "rows"],
      ["read", "results that are read"],
    ] as const) {
      const run = await measure(kit, what, tasks);
      const few = await measure(kit, what, tasks / 10);
      const perText = (run.cpuMs - few.cpuMs) / (tasks - tasks / 10);
      figures.push(
        figure({
          name: `${thousands(tasks)} ${named} of 100 kB`,
          unit: "MB",
          value: run.peakMb,
          limit: few.peakMb,
          limitName: "a tenth of them",
          target: atMost(250),
          notes: [`${Math.round(perText * 1000)} µs of CPU for each more`],
        }),
      );
    }
    return figures;
  },
};
