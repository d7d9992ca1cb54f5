// The contract of the writer: the same tests against the class in this process and the real thread.

import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { readFileSync, writeFileSync } from "node:fs";
import { maxCredits } from "../../../src/protocol/shared/credits.ts";
import { taskId } from "../../../src/protocol/ids.ts";
import type { TaskRecord } from "../../../src/protocol/writer-records.ts";
import { commitLimits } from "../../../src/store/write/commit-policy.ts";
import {
  eventsIn,
  finished,
  inProcess,
  realWorker,
  started,
  type WriterUnderTest,
} from "../../support/writer-under-test.ts";
import { tempFolder } from "./temp-folder.ts";

setDefaultTimeout(60_000);

const schema = "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY CHECK (id > 0))";

function rows(db: string, sql: string): unknown[] {
  using reader = new Database(db, { readonly: true });
  return reader.query(sql).all();
}

const tasks = (db: string): unknown[] =>
  rows(db, "SELECT id, status, attempt, progress, message FROM task_runs ORDER BY id");
const long = JSON.stringify("x".repeat(2000));

const done = (id: number): unknown => ({
  id,
  status: "done",
  attempt: 1,
  progress: 1,
  message: null,
});

const checkpoint = (seq: number, cursor: string): TaskRecord => ({
  type: "checkpoint",
  id: taskId(1),
  key: "load:1",
  attempt: 1,
  seq,
  cursor,
});

const progressOf = (value: number, message: string): TaskRecord => ({
  type: "progress",
  id: taskId(1),
  progress: value,
  message,
});

