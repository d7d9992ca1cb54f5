// A run that was killed halfway and is continued: the time until its first new task, and its memory.

import { atMost, figure, type Figure } from "./figure.ts";
import { type Benchmark, type Kit, type RunOptions, thousands } from "./kit.ts";

type Half = Required<Pick<RunOptions, "params" | "flags" | "db">>;

const pollMs = 50;

/** Kills the run when `done` tasks are done. */
async function killAt(kit: Kit, pipeline: string, options: Half, done: number): Promise<void> {
  let looking: Promise<void> | undefined;
  const started = (child: Bun.Subprocess): void => {
    looking = killWhenDone(kit, options.db, done, child);
  };
  try {
    await kit.run(pipeline, { ...options, started });
  } catch (thrown) {
    if (!String(thrown).includes("ended by SIGKILL")) throw thrown;
    await looking;
    return;
  }
  throw new Error("the run ended before it was killed");
}

async function killWhenDone(kit: Kit, db: string, done: number, child: Bun.Subprocess) {
  while (child.exitCode === null) {
    await Bun.sleep(pollMs);
    if (doneIn(kit, db) >= done) return child.kill("SIGKILL");
  }
}

function doneIn(kit: Kit, db: string): number {
  try {
    const sql = "SELECT COUNT(*) AS done FROM task_runs WHERE status = 'done'";
    return kit.query<{ done: number }>(db, sql)[0]?.done ?? 0;
  } catch {
    // The database is not there yet.
    return 0;
  }
}

type Case = {
  readonly name: string;
  readonly pipeline: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** Of the whole run. */
  readonly tasks: number;
};

async function measure(kit: Kit, { name, pipeline, params, tasks }: Case): Promise<Figure[]> {
  const db = kit.newDb();
  const options = { params, flags: ["--workers", "2"], db };
  await killAt(kit, pipeline, options, tasks / 2);
  const before = doneIn(kit, db);
  const bare = await kit.child<{ loopMs: number }>("bare-read", [db]);
  const began = Date.now();
  const run = await kit.run(pipeline, options);
  const [first] = kit.query<{ at: string }>(
    db,
    `SELECT MIN(started_at) AS at FROM task_runs WHERE started_at >= '${new Date(began).toISOString()}'`,
  );
  if (doneIn(kit, db) !== tasks || first === undefined) throw new Error("the run is not complete");
  kit.removeDb(db);
  const shared = { name: `continued: ${name}`, notes: [`${thousands(before)} tasks were done`] };
  return [
    figure({
      ...shared,
      unit: "ms",
      value: Date.parse(first.at) - began,
      limit: bare.said.loopMs,
      limitName: "bare read of keys and results",
      target: atMost(3000),
    }),
    figure({
      ...shared,
      unit: "MB",
      value: run.peakMb,
      limit: bare.peakMb,
      limitName: "bare read of keys and results",
      target: atMost(300),
    }),
  ];
}

export const continued: Benchmark = {
  name: "continued",
  about:
    "a run of 1,000,000 no-op tasks of which half are done: time to the first new task, memory",
  async run(kit) {
    const tasks = kit.size(1_000_000, 100_000);
    return measure(kit, {
      name: `${thousands(tasks)} no-op tasks, half of them done`,
      pipeline: "noop",
      params: { tasks },
      tasks,
    });
  },
};

export const continuedLong: Benchmark = {
  name: "continued-long",
  about:
    "2,000 results of 1 MB that are read, half of the tasks done: time to the first new task, memory",
  slow: true,
  async run(kit) {
    const results = kit.size(2000, 200);
    return measure(kit, {
      name: `${thousands(results)} results of 1 MB`,
      pipeline: "long",
      params: { tasks: results, chars: 1_000_000, what: "read" },
      tasks: 2 * results,
    });
  },
};
