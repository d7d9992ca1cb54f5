import type { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";

import { systemClock } from "../../../src/base/clock.ts";
import { runId } from "../../../src/protocol/ids.ts";
import { taskStatuses } from "../../../src/protocol/status.ts";
import { RunIndex } from "../../../src/page/index/run-index.ts";
import { noStatus, TaskColumns } from "../../../src/page/index/task-columns.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { Random } from "../../simulator/random.ts";
import { options } from "../../store/write/options.ts";
import { tempFolder } from "../../store/write/temp-folder.ts";

setDefaultTimeout(60_000);

/** A file with run 1, a writer, and an index whose clock the test moves. */
function indexRig(maxChunks = 8) {
  const folder = tempFolder();
  const db = openDatabase(options(folder.file("a.db")));
  addRun(db);
  const reader = openReader(folder.file("a.db"));
  let now = 0;
  const clock = { ...systemClock, now: () => now };
  const index = new RunIndex(reader, runId(1), maxChunks, clock);
  return {
    db,
    index,
    /** A look, when it is due again. */
    look: async () => {
      now += 10_000;
      await index.look(60_000);
    },
    [Symbol.dispose]() {
      index.close();
      reader.close();
      db.close();
      folder[Symbol.dispose]();
    },
  };
}

const addRun = (db: Database): unknown =>
  db.run(
    "INSERT INTO pipeline_runs (pipeline, params, status, started_at, pid) VALUES ('etl', '{}', 'running', '2026-01-01T00:00:00.000Z', 1)",
  );

const iso = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();

type Given = {
  readonly name?: string;
  readonly status?: string;
  readonly started?: number;
  readonly ended?: number;
  readonly rows?: number;
  readonly fingerprint?: string;
};

function put(db: Database, id: number | string, task: Given = {}): void {
  const { name = "load", status = "done", started = 0, ended = 5, rows = 1 } = task;
  const isOver = status !== "queued" && status !== "running";
  db.run(
    `INSERT OR REPLACE INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at, rows, worker, fingerprint)
      VALUES (1, ?, ?, ?, ?, 1, ?, ?, ?, 2, ?)`,
    [
      id,
      name,
      `${name}:3k1`,
      status,
      status === "queued" ? null : iso(started),
      isOver ? iso(ended) : null,
      rows,
      task.fingerprint ?? null,
    ],
  );
}

/** `load done 3 tasks 15 ms 4 rows` */
function inIndex({ columns, definitions }: RunIndex): string[] {
  const sums = new Map<string, [tasks: number, ms: number, rows: number]>();
  for (const chunk of columns.chunks) {
    for (const [slot, status] of chunk.status.entries()) {
      if (status === noStatus) continue;
      const key = `${definitions[chunk.definition[slot] ?? 0]} ${taskStatuses[status]}`;
      const [tasks, ms, rows] = sums.get(key) ?? [0, 0, 0];
      const rest = [ms + (chunk.durationMs(slot) || 0), rows + (chunk.rows[slot] ?? 0)] as const;
      sums.set(key, [tasks + 1, ...rest]);
    }
  }
  return [...sums]
    .map(([key, [tasks, ms, rows]]) => `${key} ${tasks} tasks ${ms} ms ${rows} rows`)
    .toSorted();
}

const inFile = (db: Database): string[] =>
  db
    .query<{ line: string }, []>(
      `SELECT name || ' ' || status || ' ' || count(*) || ' tasks ' ||
        CAST(coalesce(sum(round((julianday(finished_at) - julianday(started_at)) * 86400000)), 0) AS INT) || ' ms ' || sum(rows) || ' rows' AS line
        FROM task_runs WHERE run_id = 1 GROUP BY name, status`,
    )
    .all()
    .map(({ line }) => line)
    .toSorted();

test("the index is what the file says, for random histories of a run", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = new Random(seed);
    using rig = indexRig();
    let highest = 0;
    for (let step = 0; step < 12; step++) {
      rig.db.transaction(() => {
        for (let i = random.int(0, 59); i > 0; i--) {
          const isNew = random.int(0, 2) > 0;
          // Ids come about in their order; some are far ahead.
          const id = isNew ? (highest += random.int(1, 4)) : random.int(1, highest + 1);
          highest = Math.max(highest, id);
          const [before] = rig.db
            .query<{ status: string }, [number]>("SELECT status FROM task_runs WHERE id = ?")
            .all(id);
          // Without a session in between, a task that has ended stays as it is.
          if (before !== undefined && !["queued", "running"].includes(before.status)) continue;
          put(rig.db, id, {
            name: random.pick(["load", "parse", "report"]),
            status: random.pick(taskStatuses),
            started: random.int(0, 1000),
            ended: random.int(1000, 2000),
            rows: random.int(0, 99),
          });
        }
        // A further session: what had ended may change.
        if (random.chance(0.15)) {
          rig.db.run("UPDATE pipeline_runs SET pid = pid + 1");
          rig.db.run("DELETE FROM task_runs WHERE status = 'skipped'");
          rig.db.run("UPDATE task_runs SET status = 'queued', finished_at = NULL WHERE id % 3 = 0");
        }
      })();
      await rig.look();
      expect([seed, step, ...inIndex(rig.index)]).toEqual([seed, step, ...inFile(rig.db)]);
      expect(rig.index.isComplete).toBe(true);
    }
  }
});

