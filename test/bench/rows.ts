// Throughput of rows: from a task through the writer into the user's table.

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

const unitOfLargeFiles = 50_000;

type Params = { readonly rows: number; readonly tasks: number; readonly unit: number };

async function upsert(kit: Kit, params: Params, flags: readonly string[]): Promise<RunMeasured> {
  const run = await kit.run("rows", { params, flags, beside: ["item.ts"] });
  const [found] = kit.query<{ count: number }>(run.db, "SELECT COUNT(*) AS count FROM items");
  if (found?.count !== params.rows) {
    throw new Error(`${found?.count} of ${params.rows} rows are in the table`);
  }
  kit.removeDb(run.db);
  return run;
}

async function bareUpsert(kit: Kit, rows: number) {
  const db = kit.newDb();
  const bare = await kit.child<{ loopMs: number }>("bare-upsert", [db, rows]);
  kit.removeDb(db);
  return bare;
}

const onTwo = ["--workers", "2"];

export const rows: Benchmark = {
  name: "rows",
  about: "rows of 6 columns upserted by 8 tasks, beside a bare loop of the same statement",
  async run(kit) {
    const params = { rows: kit.size(1_000_000, 200_000), tasks: 8, unit: 1_000_000 };
    const pairs = await interleave(
      kit.size(3, 1),
      async () => upsert(kit, params, onTwo),
      async () => bareUpsert(kit, params.rows),
    );
    const name = `upsert of ${thousands(params.rows)} rows by 8 tasks`;
    return [
      figure({
        name,
        unit: "/s",
        value: (params.rows / medianOf(pairs.subjects, (run) => run.runMs)) * 1000,
        limit: (params.rows / medianOf(pairs.limits, (bare) => bare.said.loopMs)) * 1000,
        limitName: "bare loop",
        spread: spreadOf(
          pairs,
          (run) => 1 / run.runMs,
          (bare) => 1 / bare.said.loopMs,
        ),
        target: ratioAtLeast(0.6),
        cpu: {
          subject: (medianOf(pairs.subjects, (run) => run.cpuMs) * 1000) / params.rows,
          limit: (medianOf(pairs.limits, (bare) => bare.cpuMs) * 1000) / params.rows,
          op: "row",
        },
      }),
      figure({
        name,
        unit: "MB",
        value: medianOf(pairs.subjects, (run) => run.peakMb),
        limit: medianOf(pairs.limits, (bare) => bare.peakMb),
        limitName: "bare loop",
        target: atMost(250),
      }),
    ];
  },
};

const microsPerRow = (runs: readonly RunMeasured[], count: number): number =>
  (medianOf(runs, (run) => run.runMs) * 1000) / count;

export const manyRows: Benchmark = {
  name: "many-rows",
  about: "ten times the rows, with checkpoints: the cost of a row must not grow",
  slow: true,
  async run(kit) {
    const few = kit.size(1_000_000, 200_000);
    const params = (times: number) => ({ rows: few * times, tasks: 8, unit: unitOfLargeFiles });
    const pairs = await interleave(
      1,
      async () => upsert(kit, params(10), onTwo),
      async () => upsert(kit, params(1), onTwo),
    );
    const bare = await interleave(
      1,
      async () => bareUpsert(kit, few * 10),
      async () => bareUpsert(kit, few),
    );
    const bareRatio =
      medianOf(bare.subjects, ({ said }) => said.loopMs) /
      medianOf(bare.limits, ({ said }) => said.loopMs) /
      10;
    return [
      figure({
        name: `cost of a row, ${thousands(few * 10)} rows`,
        unit: "µs",
        value: microsPerRow(pairs.subjects, few * 10),
        limit: microsPerRow(pairs.limits, few),
        limitName: `at ${thousands(few)}`,
        target: ratioAtMost(1.2),
        notes: [
          `the bare loop's own: ${bareRatio.toFixed(2)}×`,
          `peak memory ${Math.round(medianOf(pairs.subjects, (run) => run.peakMb))} MB`,
        ],
      }),
    ];
  },
};

export const pour: Benchmark = {
  name: "pour",
  about: "8 tasks at once that each pour 5 million rows with checkpoints: memory",
  slow: true,
  async run(kit) {
    const params = { rows: kit.size(40_000_000, 4_000_000), tasks: 8, unit: unitOfLargeFiles };
    const flags = [...onTwo, "--concurrency", "8"];
    const run = await upsert(kit, params, flags);
    const few = await upsert(kit, { ...params, rows: params.rows / 10 }, flags);
    return [
      figure({
        name: `8 tasks pour ${thousands(params.rows)} rows`,
        unit: "MB",
        value: run.peakMb,
        limit: few.peakMb,
        limitName: "a tenth of them",
        target: atMost(400),
        notes: [`${thousands((params.rows / run.runMs) * 1000)} rows/s`],
      }),
    ];
  },
};

type Read = {
  readonly queries: number;
  readonly errors: number;
  readonly medianMicros: number;
  readonly p99Micros: number;
};

export const readers: Benchmark = {
  name: "readers",
  about: "a read-only query loop in another process while rows are written",
  async run(kit) {
    const db = kit.newDb();
    const params = { rows: kit.size(1_000_000, 300_000), tasks: 8, unit: unitOfLargeFiles };
    const options = { params, db, beside: ["item.ts"], flags: [...onTwo, "--fresh"] };
    await kit.run("rows", options);
    const busy: Read[] = [];
    const idle: Read[] = [];
    for (let round = 0; round < kit.size(3, 1); round++) {
      idle.push((await kit.child<Read>("reader", [db, 1000])).said);
      let reading: Promise<{ said: Read }> | undefined;
      const started = (child: Bun.Subprocess): void => {
        reading = kit.child<Read>("reader", [db, "pid", child.pid]);
      };
      await kit.run("rows", { ...options, started });
      if (reading !== undefined) busy.push((await reading).said);
    }
    const errors = [...idle, ...busy].reduce((sum, read) => sum + read.errors, 0);
    if (errors > 0) throw new Error(`${errors} queries failed`);
    const figures: Figure[] = [
      figure({
        name: `a query while ${thousands(params.rows)} rows are written`,
        unit: "µs",
        value: medianOf(busy, (read) => read.medianMicros),
        limit: medianOf(idle, (read) => read.medianMicros),
        limitName: "idle",
        target: ratioAtMost(2),
        notes: [
          `99 of 100 under ${Math.round(medianOf(busy, (read) => read.p99Micros))} µs, idle ${Math.round(medianOf(idle, (read) => read.p99Micros))} µs; ${thousands(medianOf(busy, (read) => read.queries))} queries, none failed`,
        ],
      }),
    ];
    return figures;
  },
};