describe.each<[string, () => WriterUnderTest]>([
  ["in process", inProcess],
  ["as the real Worker", realWorker],
])("%s", (_, create) => {
  test("a task's start and end are one row, and both are announced", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    const { started: run } = await writer.open(db);
    expect(run).toMatchObject({ type: "run-started", run: 1, journal: "wal", resumed: false });
    const worker = writer.attach(0);
    worker.post(started(1), finished(1, { outcome: { status: "done", result: "[7]" } }));
    await worker.acked();
    expect(rows(db, "SELECT * FROM task_runs")).toEqual([
      {
        run_id: 1,
        id: 1,
        name: "t1",
        key: "t:1",
        status: "done",
        progress: 1,
        message: null,
        attempt: 1,
        cursor: null,
        started_at: "1970-01-01T00:00:01.000Z",
        finished_at: "1970-01-01T00:00:02.000Z",
        result: "[7]",
        error: null,
        fingerprint: null,
        input: null,
        label: null,
        rows: 0,
        cpu_ms: null,
        waited_ms: null,
        reason: null,
        needs: null,
        worker: 0,
        position: 0,
        machine: null,
      },
    ]);
    await writer.next("committed");
    expect(writer.events.map(({ type }) => type)).toEqual(["task-started", "task-finished"]);
    await writer.close();
  });

  test("what is acknowledged and what is announced is in the file", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db);
    const worker = writer.attach(0);
    for (let id = 1; id <= 20; id++) {
      worker.post(started(id), finished(id));
      const [ack, events] = [worker.acked(), writer.next("committed")];
      // Whichever comes first, it comes after the commit.
      await (id % 2 === 0 ? ack : events);
      expect(rows(db, `SELECT status FROM task_runs WHERE id = ${id}`)).toEqual([
        { status: "done" },
      ]);
      await ack;
      expect(eventsIn(await events).map((event) => "id" in event && Number(event.id))).toEqual([
        id,
        id,
      ]);
    }
    expect(worker.memory.credits.outstanding()).toBe(0);
  });

  test("a unit and its end are in the file together", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, {}, { schema });
    const worker = writer.attach(0);
    worker.batch(1, [1, 2]);
    worker.batch(1, [3]);
    // The credits of the batches come back (that of the start only after the commit), but no row is visible.
    await worker.acked();
    expect(worker.memory.credits.outstanding()).toBe(1);
    expect(rows(db, "SELECT count(*) AS n FROM t")).toEqual([{ n: 0 }]);
    worker.post(finished(1));
    while (worker.memory.credits.outstanding() > 0) await worker.acked();
    expect(rows(db, "SELECT id FROM t")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(tasks(db)).toEqual([done(1)]);
  });

  test("a unit that does not fit fails alone; its neighbours stay", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, {}, { schema });
    const workers = [0, 1, 2].map((number) => writer.attach(number));
    const units = [
      [1, 2],
      [3, -1, 4],
      [5, 6],
    ];
    for (const [i, worker] of workers.entries()) {
      for (const row of units[i] ?? []) worker.batch(i + 1, [row]);
      worker.post(finished(i + 1, { wantsResult: "yes" }));
    }
    for (const worker of workers) {
      while (worker.memory.credits.outstanding() > 0) await worker.acked();
    }
    expect(rows(db, "SELECT id FROM t")).toEqual([{ id: 1 }, { id: 2 }, { id: 5 }, { id: 6 }]);
    expect(tasks(db)).toEqual([
      done(1),
      { id: 2, status: "error", attempt: 1, progress: 0, message: null },
      done(3),
    ]);
    await writer.close();
    const failed = writer.events.find((event) => event.type === "task-finished" && event.id === 2);
    expect(failed).toMatchObject({ status: "error" });
    expect(JSON.stringify(failed)).toContain("SQLITE_CONSTRAINT_CHECK");
  });

  test.each([
    ["stays in the file until someone reads it", true, undefined],
    ["is sent, where no file keeps it", false, long],
  ])("a long result %s", async (_where, storeTaskStatus, sent) => {
    using folder = tempFolder();
    using writer = create();
    await writer.open(folder.file("a.db"), { storeTaskStatus });
    const worker = writer.attach(0);
    const results = [
      [long, "yes"],
      [long, "perhaps"],
      ['"short"', "perhaps"],
    ] as const;
    for (const [i, [result, wantsResult]] of results.entries()) {
      worker.post(finished(i + 1, { outcome: { status: "done", result }, wantsResult }));
    }
    await writer.next("committed");
    await writer.close();
    const ends = writer.events.filter((event) => event.type === "task-finished");
    expect(ends.map(({ result }) => result)).toEqual([long, sent, '"short"']);
  });

  test("a unit that does not fit is tried again where its task has attempts left", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, {}, { schema });
    const worker = writer.attach(0);
    worker.batch(1, [0]);
    worker.post(finished(1, { outcome: { status: "done", result: "1", retryAt: 5000 } }));
    await writer.next("committed");
    expect(tasks(db)).toEqual([
      { id: 1, status: "queued", attempt: 1, progress: 0, message: null },
    ]);
    expect(writer.events).toMatchObject([
      { type: "task-started", id: 1 },
      { type: "task-retrying", id: 1, retryAt: 5000 },
    ]);
  });

  test("an attempt that does not run commits nothing: no checkpoint, no unit, no end", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, {}, { schema });
    const [first, second] = [writer.attach(0), writer.attach(1)] as const;
    const failure = { name: "Error", message: "no" };
    // Attempt 1 has failed, and its function goes on; attempt 2 runs in another thread.
    first.post(started(1));
    first.post(finished(1, { outcome: { status: "error", failure, retryAt: 1 } }));
    while (first.memory.credits.outstanding() > 0) await first.acked();
    second.post(started(1, 2));
    while (second.memory.credits.outstanding() > 0) await second.acked();
    for (const [seq, rowIds] of [[1, []] as const, [2, [2, 3]] as const]) {
      if (rowIds.length > 0) first.batch(1, rowIds);
      first.post(checkpoint(seq, '"stray"'));
      const { checkpoints } = await first.acks.next((ack) => ack.checkpoints !== undefined);
      expect(checkpoints).toMatchObject([{ seq, failure: { name: "TaskEndedError" } }]);
    }
    first.batch(1, [4]);
    first.post(finished(1));
    while (first.memory.credits.outstanding() > 0) await first.acked();
    second.batch(1, [5]);
    second.post(finished(1, { attempt: 2 }));
    while (second.memory.credits.outstanding() > 0) await second.acked();
    await writer.close();
    expect(rows(db, "SELECT id FROM t")).toEqual([{ id: 5 }]);
    expect(rows(db, "SELECT status, attempt, cursor FROM task_runs")).toEqual([
      { status: "done", attempt: 2, cursor: null },
    ]);
    const ends = writer.events.filter(({ type }) => type === "task-finished");
    expect(ends).toMatchObject([{ id: 1, status: "done" }]);
  });

  test("a checkpoint keeps rows and cursor together; one that fails keeps neither", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, {}, { schema });
    const worker = writer.attach(0);
    worker.post(started(1));
    worker.batch(1, [1]);
    worker.post(checkpoint(7, '"first"'));
    const answered = await worker.acks.next((ack) => ack.checkpoints !== undefined);
    expect(answered.checkpoints).toEqual([{ id: taskId(1), seq: 7 }]);
    worker.batch(1, [-1]);
    worker.post(checkpoint(8, '"second"'));
    const refused = await worker.acks.next((ack) => ack.checkpoints !== undefined);
    expect(refused.checkpoints).toMatchObject([
      { seq: 8, failure: { code: "SQLITE_CONSTRAINT_CHECK" } },
    ]);
    expect(rows(db, "SELECT id FROM t")).toEqual([{ id: 1 }]);
    expect(rows(db, "SELECT cursor, status FROM task_runs")).toEqual([
      { cursor: '"first"', status: "running" },
    ]);
  });

  test("a Worker lost in the middle of its unit leaves nothing of it, and holds nobody up", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, {}, { schema });
    const lost = writer.attach(0);
    const other = writer.attach(1);
    lost.post(started(1));
    lost.batch(1, [1]);
    lost.batch(1, [2]);
    await lost.acked();
    other.batch(2, [3]);
    other.post(finished(2));
    writer.send({ type: "detach", workerId: lost.workerId, sent: lost.memory.credits.sent() });
    expect(await writer.next("detached")).toMatchObject({ workerId: lost.workerId });
    while (other.memory.credits.outstanding() > 0) await other.acked();
    expect(rows(db, "SELECT id FROM t")).toEqual([{ id: 3 }]);
    expect(rows(db, "SELECT id, status FROM task_runs ORDER BY id")).toEqual([
      { id: 1, status: "running" },
      { id: 2, status: "done" },
    ]);
  });

  test("a Worker is let go when all that it sent has come, however late", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db);
    const worker = writer.attach(0);
    worker.post(started(1));
    writer.send({ type: "detach", workerId: worker.workerId, sent: 3 });
    await worker.acked();
    worker.post(finished(1));
    await worker.acked();
    expect(writer.messages.all.map(({ type }) => type)).not.toContain("detached");
    worker.post(started(2), finished(2));
    await writer.next("detached");
    expect(tasks(db)).toEqual([done(1), done(2)]);
  });

  test("progress and logs", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db);
    const worker = writer.attach(0);
    const line = "a\0b\n\u{1F600}\uFFFD";
    worker.post(started(1), progressOf(0.25, "first"));
    await worker.acked();
    expect(tasks(db)).toEqual([
      { id: 1, status: "running", attempt: 1, progress: 0.25, message: "first" },
    ]);
    worker.post(progressOf(0.5, "second"), {
      type: "log",
      id: taskId(1),
      name: "t1",
      attempt: 1,
      at: 1500,
      level: "warn",
      line,
    });
    await worker.acked();
    expect(tasks(db)).toEqual([
      { id: 1, status: "running", attempt: 1, progress: 0.5, message: "second" },
    ]);
    worker.post(finished(1, { progress: 0.9, message: "third" }));
    await worker.acked();
    expect(tasks(db)).toEqual([
      { id: 1, status: "done", attempt: 1, progress: 0.9, message: "third" },
    ]);
    expect(rows(db, "SELECT * FROM task_logs")).toEqual([
      { run_id: 1, task_id: 1, attempt: 1, at: "1970-01-01T00:00:01.500Z", level: "warn", line },
    ]);
  });

  test("what main knows: queued, skipped, the total", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db);
    const failure = { name: "Skipped", message: "because" };
    writer.send({
      type: "records",
      records: [
        { type: "queued", id: taskId(1), name: "a", key: "a:1" },
        { type: "skipped", id: taskId(2), name: "b", key: "b:1", at: 3000, failure },
      ],
    });
    writer.send({ type: "total", total: 2, complete: true });
    writer.send({ type: "graph", graph: '{"nodes":[],"edges":[]}' });
    await writer.close();
    expect(rows(db, "SELECT name, status, error FROM task_runs ORDER BY id")).toEqual([
      { name: "a", status: "queued", error: null },
      { name: "b", status: "skipped", error: JSON.stringify(failure) },
    ]);
    expect(rows(db, "SELECT status, tasks_total, graph FROM pipeline_runs")).toEqual([
      { status: "done", tasks_total: 2, graph: '{"nodes":[],"edges":[]}' },
    ]);
    expect(writer.events).toContainEqual({ type: "run-total", total: 2, complete: true });
  });

  test("the code of the tasks is in the file at once, also while no task ends", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, {}, { code: "c0de", tasks: ["load"] });
    writer.send({ type: "code", code: [["load", "abc"]], parts: [] });
    const stored = (): unknown[] => rows(db, "SELECT fingerprint FROM pipeloom_definitions");
    while (!Bun.deepEquals(stored(), [{ fingerprint: "abc" }])) await Bun.sleep(1);
    await writer.close();
  });

  test("closing writes all that has come, and leaves the file alone in its folder", async () => {
    using folder = tempFolder();
    using writer = create();
    await writer.open(folder.file("a.db"));
    const worker = writer.attach(0);
    for (let id = 1; id <= 50; id++) worker.post(started(id), finished(id));
    while (worker.memory.credits.outstanding() > 0) await worker.acked();
    expect((await writer.close()).finished).toMatchObject({ type: "run-finished", status: "done" });
    expect(folder.list()).toEqual(["a.db"]);
    expect(tasks(folder.file("a.db"))).toHaveLength(50);
  });

  // Read on the writer's own connection, by a schema that writes down what it finds.
  const pragmas = `CREATE TABLE found AS SELECT
    (SELECT journal_mode FROM pragma_journal_mode) AS journal,
    (SELECT synchronous FROM pragma_synchronous) AS synchronous,
    (SELECT foreign_keys FROM pragma_foreign_keys) AS foreignKeys,
    (SELECT timeout FROM pragma_busy_timeout) > 0 AS waits`;
  test.each([
    [
      { wal: true, durability: "full" },
      { journal: "wal", synchronous: 2 },
    ],
    [
      { wal: true, durability: "normal" },
      { journal: "wal", synchronous: 1 },
    ],
    [
      { wal: false, durability: "full" },
      { journal: "delete", synchronous: 3 },
    ],
    [
      { wal: false, durability: "normal" },
      { journal: "delete", synchronous: 1 },
    ],
  ] as const)("%j: the pragmas", async (options, expected) => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    const { started: run } = await writer.open(db, options, { schema: pragmas });
    expect(run.journal).toBe(expected.journal);
    await writer.close();
    expect(rows(db, "SELECT * FROM found")).toEqual([{ ...expected, foreignKeys: 1, waits: 1 }]);
    // The file format says which journal it was left with.
    expect(readFileSync(db)[18]).toBe(options.wal ? 2 : 1);
  });

  test(":memory: works and leaves no file", async () => {
    using folder = tempFolder();
    using writer = create();
    const { started: run } = await writer.open(":memory:", {}, { schema });
    expect(run.journal).toBe("memory");
    const worker = writer.attach(0);
    worker.batch(1, [1]);
    worker.post(finished(1));
    await writer.next("committed");
    worker.batch(2, [1]);
    worker.post(finished(2));
    while (worker.memory.credits.outstanding() > 0) await worker.acked();
    await writer.close();
    expect(writer.events.at(-1)).toMatchObject({ id: 2, status: "error" });
    expect(folder.list()).toEqual([]);
  });

  test("without stored task status the file is the user's alone, and events come all the same", async () => {
    using folder = tempFolder();
    using writer = create();
    const db = folder.file("a.db");
    await writer.open(db, { storeTaskStatus: false }, { schema });
    const worker = writer.attach(0);
    worker.batch(1, [1]);
    worker.post(finished(1));
    await writer.next("committed");
    await writer.close();
    expect(folder.list()).toEqual(["a.db"]);
    expect(rows(db, "SELECT name FROM sqlite_master")).toEqual([{ name: "t" }]);
    expect(rows(db, "SELECT id FROM t")).toEqual([{ id: 1 }]);
    expect(writer.events.map(({ type }) => type)).toContain("task-finished");
  });

  test("a disk that is full when the schema is made is said as that, not as a mistake in the schema", async () => {
    using folder = tempFolder();
    using writer = create();
    const full = "PRAGMA max_page_count = 20; CREATE TABLE big AS SELECT zeroblob(1000000) AS x";
    const opening = writer.open(folder.file("a.db"), {}, { schema: full });
    expect(opening).rejects.toThrow(/a\.db cannot grow: the disk is full; make room/);
  });

  test("a full disk ends the writer; what it had announced is there, and the run goes on later", async () => {
    using folder = tempFolder();
    const db = folder.file("a.db");
    {
      using writer = create();
      await writer.open(db, {}, { schema: `${schema}; PRAGMA max_page_count = 60` });
      const worker = writer.attach(0);
      worker.post(started(1), finished(1));
      await worker.acked();
      worker.batch(
        2,
        Array.from({ length: 50_000 }, (_unused, i) => i + 1),
      );
      worker.post(finished(2));
      const failed = await writer.messages.next(({ type }) => type === "failed");
      expect(failed).toMatchObject({ failure: { name: "StoreError", code: "disk-full" } });
      // The start of task 2 may have been committed before its unit.
      expect(rows(db, "SELECT id FROM task_runs WHERE status = 'done'")).toEqual([{ id: 1 }]);
    }
    using again = create();
    const { started: run } = await again.open(db, {}, { schema });
    expect(run).toMatchObject({ run: 1, resumed: true, alreadyDone: 1 });
    await again.close();
    expect(folder.list()).toEqual(["a.db"]);
    expect(rows(db, "SELECT status FROM pipeline_runs")).toEqual([{ status: "done" }]);
  });

  test("a file that cannot be used is refused, and stays as it was", async () => {
    using folder = tempFolder();
    writeFileSync(folder.file("a.db"), "not a database at all, but long enough to look at");
    const before = folder.bytes();
    using writer = create();
    const opening = writer.open(folder.file("a.db"));
    expect(opening).rejects.toThrow("StoreError");
    await opening.catch(() => undefined);
    expect(folder.bytes()).toEqual(before);
  });
});