test("a done task that runs again in a session is followed: by its mark, by its state, and at the run's end", async () => {
  using rig = indexRig();
  for (const id of [1, 2, 3, 4]) put(rig.db, id, id === 2 ? { fingerprint: "asked" } : {});
  await rig.look();
  put(rig.db, 2, { ended: 7 });
  put(rig.db, 3, { status: "running" });
  await rig.look();
  put(rig.db, 3, { ended: 8 });
  await rig.look();
  expect(inIndex(rig.index)).toEqual(inFile(rig.db));
  put(rig.db, 4, { ended: 9 });
  rig.db.run("UPDATE pipeline_runs SET status = 'done', finished_at = ?", [iso(9)]);
  await rig.look();
  expect(inIndex(rig.index)).toEqual(inFile(rig.db));
});

test("a look reads only what may have changed", async () => {
  using rig = indexRig();
  for (let id = 1; id <= 100; id++) put(rig.db, id, { status: id === 40 ? "running" : "done" });
  await rig.look();
  expect(rig.index.columns.openRanges()).toEqual([
    [40, 40],
    [101, 2 ** 52],
  ]);
  // Nobody does this: it shows that the row is not read.
  put(rig.db, 7, { rows: 1000 });
  put(rig.db, 40, { rows: 50 });
  put(rig.db, 101);
  await rig.look();
  expect(inIndex(rig.index)).toEqual(["load done 101 tasks 505 ms 150 rows"]);
  const { version } = rig.index;
  await rig.look();
  expect(rig.index.version).toBe(version);
});

