// The page over large runs: how long its answers take, and what it costs a run that writes meanwhile.

import { Database } from "bun:sqlite";

import type { TasksView, TimelineView } from "../../src/page/contract.ts";
import { taskKey } from "../../src/protocol/task-key.ts";
import {
  atMost,
  figure,
  type Figure,
  interleave,
  median,
  medianOf,
  ratioAtMost,
} from "./figure.ts";
import { type Benchmark, type Kit, thousands } from "./kit.ts";
import { PageClient } from "./page-client.ts";

const begin = Date.UTC(2026, 0, 31, 12);

const iso = (ms: number): string => new Date(begin + ms).toISOString();

/** Run 2, on 8 workers, each task up to 50 ms long; every thousandth has failed, or every one. */
async function newFile(kit: Kit, tasks: number, failedEvery = 1000): Promise<string> {
  const { db: name } = await kit.run("noop", { params: { tasks: 1 } });
  using db = new Database(kit.path(name));
  const failed = Math.floor(tasks / failedEvery);
  const counts = { queued: 0, running: 0, done: tasks - failed, error: failed, cancelled: 0 };
  db.run(
    `INSERT INTO pipeline_runs (id, pipeline, params, status, tasks_total, started_at, finished_at, counts)
      VALUES (2, 'pages', '{}', 'error', ?, ?, ?, ?)`,
    [tasks, iso(0), iso(tasks * 4), JSON.stringify({ ...counts, skipped: 0 })],
  );
  const insert = db.prepare(
    `INSERT INTO task_runs (run_id, id, name, key, status, progress, attempt, started_at, finished_at, error, rows, cpu_ms, waited_ms, input, worker)
      VALUES (2, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const free = Array.from({ length: 8 }, () => 0);
  db.transaction(() => {
    for (let id = 1; id <= tasks; id++) {
      const [worker, ms, isFailed] = [id % 8, (id * 7919) % 50, id % failedEvery === 0];
      const started = free[worker] ?? 0;
      free[worker] = started + ms + 1;
      const task = ["load-page", "parse-page"][id % 2] ?? "";
      const error = isFailed ? `{"name":"Error","message":"HTTP 500 of page ${id}"}` : null;
      const status = isFailed ? "error" : "done";
      const times = [iso(started), iso(started + ms)] as const;
      const costs = [id % 100, id % 30, id % 400] as const;
      const input = `{"page":${id}}`;
      insert.run(id, task, taskKey(task, input), status, ...times, error, ...costs, input, worker);
    }
  })();
  insert.finalize();
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  return name;
}

/** Milliseconds until the whole answer is there. */
async function wholeMs(client: PageClient, path: string): Promise<number> {
  const began = performance.now();
  while (!(await client.data<TasksView>(path)).isComplete);
  return performance.now() - began;
}

async function fastest(rounds: number, ask: (round: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await ask(round);
    times.push(performance.now() - began);
  }
  return Math.min(...times);
}

async function answers(kit: Kit, tasks: number): Promise<Figure[]> {
  const db = await newFile(kit, tasks);
  const bareMs = bareSortMs(kit.path(db));
  const began = performance.now();
  await using client = await PageClient.start(kit, db);
  await client.data("/data/runs/2");
  const firstMs = performance.now() - began;
  const readMs = await wholeMs(client, "/data/runs/2/timeline");
  const { first, last } = await client.data<TimelineView>("/data/runs/2/timeline");
  const rounds = kit.size(10, 3);
  // Each question is another one: an answer that is kept is no measure.
  const timelineMs = await fastest(rounds, (round) =>
    client.data(`/data/runs/2/timeline?from=${first + round}&to=${last}`),
  );
  const sortedMs = await fastest(rounds, (round) =>
    client.data(`/data/runs/2/tasks?sort=duration&order=desc&from=${first - round}`),
  );
  const definitionsMs = await wholeMs(client, "/data/runs/2/definitions");
  const searchMs = await wholeMs(client, "/data/runs/2/tasks?text=page%3D77");
  kit.removeDb(db);
  const size = `${thousands(tasks)} tasks`;
  const of = (name: string, value: number, mostMs: number): Figure =>
    figure({
      name: `${name}, ${size}`,
      unit: "ms",
      value,
      limit: bareMs,
      limitName: "sorted by bare SQL",
      target: atMost(mostMs),
    });
  return [
    of("start and first answer", firstMs, 1000),
    of("all tasks read, and a timeline", readMs, 2500),
    of("timeline", timelineMs, 200),
    of("tasks by duration", sortedMs, 200),
    of("definitions", definitionsMs, 200),
    of("a text is searched everywhere", searchMs, 2500),
  ];
}

/** The question behind a list that is sorted. */
function bareSortMs(path: string): number {
  using db = new Database(path, { readonly: true });
  const began = performance.now();
  db.query(
    "SELECT id FROM task_runs WHERE run_id = 2 ORDER BY julianday(finished_at) - julianday(started_at) DESC LIMIT 200",
  ).all();
  return performance.now() - began;
}

/** Of a small question that is asked again and again. */
async function longestWait(client: PageClient, isOver: () => boolean): Promise<number> {
  let longest = 0;
  while (!isOver()) {
    const began = performance.now();
    await client.data("/data/jobs");
    longest = Math.max(longest, performance.now() - began);
  }
  return longest;
}

/** All tasks have failed: until they are grouped, and how long another question waits meanwhile. */
async function failures(kit: Kit, tasks: number): Promise<Figure[]> {
  const db = await newFile(kit, tasks, 1);
  const rounds = kit.size(5, 2);
  const wholes: number[] = [];
  const waits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using client = await PageClient.start(kit, db);
    await client.data("/data/runs/2");
    let isOver = false;
    const waited = longestWait(client, () => isOver);
    wholes.push(await wholeMs(client, "/data/runs/2/failures"));
    isOver = true;
    waits.push(await waited);
  }
  kit.removeDb(db);
  const size = `${thousands(tasks)} failed tasks`;
  const of = (name: string, value: number, mostMs: number): Figure =>
    figure({
      name: `${name}, ${size}`,
      unit: "ms",
      value,
      limit: mostMs,
      limitName: "the target",
      target: atMost(mostMs),
    });
  return [
    of("grouped by message", Math.min(...wholes), 1000),
    of("another question waits meanwhile", Math.min(...waits), 50),
  ];
}

/** What an open page asks while a run writes: the stream of changes, and the timeline again and again, as a browser does. */
async function watched(client: PageClient, run: number, isOver: () => boolean): Promise<void> {
  using _ = client.listen();
  while (!isOver()) {
    const began = performance.now();
    await client.data(`/data/runs/${run}/timeline`).catch(() => undefined);
    const tookMs = performance.now() - began;
    await Bun.sleep(Math.min(Math.max(250, 40 * tookMs), 5_000));
  }
}

/** Runs of one database, the second half of them with the page open. */
async function besides(kit: Kit): Promise<Figure[]> {
  const tasks = kit.size(1_000_000, 50_000);
  const shares: number[] = [];
  const runMs = async (isOpen: boolean): Promise<number> => {
    const { db } = await kit.run("noop", { params: { tasks: 1 } });
    await using client = isOpen ? await PageClient.start(kit, db) : undefined;
    let isOver = false;
    const [began, cpuBefore] = [performance.now(), client?.cpuMs() ?? 0];
    const page = client === undefined ? undefined : watched(client, 2, () => isOver);
    const run = await kit.run("noop", { db, params: { tasks }, flags: ["--workers", "2"] });
    if (client !== undefined)
      shares.push((100 * (client.cpuMs() - cpuBefore)) / (performance.now() - began));
    isOver = true;
    await page;
    kit.removeDb(db);
    return run.runMs;
  };
  const pairs = await interleave(
    kit.size(5, 1),
    () => runMs(true),
    () => runMs(false),
  );
  const [open, closed] = [median(pairs.subjects), median(pairs.limits)];
  const name = `a run of ${thousands(tasks)} no-op tasks with the page open`;
  return [
    figure({
      name,
      unit: "ms",
      value: open,
      limit: closed,
      limitName: "page closed",
      target: ratioAtMost(1.02),
    }),
    figure({
      name: `${name}: the page's server`,
      unit: "% of a core",
      value: medianOf(shares, (share) => share),
      limit: 100,
      limitName: "a core",
      target: atMost(5),
    }),
  ];
}

export const page: Benchmark = {
  name: "page",
  about: "the page's answers over up to a million tasks, and what it costs a run to be looked at",
  async run(kit) {
    const sizes = kit.quick ? [10_000] : [10_000, 100_000, 1_000_000];
    const figures: Figure[] = [];
    for (const size of sizes) figures.push(...(await answers(kit, size)));
    figures.push(...(await failures(kit, kit.size(100_000, 10_000))));
    return [...figures, ...(await besides(kit))];
  },
};
