// What is asked of a file with a million tasks and log lines, and deleting a thousand runs beside a live one.

import { Database } from "bun:sqlite";
import { copyFileSync, rmSync } from "node:fs";

import { atMost, figure, type Figure, median } from "./figure.ts";
import { type Benchmark, type Kit, thousands } from "./kit.ts";

/** A number row for each of 1..`n`. */
const numbers = (n: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n})`;
const at = "2026-01-31T12:00:00.000Z";

/** Adds a run of `load-page` tasks, each with a line in its log. Every thousandth has failed. `report` reads all of them. */
function addRun(db: Database, run: number, tasks: number): void {
  const failed = Math.floor(tasks / 1000);
  const counts = { queued: 0, running: 0, done: tasks - failed, error: failed, cancelled: 0 };
  const graph = {
    nodes: [
      { id: "load-page", kind: "task", tasks },
      { id: "report", kind: "task", tasks: 1 },
    ],
    edges: [{ from: "load-page", to: "report", kind: "input", count: tasks }],
    labels: "members",
  };
  db.run(
    `INSERT INTO pipeline_runs (id, pipeline, params, status, tasks_total, started_at, finished_at, counts, graph)
      VALUES (?, 'pages', '{}', 'error', ?, ?, ?, ?, ?)`,
    [run, tasks + 1, at, at, JSON.stringify({ ...counts, skipped: 1 }), JSON.stringify(graph)],
  );
  db.run(
    `${numbers(tasks)} INSERT INTO task_runs
        (run_id, id, name, key, status, progress, attempt, started_at, finished_at, result, error, rows, waited_ms, input)
      SELECT ?1, i, 'load-page', 'load-page:3w5e11264' || i, iif(i % 1000 = 0, 'error', 'done'), 1, 1, ?2, ?2, i,
        iif(i % 1000 = 0, '{"name":"Error","message":"HTTP 500 of page ' || i || '"}', NULL), 0, 0, '{"page":' || i || '}'
      FROM n`,
    [run, at],
  );
  db.run(
    `INSERT INTO task_runs (run_id, id, name, key, status, attempt, error, needs)
      VALUES (?1, ?2, 'report', 'report', 'skipped', 0, '{"name":"Skipped","message":"skipped because of a page"}', '1-' || ?3)`,
    [run, tasks + 1, tasks],
  );
  db.run(
    `${numbers(tasks)} INSERT INTO task_logs SELECT ?1, i, 1, ?2, 'info', 'fetched page ' || i FROM n`,
    [run, at],
  );
  db.run(
    "INSERT INTO pipeloom_definitions (run_id, name, fingerprint, repeats) VALUES (?, 'load-page', 'a', 0), (?, 'report', 'b', 0)",
    [run, run],
  );
}

/** What SQLite knows of the file (ANALYZE): of the small run before, as `PRAGMA optimize` of a later run leaves it, or nothing. */
const setStatistics = {
  old: "SELECT 1",
  new: "PRAGMA analysis_limit = 400; ANALYZE",
  none: "DROP TABLE IF EXISTS sqlite_stat1",
};

/** With pipeloom's tables, as the executable makes them. */
async function newFile(
  kit: Kit,
  runs: number,
  tasks: number,
  statistics: keyof typeof setStatistics = "old",
): Promise<string> {
  const { db: name } = await kit.run("noop", { params: { tasks: 1 } });
  using db = new Database(kit.path(name));
  db.run("PRAGMA journal_mode = WAL");
  db.transaction(() => {
    for (let run = 2; run < runs + 2; run++) addRun(db, run, tasks);
  })();
  db.run(setStatistics[statistics]);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  return name;
}

/** Milliseconds of the whole process, as a person waits for it. */
async function times(kit: Kit, rounds: number, args: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const child = Bun.spawn([kit.exe, ...args], {
      cwd: kit.folder,
      stdout: "ignore",
      stderr: "ignore",
    });
    await child.exited;
    found.push(performance.now() - began);
  }
  return found;
}

const questions: readonly (readonly [args: readonly string[], mostMs: number])[] = [
  [["status"], 100],
  [["status", "--failed"], 100],
  [["status", "--task", "report"], 100],
  [["status", "--task", "no-such-task"], 100],
  [["runs"], 100],
  [["logs"], 100],
  [["logs", "2", "#500000"], 100],
  [["logs", "2", "report"], 100],
  [["logs", "2", "load-page"], 100],
  [["logs", "2", "no-such-task"], 100],
  [["why", "report", "2"], 200],
  [["why", "#500000", "2"], 200],
  [["why", "no-such-task", "2"], 200],
];

async function asked(kit: Kit, statistics: keyof typeof setStatistics): Promise<Figure[]> {
  const tasks = kit.size(1_000_000, 100_000);
  const db = await newFile(kit, 1, tasks, statistics);
  const rounds = kit.size(15, 3);
  const start = Math.min(...(await times(kit, rounds, ["--version"])));
  const figures: Figure[] = [];
  for (const [args, mostMs] of questions) {
    const all = await times(kit, rounds, [...args, "--db", db]);
    figures.push(
      figure({
        name: `${args.join(" ")}, ${thousands(tasks)} tasks and log lines, ${statistics} statistics`,
        unit: "ms",
        // Other processes only ever make it slower.
        value: Math.min(...all),
        limit: start,
        limitName: "pipeloom --version",
        target: atMost(mostMs),
        notes: [`median ${Math.round(median(all))} ms`],
      }),
    );
  }
  kit.removeDb(db);
  return figures;
}

/** How long a reader waits for the newest run's counts, at worst, until `isOver`. */
async function slowestRead(path: string, isOver: () => boolean): Promise<number> {
  using db = new Database(path, { readonly: true });
  const query = db.query("SELECT id, counts FROM pipeline_runs ORDER BY id DESC LIMIT 20");
  let slowest = 0;
  while (!isOver()) {
    const began = performance.now();
    query.all();
    slowest = Math.max(slowest, performance.now() - began);
    await Bun.sleep(2);
  }
  return slowest;
}

/** The same rows, in one transaction of a connection that is alone. */
function bareDeleteMs(path: string): number {
  const copy = `${path}-bare`;
  copyFileSync(path, copy);
  using db = new Database(copy);
  const began = performance.now();
  db.transaction(() => {
    for (const table of ["task_logs", "task_runs"]) db.run(`DELETE FROM ${table} WHERE run_id > 1`);
  })();
  const ms = performance.now() - began;
  for (const end of ["", "-wal", "-shm"]) rmSync(copy + end, { force: true });
  return ms;
}

type Gap = { readonly ms: number };

async function pruned(kit: Kit): Promise<Figure[]> {
  const [runs, tasks] = [kit.size(1000, 100), 1000];
  const db = await newFile(kit, runs, tasks);
  const bareMs = bareDeleteMs(kit.path(db));
  let isOver = false;
  const live = kit.run("sleep", { db, params: { tasks: kit.size(3000, 600), ms: 5 } });
  while (kit.query(db, "SELECT 1 FROM pipeline_runs WHERE status = 'running'").length === 0) {
    await Bun.sleep(5);
  }
  const slowest = slowestRead(kit.path(db), () => isOver);
  const began = Date.now();
  const prune = await kit.pipeloom([
    "prune",
    "--keep-runs",
    "0",
    "--pipeline",
    "pages",
    "--db",
    db,
  ]);
  isOver = true;
  const ended = new Date(Date.now()).toISOString();
  await live;
  const [gap] = kit.query<Gap>(
    db,
    `SELECT MAX(ms) AS ms FROM (SELECT (julianday(finished_at) - julianday(LAG(finished_at) OVER (ORDER BY finished_at))) * 86400000 AS ms
      FROM task_runs WHERE run_id = ${runs + 2} AND finished_at BETWEEN '${new Date(began).toISOString()}' AND '${ended}')`,
  );
  const [left] = kit.query<{ n: number }>(
    db,
    "SELECT COUNT(*) AS n FROM pipeline_runs WHERE pipeline = 'pages'",
  );
  if (left?.n !== 0) throw new Error(`${left?.n} runs are left`);
  const shared = { limit: bareMs, limitName: "one bare DELETE", unit: "ms" } as const;
  const name = `prune of ${thousands(runs)} runs with ${thousands(tasks)} tasks`;
  return [
    figure({
      ...shared,
      name,
      value: prune.wallMs,
      target: atMost(5000),
      notes: [`CPU time ${Math.round(prune.cpuMs)} ms`],
    }),
    figure({
      ...shared,
      name: `${name}: a reader's longest wait`,
      value: await slowest,
      target: atMost(50),
    }),
    figure({
      ...shared,
      name: `${name}: the live run's longest pause`,
      value: gap?.ms ?? Number.NaN,
      target: atMost(500),
    }),
  ];
}

export const history: Benchmark = {
  name: "history",
  about:
    "status, runs, logs, why of a file with a million tasks and log lines; prune of a thousand runs",
  run: async (kit) => [
    ...(await asked(kit, "old")),
    ...(await asked(kit, "new")),
    ...(await asked(kit, "none")),
    ...(await pruned(kit)),
  ],
};