test("of a run that changes faster than it is read, new tasks come first, and it is said; at its end all is read", async () => {
  using rig = indexRig(32);
  const count = 300_000;
  rig.db.run(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
      INSERT INTO task_runs (run_id, id, name, key, status, rows) SELECT 1, i, 'load', 'load:3k', 'queued', 0 FROM n`,
  );
  await rig.look();
  expect([rig.index.isBehind, rig.index.indexed]).toEqual([false, count]);
  const { asOf } = rig.index;
  put(rig.db, count + 1, { name: "new" });
  rig.db.run("UPDATE task_runs SET status = 'done' WHERE id <= ?", [count]);
  await rig.look();
  expect(inIndex(rig.index)).toContain("new done 1 tasks 5 ms 1 rows");
  expect([rig.index.isBehind, rig.index.isComplete, rig.index.asOf]).toEqual([true, true, asOf]);
  for (let looks = 0; rig.index.isBehind && looks < 50; looks++) await rig.look();
  expect(inIndex(rig.index)).toEqual(inFile(rig.db));
  rig.db.run("UPDATE task_runs SET rows = 1 WHERE id <= ?", [count]);
  rig.db.run("UPDATE pipeline_runs SET status = 'done'");
  await rig.index.look(0);
  await rig.look();
  expect(rig.index.isComplete).toBe(true);
  expect(inIndex(rig.index)).toEqual(inFile(rig.db));
}, 60_000);

test("the end of a run is looked at without a rest: no other question may follow", async () => {
  using rig = indexRig();
  put(rig.db, 1, { status: "running" });
  await rig.look();
  put(rig.db, 1);
  // It rests.
  await rig.index.look(60_000);
  expect(inIndex(rig.index)).toEqual([expect.stringContaining("running")]);
  rig.db.run("UPDATE pipeline_runs SET status = 'done'");
  await rig.index.look(60_000);
  expect(inIndex(rig.index)).toEqual([expect.stringContaining("done")]);
});

test("a question after the end of a run is not answered by a look that began before it", async () => {
  using rig = indexRig();
  put(rig.db, 1, { status: "running" });
  await rig.look();
  put(rig.db, 2, { status: "running" });
  const before = rig.look();
  for (const id of [1, 2]) put(rig.db, id);
  rig.db.run("UPDATE pipeline_runs SET status = 'done'");
  await rig.index.look(60_000);
  expect(inIndex(rig.index)).toEqual([expect.stringContaining("done 2")]);
  await before;
});

test("many open tasks are few ranges, and the largest gaps are left out of them", () => {
  const columns = new TaskColumns(8);
  for (let id = 1; id <= 20_000; id++) {
    const isOpen = id % 20 === 0;
    const task = {
      started: 0,
      ended: 1,
      attempt: 1,
      worker: 0,
      machine: null,
      rows: 0,
      cpu: 0,
      waited: 0,
    };
    const status = taskStatuses.indexOf(isOpen && (id < 5_000 || id > 15_000) ? "queued" : "done");
    columns.set({ task: id, status, again: 0, definition: "a:", ...task }, 0);
  }
  const ranges = columns.openRanges();
  expect(ranges.length).toBe(64);
  expect(ranges.every(([from, to], i) => from <= to && from > (ranges[i - 1]?.[1] ?? 0))).toBe(
    true,
  );
  for (let id = 20; id <= 20_000; id += 20) {
    const isOpen = id < 5_000 || id > 15_000;
    if (isOpen) expect(ranges.some(([from, to]) => from <= id && id <= to)).toBe(true);
  }
  expect(ranges.some(([from, to]) => from <= 10_000 && to >= 10_000)).toBe(false);
});

test("rows that no run has are left out, and it is said", async () => {
  using rig = indexRig(2);
  for (const id of [1, 2, 3]) put(rig.db, id);
  await rig.look();
  expect(rig.index.columns.isCut).toBe(false);
  for (const id of [-4, 0, "four", 4.5, 2 ** 52 + 1, 900_000_000, 900_040_000]) put(rig.db, id);
  put(rig.db, 5, { status: "nothing" });
  put(rig.db, 6);
  rig.db.run(
    "UPDATE task_runs SET started_at = 'never', rows = 'many', attempt = x'00', worker = -7 WHERE id = 3",
  );
  rig.db.run("UPDATE pipeline_runs SET pid = 2");
  await rig.look();
  // 900,000,000 has the second of two chunks.
  expect(inIndex(rig.index)).toEqual(["load done 5 tasks 20 ms 4 rows"]);
  expect(rig.index.columns.isCut).toBe(true);
});

test("a file that cannot be read is an error of the look, and the next one goes on", async () => {
  using rig = indexRig();
  put(rig.db, 1);
  rig.db.run("ALTER TABLE task_runs RENAME TO away");
  const thrown: unknown = await rig.look().catch((error: unknown) => error);
  expect(String(thrown)).toContain("no such table");
  rig.db.run("ALTER TABLE away RENAME TO task_runs");
  await rig.look();
  expect(inIndex(rig.index)).toEqual(inFile(rig.db));
});
