// Tasks that take time themselves: pipeloom's overhead should be close to zero.

import { figure, interleave, medianOf, ratioAtLeast, ratioAtMost, spreadOf } from "./figure.ts";
import type { Benchmark } from "./kit.ts";

export const cpu: Benchmark = {
  name: "cpu",
  about: "CPU-bound tasks on 2 workers, beside two bare Workers fed by hand",
  async run(kit) {
    const tasks = kit.size(100, 30);
    const n = 30;
    const pairs = await interleave(
      kit.size(5, 2),
      async () => kit.run("fib", { params: { tasks, n }, flags: ["--workers", "2"] }),
      async () => kit.child<{ loopMs: number }>("bare-workers", [2, tasks, n]),
    );
    return [
      figure({
        name: `${tasks} × fib(${n}) on 2 workers`,
        unit: "/s",
        value: (tasks / medianOf(pairs.subjects, (run) => run.runMs)) * 1000,
        limit: (tasks / medianOf(pairs.limits, (bare) => bare.said.loopMs)) * 1000,
        limitName: "two bare Workers",
        spread: spreadOf(
          pairs,
          (run) => 1 / run.runMs,
          (bare) => 1 / bare.said.loopMs,
        ),
        target: ratioAtLeast(0.95),
        cpu: {
          subject: (medianOf(pairs.subjects, (run) => run.cpuMs) * 1000) / tasks,
          limit: (medianOf(pairs.limits, (bare) => bare.cpuMs) * 1000) / tasks,
          op: "task",
        },
      }),
    ];
  },
};

export const sleep: Benchmark = {
  name: "sleep",
  about: "tasks that sleep 50 ms, 8 in flight, beside as many rounds of bare timers",
  async run(kit) {
    const ms = 50;
    const atOnce = 8;
    const tasks = kit.size(200, 80);
    const pairs = await interleave(
      kit.size(3, 2),
      async () => {
        const flags = ["--workers", "2", "--concurrency", String(atOnce)];
        const run = await kit.run("sleep", { params: { tasks, ms }, flags });
        const [span] = kit.query<{ first: string; last: string }>(
          run.db,
          "SELECT MIN(started_at) AS first, MAX(finished_at) AS last FROM task_runs",
        );
        if (span === undefined) throw new Error("no task has run");
        return { ...run, spanMs: Date.parse(span.last) - Date.parse(span.first) };
      },
      async () => kit.child<{ loopMs: number }>("bare-sleep", [tasks / atOnce, atOnce, ms]),
    );
    const limit = medianOf(pairs.limits, (bare) => bare.said.loopMs);
    const spanMs = medianOf(pairs.subjects, (run) => run.spanMs);
    return [
      figure({
        name: `${tasks} tasks that sleep ${ms} ms, ${atOnce} in flight`,
        unit: "ms",
        value: medianOf(pairs.subjects, (run) => run.runMs),
        limit,
        limitName: "bare timers",
        spread: spreadOf(
          pairs,
          (run) => run.runMs,
          (bare) => bare.said.loopMs,
        ),
        target: ratioAtMost(1.03),
        notes: [
          `from the first start to the last end ${Math.round(spanMs)} ms: ${(spanMs / limit).toFixed(3)}×`,
        ],
      }),
    ];
  },
};