// ── grouping, with time in the test's hands ────────────────────────────────────────────────────────────

/** Work that waits until the test lets it happen. */
class Hand {
  now = 0;
  wall = 1_000_000;
  readonly #later: (() => void)[] = [];
  readonly #after: (() => void)[] = [];
  readonly writer = inProcess({
    later: (work) => this.#later.push(work),
    after: (_, work) => this.#after.push(work),
    now: () => this.now,
    wall: () => this.wall,
  });

  /** Lets ports deliver, then everything that was put off, until nothing is. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      await new Promise((resolve) => setImmediate(resolve));
      const work = this.#later.splice(0);
      quiet = work.length === 0 ? quiet + 1 : 0;
      for (const each of work) each();
    }
  }

  async wait(ms: number): Promise<void> {
    this.now += ms;
    for (const work of this.#after.splice(0)) work();
    await this.settle();
  }

  get timers(): number {
    return this.#after.length;
  }

  get commits(): number {
    return this.writer.messages.all.filter(({ type }) => type === "committed").length;
  }

  async open(db: string): Promise<void> {
    const opened = this.writer.open(db, {}, { schema });
    await this.settle();
    await opened;
  }
}

const burst = (from: number, count: number): TaskRecord[] =>
  Array.from({ length: count }, (_, i) => finished(from + i));

/** With two workers whose only slot is busy. */
async function withBusyWorkers(file: string) {
  const hand = new Hand();
  await hand.open(file);
  const workers = [hand.writer.attach(0), hand.writer.attach(1)] as const;
  for (const { memory } of workers) memory.runningIds.set(0, taskId(100));
  return { hand, workers };
}

describe("grouping", () => {
  test("what is there at once is committed at once, and together", async () => {
    using folder = tempFolder();
    const hand = new Hand();
    await hand.open(folder.file("a.db"));
    const workers = [hand.writer.attach(0), hand.writer.attach(1)];
    for (let id = 1; id <= 40; id++) workers[id % 2]?.post(started(id), finished(id));
    await hand.settle();
    expect(hand.commits).toBe(1);
    expect(tasks(folder.file("a.db"))).toHaveLength(40);
  });

  test("a stream is held back until the transaction has its age", async () => {
    using folder = tempFolder();
    const hand = new Hand();
    await hand.open(folder.file("a.db"));
    const worker = hand.writer.attach(0);
    worker.post(...burst(1, 600));
    await hand.settle();
    expect(hand.commits).toBe(0);
    await hand.wait(commitLimits.maxAgeMs - 1);
    worker.post(...burst(601, 600));
    await hand.settle();
    expect(hand.commits).toBe(0);
    await hand.wait(1);
    expect(hand.commits).toBe(1);
    expect(tasks(folder.file("a.db"))).toHaveLength(1200);
  });

  test("the age of a transaction does not depend on the clock that people set", async () => {
    using folder = tempFolder();
    const hand = new Hand();
    await hand.open(folder.file("a.db"));
    hand.writer.attach(0).post(...burst(1, 600));
    await hand.settle();
    hand.wall -= 3_600_000;
    await hand.wait(commitLimits.maxAgeMs);
    expect(hand.commits).toBe(1);
  });

  test("while one Worker's unit is under way, the writer lets the rest of it arrive", async () => {
    using folder = tempFolder();
    const hand = new Hand();
    await hand.open(folder.file("a.db"));
    const [first, second] = [hand.writer.attach(0), hand.writer.attach(1)];
    first.batch(1, [1]);
    await hand.settle();
    // The clock does not move: a writer that polls in a busy loop would never return from here.
    second.post(started(2), finished(2));
    await hand.settle();
    expect(hand.commits).toBe(0);
    first.post(finished(1));
    await hand.settle();
    await hand.wait(commitLimits.idleAgeMs);
    expect(tasks(folder.file("a.db"))).toHaveLength(2);
  });

  describe("the end of a task", () => {
    test("is held while every slot is busy, by one timer, until it has its age", async () => {
      using folder = tempFolder();
      const { hand, workers } = await withBusyWorkers(folder.file("a.db"));
      for (let id = 1; id <= 4; id++) {
        workers[id % 2 === 0 ? 0 : 1].post(finished(id));
        await hand.settle();
      }
      expect([hand.commits, hand.timers]).toEqual([0, 1]);
      await hand.wait(commitLimits.idleAgeMs - 1);
      expect(hand.commits).toBe(0);
      await hand.wait(1);
      expect(hand.commits).toBe(1);
      expect(tasks(folder.file("a.db"))).toHaveLength(4);
    });

    test("is committed at once when a slot is idle, also when it becomes so without a word", async () => {
      using folder = tempFolder();
      const { hand, workers } = await withBusyWorkers(folder.file("a.db"));
      workers[0].post(finished(1));
      await hand.settle();
      workers[1].memory.runningIds.clear(0);
      await hand.wait(1);
      expect(hand.commits).toBe(1);
      workers[0].post(finished(2));
      await hand.settle();
      expect(hand.commits).toBe(2);
    });

    test("is committed at once when it comes with rows: another process may wait for the lock", async () => {
      using folder = tempFolder();
      const { hand, workers } = await withBusyWorkers(folder.file("a.db"));
      workers[0].batch(1, [1]);
      workers[0].post(finished(1));
      await hand.settle();
      expect(hand.commits).toBe(1);
      using other = new Database(folder.file("a.db"));
      other.run("PRAGMA busy_timeout = 0");
      other.run("BEGIN IMMEDIATE");
    });

    test("is committed at once when its Worker has little room left to send", async () => {
      using folder = tempFolder();
      const { hand, workers } = await withBusyWorkers(folder.file("a.db"));
      workers[0].memory.credits.spend(maxCredits);
      workers[0].post(finished(1));
      await hand.settle();
      expect(hand.commits).toBe(1);
    });
  });

  test("closing does not wait", async () => {
    using folder = tempFolder();
    const hand = new Hand();
    await hand.open(folder.file("a.db"));
    hand.writer.attach(0).post(...burst(1, 600));
    await hand.settle();
    hand.writer.send({ type: "close", status: "done", failure: null });
    await hand.settle();
    expect(tasks(folder.file("a.db"))).toHaveLength(600);
    expect(folder.list().filter((name) => !name.startsWith("a.db-"))).toEqual(["a.db"]);
  });

  test("while main is behind, nothing more is taken in; and then all of it", async () => {
    using folder = tempFolder();
    const hand = new Hand();
    await hand.open(folder.file("a.db"));
    hand.writer.answers = false;
    const worker = hand.writer.attach(0);
    for (let id = 1; id <= 70; id++) {
      worker.post(started(id), finished(id));
      await hand.settle();
    }
    expect(hand.commits).toBe(64);
    expect(worker.memory.credits.outstanding()).toBe(6);
    hand.writer.send({ type: "seen", count: 64 });
    await hand.settle();
    expect(worker.memory.credits.outstanding()).toBe(0);
    expect(tasks(folder.file("a.db"))).toHaveLength(70);
  });

  test("what main is behind is counted in characters as well", async () => {
    using folder = tempFolder();
    const hand = new Hand();
    await hand.open(folder.file("a.db"));
    hand.writer.answers = false;
    const worker = hand.writer.attach(0);
    const line = "x".repeat(384 * 1024);
    for (let id = 1; id <= 5; id++) {
      worker.post({
        type: "log",
        id: taskId(1),
        name: "a",
        attempt: 1,
        at: 0,
        level: "info",
        line,
      });
      worker.post(started(id), finished(id));
      await hand.settle();
    }
    expect(hand.commits).toBe(3);
    hand.writer.send({ type: "seen", count: 3 });
    await hand.settle();
    expect(tasks(folder.file("a.db"))).toHaveLength(5);
  });
});

// ── the model ──────────────────────────────────────────────────────────────────────────────────────────

type Life = {
  readonly rows: readonly number[];
  readonly bad: boolean;
  readonly outcome: "done" | "error" | "retry" | "cancelled" | "runs";
  readonly progress: number;
};

const life: fc.Arbitrary<Life> = fc.record({
  rows: fc.array(fc.nat(3), { maxLength: 3 }),
  bad: fc.boolean(),
  outcome: fc.constantFrom("done", "error", "retry", "cancelled", "runs"),
  progress: fc.constantFrom(0, 0.5, 1),
});

test("property: from whatever Workers, in whatever order, the file holds what the model says", async () => {
  const failure = { name: "Error", message: "x" };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(life, { maxLength: 5 }), { minLength: 1, maxLength: 3 }),
      fc.infiniteStream(fc.nat(1000)),
      async (perWorker, draws) => {
        using folder = tempFolder();
        const db = folder.file("a.db");
        using writer = inProcess();
        await writer.open(db, {}, { schema });
        const expected = new Map<number, string>();
        const data: number[] = [];
        let id = 0;
        // The sends of each worker in order; between workers in any order.
        const queues = perWorker.map((lives, number) => {
          const worker = writer.attach(number);
          const sends: (() => void)[] = [];
          for (const { rows: counts, bad, outcome, progress } of lives) {
            const own = ++id;
            sends.push(() => worker.post(started(own)));
            if (outcome === "runs") {
              sends.push(() => worker.post({ type: "progress", id: taskId(own), progress }));
              expected.set(own, "running");
              continue;
            }
            if (outcome !== "done") {
              const end: Extract<TaskRecord, { type: "finished" }>["outcome"] =
                outcome === "cancelled"
                  ? { status: "cancelled", failure }
                  : { status: "error", failure, ...(outcome === "retry" ? { retryAt: 1 } : {}) };
              sends.push(() => worker.post(finished(own, { outcome: end })));
              expected.set(own, outcome === "retry" ? "queued" : outcome);
              continue;
            }
            const ids = counts.map((_, i) => own * 100 + i);
            sends.push(() => {
              for (const row of ids) worker.batch(own, [row]);
              if (bad) worker.batch(own, [-1]);
              worker.post(finished(own, { progress }));
            });
            expected.set(own, bad ? "error" : "done");
            if (!bad) data.push(...ids);
          }
          return { worker, sends };
        });
        for (let open = queues.filter(({ sends }) => sends.length > 0); open.length > 0;) {
          const at = open[(draws.next().value ?? 0) % open.length];
          at?.sends.shift()?.();
          if ((draws.next().value ?? 0) % 3 === 0) await new Promise((next) => setImmediate(next));
          open = queues.filter(({ sends }) => sends.length > 0);
        }
        for (const { worker } of queues) {
          while (worker.memory.credits.outstanding() > 0) await worker.acked();
        }
        await writer.close();
        expect(rows(db, "SELECT id, status FROM task_runs ORDER BY id")).toEqual(
          [...expected].map(([own, status]) => ({ id: own, status })),
        );
        expect(rows(db, "SELECT id FROM t")).toEqual(
          data.toSorted((a, b) => a - b).map((row) => ({ id: row })),
        );
        // Each task's events in order: it starts before it ends.
        const seen = new Set<number>();
        for (const event of writer.events) {
          if (!("id" in event)) continue;
          if (event.type === "task-started") seen.add(event.id);
          else expect(seen.has(event.id)).toBe(true);
        }
      },
    ),
    { numRuns: 40 },
  );
});
