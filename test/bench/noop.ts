// Empty tasks: pipeloom's own cost. The limit is a bare loop that inserts the same rows.

import {
  atMost,
  figure,
  type Figure,
  interleave,
  medianOf,
  ratioAtLeast,
  ratioAtMost,
  spreadOf,
} from "./figure.ts";
import { type Benchmark, type Kit, type RunMeasured, thousands } from "./kit.ts";

const workers = ["--workers", "2"];

export const noop: Benchmark = {
  name: "noop",
  about: "no-op tasks on 2 workers, each a done row, beside a bare insert loop",
  async run(kit) {
    const rounds = kit.size(3, 1);
    const few = await measure(kit, kit.size(200_000, 20_000), rounds);
    const many = await measure(kit, kit.size(1_000_000, 100_000), rounds);
    const cost = figure({
      name: `cost of a task, ${thousands(many.tasks)} tasks`,
      unit: "µs",
      value: many.wallMicros,
      limit: few.wallMicros,
      limitName: `at ${thousands(few.tasks)}`,
      target: ratioAtMost(1.2),
      cpu: { subject: many.cpuMicros, limit: few.cpuMicros, op: "task" },
    });
    return [few.figure, many.figure, cost];
  },
};

async function measure(kit: Kit, tasks: number, rounds: number) {
  const pairs = await interleave(
    rounds,
    async () => checked(kit, tasks),
    async () => bareTasks(kit, tasks),
  );
  const runMs = medianOf(pairs.subjects, (run) => run.runMs);
  const loopMs = medianOf(pairs.limits, (bare) => bare.said.loopMs);
  const cpuMicros = (medianOf(pairs.subjects, (run) => run.cpuMs) * 1000) / tasks;
  const bareCpu = (medianOf(pairs.limits, (bare) => bare.cpuMs) * 1000) / tasks;
  const wholeMs = medianOf(pairs.subjects, (run) => run.wallMs);
  const bareWholeMs = medianOf(pairs.limits, (bare) => bare.wallMs);
  return {
    tasks,
    cpuMicros,
    wallMicros: (runMs * 1000) / tasks,
    figure: figure({
      name: `no-op tasks, ${thousands(tasks)}`,
      unit: "/s",
      value: (tasks / runMs) * 1000,
      limit: (tasks / loopMs) * 1000,
      limitName: "bare loop",
      spread: spreadOf(
        pairs,
        (run) => 1 / run.runMs,
        (bare) => 1 / bare.said.loopMs,
      ),
      target: ratioAtLeast(0.6),
      cpu: { subject: cpuMicros, limit: bareCpu, op: "task" },
      notes: [
        `whole process ${Math.round(wholeMs)} ms, bare ${Math.round(bareWholeMs)} ms: ${Math.round((100 * bareWholeMs) / wholeMs)} %`,
      ],
    }),
  };
}

export async function bareTasks(kit: Kit, tasks: number, calls = 0) {
  const db = kit.newDb();
  const bare = await kit.child<{ loopMs: number }>("bare-tasks", [db, tasks, calls]);
  kit.removeDb(db);
  return bare;
}

async function checked(kit: Kit, tasks: number): Promise<RunMeasured> {
  const run = await kit.run("noop", { params: { tasks }, flags: workers });
  const [row] = kit.query<{ done: number }>(
    run.db,
    "SELECT COUNT(*) AS done FROM task_runs WHERE status = 'done'",
  );
  if (row?.done !== tasks) throw new Error(`${row?.done} of ${tasks} tasks have a done row`);
  kit.removeDb(run.db);
  return run;
}

export const memory: Benchmark = {
  name: "memory",
  about:
    "peak memory of a streamed run of no-op tasks, and that it does not grow with their number",
  async run(kit) {
    const few = kit.size(100_000, 20_000);
    const many = kit.size(1_000_000, 200_000);
    const pairs = await interleave(
      kit.size(3, 1),
      async () => checked(kit, many),
      async () => checked(kit, few),
    );
    const bare = await bareTasks(kit, few);
    const value = medianOf(pairs.subjects, (run) => run.peakMb);
    const limit = medianOf(pairs.limits, (run) => run.peakMb);
    const name = `peak memory, ${thousands(many)} no-op tasks`;
    const figures: Figure[] = [
      figure({
        name,
        unit: "MB",
        value,
        limit: bare.peakMb,
        limitName: `bare loop, ${thousands(few)}`,
        target: atMost(200),
        notes: [`each: ${pairs.subjects.map((run) => Math.round(run.peakMb)).join(", ")} MB`],
      }),
      figure({
        name,
        unit: "MB",
        value,
        limit,
        limitName: `at ${thousands(few)}`,
        spread: spreadOf(
          pairs,
          (run) => run.peakMb,
          (run) => run.peakMb,
        ),
        target: ratioAtMost(1.1),
      }),
    ];
    return figures;
  },
};
