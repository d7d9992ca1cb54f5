// `ctx.progress` must be cheap enough to call for every row: most calls never leave the thread.

import { atLeast, figure, interleave, medianOf, spreadOf } from "./figure.ts";
import { type Benchmark, thousands } from "./kit.ts";
import { bareTasks } from "./noop.ts";

export const progress: Benchmark = {
  name: "progress",
  about: "ctx.progress, called often in each of many tasks",
  async run(kit) {
    const tasks = kit.size(10_000, 2_000);
    const calls = 100;
    const pairs = await interleave(
      kit.size(3, 1),
      async () => {
        const params = { tasks, calls };
        const run = await kit.run("progress", { params, flags: ["--workers", "2"] });
        const [row] = kit.query<{ right: number }>(
          run.db,
          `SELECT COUNT(*) AS right FROM task_runs
           WHERE status = 'done' AND progress = 0.5 AND message = 'step ${calls}'`,
        );
        if (row?.right !== tasks) {
          throw new Error(`the last progress is in the row of ${row?.right} of ${tasks} tasks`);
        }
        return run;
      },
      async () => bareTasks(kit, tasks, calls),
    );
    const all = tasks * calls;
    const runMs = medianOf(pairs.subjects, (run) => run.runMs);
    const loopMs = medianOf(pairs.limits, (bare) => bare.said.loopMs);
    return [
      figure({
        name: `ctx.progress, ${calls} calls in each of ${thousands(tasks)} tasks`,
        unit: "/s",
        value: (all / runMs) * 1000,
        limit: (all / loopMs) * 1000,
        limitName: "bare loop",
        spread: spreadOf(
          pairs,
          (run) => 1 / run.runMs,
          (bare) => 1 / bare.said.loopMs,
        ),
        target: atLeast(2_000_000),
        cpu: {
          subject: (medianOf(pairs.subjects, (run) => run.cpuMs) * 1000) / tasks,
          limit: (medianOf(pairs.limits, (bare) => bare.cpuMs) * 1000) / tasks,
          op: "task",
        },
        notes: ["the last value and message of each task are in its row"],
      }),
    ];
  },
};
