// Tasks on other machines: `run --engine` with two `pipeloom worker` processes and a Redis of its own, all on this machine. The
// limits are the local engine with two threads, and BullMQ with one job a task.

import { join } from "node:path";

import { hasRedis, type RedisServer, startRedis } from "../support/redis-server.ts";
import { cpuMsOf } from "./child.ts";
import {
  atLeast,
  atMost,
  figure,
  type Figure,
  interleave,
  medianOf,
  ratioAtLeast,
  spreadOf,
} from "./figure.ts";
import { type Benchmark, type Kit, type RunMeasured, type RunOptions, thousands } from "./kit.ts";

/** CPU time of a run, ms. */
type Costs = { readonly workers: number; readonly redis: number };
type MachinesRun = RunMeasured & { readonly costs: Costs };

/** A program, and what it has said so far. */
class Program {
  readonly process: Bun.Subprocess;
  #said = "";

  constructor(command: string[], env: Readonly<Record<string, string>>) {
    const child = Bun.spawn(command, {
      env: { ...process.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.process = child;
    void this.#read(child.stdout);
    void this.#read(child.stderr);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.#said += decoder.decode(bytes);
  }

  async until(words: string): Promise<void> {
    while (!this.#said.includes(words)) {
      if (this.process.exitCode !== null) throw new Error(`it has ended: ${this.#said}`);
      await Bun.sleep(10);
    }
  }
}

class Machines implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly #kit: Kit;
  readonly #env = { PIPELOOM_ENGINE_KEY: "the key of this benchmark" };
  readonly #programs: Program[] = [];

  private constructor(kit: Kit, redis: RedisServer) {
    this.#kit = kit;
    this.redis = redis;
  }

  /** @param workers so many, with one thread each */
  static async open(kit: Kit, workers: number): Promise<Machines> {
    const machines = new Machines(kit, await startRedis());
    for (let i = 0; i < workers; i++) await machines.worker(1);
    return machines;
  }

  /** Resolves when it waits for runs. */
  async worker(threads: number): Promise<Program> {
    const flags = ["--engine", this.redis.url, "--workers", `${threads}`];
    const program = this.#start([this.#kit.exe, "worker", ...flags]);
    await program.until("waits for runs");
    return program;
  }

  /** Machines without threads, in one process. Resolves when they wait for runs. */
  async simulated(count: number): Promise<Program> {
    const file = join(import.meta.dir, "children", "idle-machines.ts");
    const program = this.#start([process.execPath, file, this.redis.url, `${count}`]);
    await program.until("ready");
    return program;
  }

  #start(command: string[]): Program {
    const program = new Program(command, this.#env);
    this.#programs.push(program);
    return program;
  }

  async run(pipeline: string, options: RunOptions = {}): Promise<MachinesRun> {
    const before = this.#costs();
    const flags = ["--engine", this.redis.url, ...(options.flags ?? [])];
    const run = await this.#kit.run(pipeline, { ...options, flags, env: this.#env });
    const { workers, redis } = this.#costs();
    return { ...run, costs: { workers: workers - before.workers, redis: redis - before.redis } };
  }

  #costs(): Costs {
    const workers = this.#programs.map(({ process }) =>
      process.killed ? 0 : cpuMsOf(process.pid),
    );
    return { workers: workers.reduce((sum, ms) => sum + ms, 0), redis: cpuMsOf(this.redis.pid) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process } of this.#programs) process.kill("SIGKILL");
    await Promise.all(this.#programs.map(({ process }) => process.exited));
    await this.redis[Symbol.asyncDispose]();
  }
}

const onTwo = ["--workers", "2"];

function costNote(runs: readonly MachinesRun[], tasks: number, op: string): string {
  const micros = (value: (run: MachinesRun) => number): string =>
    ((medianOf(runs, value) * 1000) / tasks).toFixed(1);
  return `CPU a ${op}: run ${micros((run) => run.cpuMs)} µs, workers ${micros((run) => run.costs.workers)} µs, Redis ${micros((run) => run.costs.redis)} µs`;
}

const totalMicros = (runs: readonly MachinesRun[], ops: number): number =>
  (medianOf(runs, ({ cpuMs, costs }) => cpuMs + costs.workers + costs.redis) * 1000) / ops;

const micros = (runs: readonly RunMeasured[], ops: number): number =>
  (medianOf(runs, ({ cpuMs }) => cpuMs) * 1000) / ops;

async function bullmqJobs(kit: Kit, two: Machines, jobs: number) {
  const before = cpuMsOf(two.redis.pid);
  const args = [two.redis.url, jobs];
  const { said } = await kit.child<{ ms: number; cpuMs: number }>("bullmq-jobs", args);
  const cpuMs = said.cpuMs + cpuMsOf(two.redis.pid) - before;
  return { perJobMs: said.ms / jobs, cpuMicros: (cpuMs * 1000) / jobs };
}

async function noops(kit: Kit, two: Machines): Promise<Figure[]> {
  const tasks = kit.size(300_000, 20_000);
  const jobs = kit.size(20_000, 2_000);
  const params = { tasks };
  const checked = (run: RunMeasured): void => {
    const [row] = kit.query<{ n: number }>(
      run.db,
      "SELECT COUNT(*) AS n FROM task_runs WHERE status = 'done'",
    );
    if (row?.n !== tasks) throw new Error(`${row?.n} of ${tasks} tasks are done`);
    kit.removeDb(run.db);
  };
  const pairs = await interleave(
    kit.size(3, 1),
    async () => {
      const run = await two.run("noop", { params });
      checked(run);
      return run;
    },
    async () => {
      const local = await kit.run("noop", { params, flags: onTwo });
      checked(local);
      return { local, jobs: await bullmqJobs(kit, two, jobs) };
    },
  );
  const runMs = medianOf(pairs.subjects, (run) => run.runMs);
  const value = (tasks / runMs) * 1000;
  const locals = pairs.limits.map(({ local }) => local);
  const measured = {
    name: `no-op tasks on two machines, ${thousands(tasks)}`,
    unit: "/s",
    value,
  } as const;
  return [
    figure({
      ...measured,
      limit: (tasks / medianOf(locals, (run) => run.runMs)) * 1000,
      limitName: "local engine",
      spread: spreadOf(
        pairs,
        (run) => 1 / run.runMs,
        ({ local }) => 1 / local.runMs,
      ),
      target: atLeast(60_000),
      cpu: {
        subject: totalMicros(pairs.subjects, tasks),
        limit: micros(locals, tasks),
        op: "task",
      },
      notes: [costNote(pairs.subjects, tasks, "task")],
    }),
    figure({
      ...measured,
      limit: 1000 / medianOf(pairs.limits, ({ jobs: { perJobMs } }) => perJobMs),
      limitName: "one BullMQ job a task",
      spread: spreadOf(
        pairs,
        (run) => tasks / run.runMs,
        (limit) => 1 / limit.jobs.perJobMs,
      ),
      target: ratioAtLeast(10),
      cpu: {
        subject: totalMicros(pairs.subjects, tasks),
        limit: medianOf(pairs.limits, (limit) => limit.jobs.cpuMicros),
        op: "task",
      },
    }),
  ];
}

/** From the end of the first to the end of the last. */
function linkMs(kit: Kit, { db }: RunMeasured, links: number): number {
  const [row] = kit.query<{ first: string; last: string; n: number }>(
    db,
    "SELECT MIN(finished_at) AS first, MAX(finished_at) AS last, COUNT(*) AS n FROM task_runs WHERE status = 'done'",
  );
  if (row?.n !== links) throw new Error(`${row?.n} of ${links} links are done`);
  return (Date.parse(row.last) - Date.parse(row.first)) / (links - 1);
}

async function chain(kit: Kit, two: Machines): Promise<Figure> {
  const links = kit.size(1_000, 200);
  const options = { params: { links }, flags: ["--durability", "normal"] };
  const pairs = await interleave(
    kit.size(3, 1),
    async () => two.run("chain", options),
    async () => kit.run("chain", { ...options, flags: [...options.flags, ...onTwo] }),
  );
  return figure({
    name: `a link on two machines, chain of ${thousands(links)}`,
    unit: "ms",
    value: medianOf(pairs.subjects, (run) => linkMs(kit, run, links)),
    limit: medianOf(pairs.limits, (run) => linkMs(kit, run, links)),
    limitName: "local engine",
    spread: spreadOf(
      pairs,
      (run) => linkMs(kit, run, links),
      (run) => linkMs(kit, run, links),
    ),
    target: atMost(5),
    cpu: {
      subject: totalMicros(pairs.subjects, links),
      limit: micros(pairs.limits, links),
      op: "link",
    },
    notes: [costNote(pairs.subjects, links, "link")],
  });
}

async function rows(kit: Kit, two: Machines): Promise<Figure> {
  const params = { rows: kit.size(1_000_000, 100_000), tasks: 8, unit: 1_000_000 };
  const counted = (run: RunMeasured): void => {
    const [row] = kit.query<{ n: number }>(run.db, "SELECT COUNT(*) AS n FROM items");
    if (row?.n !== params.rows) throw new Error(`${row?.n} of ${params.rows} rows are there`);
    kit.removeDb(run.db);
  };
  const pairs = await interleave(
    kit.size(3, 1),
    async () => {
      const run = await two.run("rows", { params, beside: ["item.ts"] });
      counted(run);
      return run;
    },
    async () => {
      const run = await kit.run("rows", { params, beside: ["item.ts"], flags: onTwo });
      counted(run);
      return run;
    },
  );
  const rate = (runs: readonly RunMeasured[]): number =>
    (params.rows / medianOf(runs, (run) => run.runMs)) * 1000;
  return figure({
    name: `upsert of ${thousands(params.rows)} rows by 8 tasks on two machines`,
    unit: "/s",
    value: rate(pairs.subjects),
    limit: rate(pairs.limits),
    limitName: "local engine",
    spread: spreadOf(
      pairs,
      (run) => 1 / run.runMs,
      (run) => 1 / run.runMs,
    ),
    target: ratioAtLeast(0.5),
    cpu: {
      subject: totalMicros(pairs.subjects, params.rows),
      limit: micros(pairs.limits, params.rows),
      op: "row",
    },
    notes: [costNote(pairs.subjects, params.rows, "row")],
  });
}

const countRunning = "SELECT COUNT(*) AS n FROM task_runs WHERE status = 'running'";

/** The database may not be there yet. */
function running(kit: Kit, db: string): number {
  try {
    return kit.query<{ n: number }>(db, countRunning)[0]?.n ?? 0;
  } catch {
    return 0;
  }
}

async function killed(kit: Kit): Promise<Figure> {
  await using all = await Machines.open(kit, 0);
  const first = await all.worker(2);
  const db = kit.newDb();
  const run = all.run("sleep", { db, params: { tasks: 2, ms: 3_000 } });
  while (running(kit, db) < 2) await Bun.sleep(20);
  await all.worker(2);
  first.process.kill("SIGKILL");
  const at = Date.now();
  await run;
  const [row] = kit.query<{ last: string; attempts: number }>(
    db,
    "SELECT MAX(started_at) AS last, MIN(attempt) AS attempts FROM task_runs WHERE status = 'done'",
  );
  if (row?.attempts !== 2) throw new Error("the tasks have not run again");
  return figure({
    name: "from the kill of a worker to the start of its last task elsewhere",
    unit: "ms",
    value: Date.parse(row.last) - at,
    limit: 10_000,
    limitName: "10 s",
    target: atMost(10_000),
  });
}

async function idle(kit: Kit): Promise<Figure> {
  const count = kit.size(1_000, 100);
  const seconds = kit.size(20, 5);
  await using all = await Machines.open(kit, 0);
  const simulated = await all.simulated(count);
  const { promise, resolve } = Promise.withResolvers<Bun.Subprocess>();
  // One of them has its only task, and does not end it.
  const options = { params: { tasks: 1 }, started: resolve };
  const run = all.run("sleep", options).then(
    () => new Error("the run has ended"),
    () => undefined,
  );
  const { pid } = await promise;
  await simulated.until("joined");
  await Bun.sleep(kit.size(5_000, 1_000));
  const before = cpuMsOf(pid);
  await Bun.sleep(seconds * 1000);
  const percent = (cpuMsOf(pid) - before) / (seconds * 10);
  process.kill(pid, "SIGKILL");
  const wrong = await run;
  if (wrong !== undefined) throw wrong;
  return figure({
    name: `a run with ${thousands(count)} idle workers`,
    unit: "% of a core",
    value: percent,
    limit: 5,
    limitName: "5 % of a core",
    target: atMost(5),
    notes: [`over ${seconds} s; the workers are simulated, and have no threads`],
  });
}

export const machines: Benchmark = {
  name: "machines",
  about: "tasks on two workers over Redis, beside the local engine and one BullMQ job a task",
  async run(kit) {
    if (!hasRedis) {
      kit.say("  skipped: there is no redis-server on this machine");
      return [];
    }
    const figures: Figure[] = [];
    {
      await using two = await Machines.open(kit, 2);
      figures.push(...(await noops(kit, two)));
      figures.push(await chain(kit, two), await rows(kit, two));
    }
    return [...figures, await killed(kit), await idle(kit)];
  },
};
