// Units of several tasks share a transaction. What one of them breaks is that one's failure, whatever else is in it.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import { taskId } from "../../../src/protocol/ids.ts";
import type { TaskRecord } from "../../../src/protocol/writer-records.ts";
import {
  finished,
  inProcess,
  type PostingWorker,
  started,
  type WriterUnderTest,
} from "../../support/writer-under-test.ts";
import { tempFolder } from "./temp-folder.ts";

/** A writer that begins to work only when it is let go: what was posted before is in one group. */
class Held implements Disposable {
  readonly writer: WriterUnderTest;
  readonly worker: PostingWorker;
  #held: (() => void)[] = [];
  #isHeld = false;
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
    this.writer = inProcess({
      later: (work) => {
        if (this.#isHeld) this.#held.push(work);
        else setImmediate(work);
      },
    });
    this.worker = this.writer.attach(0);
  }

  static async open(path: string, schema: string): Promise<Held> {
    const held = new Held(path);
    await held.writer.open(path, {}, { schema });
    return held;
  }

  /** All that `post` posts is one group. */
  async group(post: () => void): Promise<void> {
    this.#isHeld = true;
    post();
    // Ports deliver within a few turns of the event loop.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.#isHeld = false;
    for (const work of this.#held.splice(0)) work();
  }

  /** Rows of table and state of each task. */
  async end(sql: string): Promise<{ rows: unknown[]; tasks: unknown[] }> {
    await this.writer.close();
    using db = new Database(this.#path, { readonly: true });
    return {
      rows: db.query(sql).values().flat(),
      tasks: db.query("SELECT status FROM task_runs ORDER BY id").values().flat(),
    };
  }

  [Symbol.dispose](): void {
    this.writer[Symbol.dispose]();
  }
}

const announced = ({ writer }: Held): string[] =>
  writer.events.flatMap((event) =>
    event.type === "task-finished" ? [`${event.id} ${event.status}`] : [],
  );

const rollsBack = {
  "ON CONFLICT ROLLBACK": "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK)",
  "RAISE(ROLLBACK)":
    "CREATE TABLE t (id INTEGER); CREATE TRIGGER no BEFORE INSERT ON t WHEN EXISTS (SELECT 1 FROM t WHERE id = NEW.id) BEGIN SELECT RAISE(ROLLBACK, 'twice'); END",
};

describe.each(Object.entries(rollsBack))("%s", (_, schema) => {
  test.each([0, 1, 2, 3])("unit %d of four breaks it", async (bad) => {
    using folder = tempFolder();
    using held = await Held.open(folder.file("a.db"), `${schema}; INSERT INTO t VALUES (99)`);
    await held.group(() => {
      for (const unit of [0, 1, 2, 3]) {
        const id = unit + 1;
        held.worker.post(started(id));
        held.worker.batch(id, [id * 10]);
        held.worker.batch(id, [unit === bad ? 99 : id * 10 + 1]);
        held.worker.batch(id, [id * 10 + 2]);
        held.worker.post(finished(id));
      }
    });
    const good = [0, 1, 2, 3].filter((unit) => unit !== bad).map((unit) => unit + 1);
    const { rows, tasks } = await held.end("SELECT id FROM t WHERE id <> 99 ORDER BY id");
    expect(rows).toEqual(good.flatMap((id) => [id * 10, id * 10 + 1, id * 10 + 2]));
    expect(tasks).toEqual([1, 2, 3, 4].map((id) => (good.includes(id) ? "done" : "error")));
    expect(announced(held)).toEqual(
      [1, 2, 3, 4].map((id) => `${id} ${good.includes(id) ? "done" : "error"}`),
    );
  });

  test("texts count as committed when they are, also where their group is applied again", async () => {
    using folder = tempFolder();
    using held = await Held.open(folder.file("a.db"), schema);
    const id = taskId(1);
    await held.group(() => {
      held.worker.batch(1, [7]);
      held.worker.post({ type: "checkpoint", id, key: "t:1", attempt: 1, seq: 5, cursor: "1" });
      held.worker.batch(2, [7]);
      held.worker.post(finished(2));
    });
    const answered: unknown[] = [];
    for (let records = 0; records < 4;) {
      const ack = await held.worker.acked();
      records += ack.records ?? 0;
      if (ack.checkpoints !== undefined) answered.push([ack.records, records]);
    }
    // The start of the first task has been committed before its unit, which was committed alone.
    expect(answered).toEqual([[1, 2]]);
  });
});

const deferred =
  "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)";

describe("a deferred foreign key", () => {
  test("is judged at each unit's end, also where a later unit would mend it", async () => {
    using folder = tempFolder();
    using held = await Held.open(folder.file("a.db"), deferred);
    await held.group(() => {
      held.worker.rows(1, "c", [{ id: 1, pid: 7 }]);
      held.worker.post(finished(1));
      held.worker.rows(2, "p", [{ id: 7 }]);
      held.worker.post(finished(2));
      held.worker.rows(3, "c", [{ id: 3, pid: 8 }]);
      held.worker.rows(3, "p", [{ id: 8 }]);
      held.worker.post(finished(3));
    });
    const { rows, tasks } = await held.end("SELECT id FROM c UNION ALL SELECT id FROM p");
    expect(rows).toEqual([3, 7, 8]);
    expect(tasks).toEqual(["error", "done", "done"]);
    const failed = held.writer.events.find((event) => event.type === "task-finished");
    expect(failed).toMatchObject({
      id: 1,
      failure: {
        message: expect.stringContaining("FOREIGN KEY constraint failed"),
        code: expect.stringContaining("SQLITE_CONSTRAINT"),
      },
    });
  });

  test("what main and others say in the same group stays as it was said", async () => {
    using folder = tempFolder();
    using held = await Held.open(folder.file("a.db"), deferred);
    await held.group(() => {
      held.writer.send({
        type: "records",
        records: [{ type: "queued", id: taskId(3), name: "t3", key: "t:3" }],
      });
      held.writer.send({ type: "total", total: 3, complete: true });
      held.worker.post(started(1), started(2));
      held.worker.rows(1, "c", [{ id: 1, pid: 7 }]);
      held.worker.post(finished(1));
      held.worker.post(finished(2));
    });
    const { tasks } = await held.end("SELECT 1");
    expect(tasks).toEqual(["error", "done", "queued"]);
    expect(held.writer.events.filter(({ type }) => type === "run-total")).toEqual([
      { type: "run-total", total: 3, complete: true },
    ]);
    expect(held.writer.events.filter(({ type }) => type === "task-started")).toHaveLength(2);
  });

  test("fails the checkpoint that it is broken in, and a retry is as for any failure", async () => {
    using folder = tempFolder();
    using held = await Held.open(folder.file("a.db"), deferred);
    const checkpoint: TaskRecord = {
      type: "checkpoint",
      id: taskId(1),
      key: "load:1",
      attempt: 1,
      seq: 5,
      cursor: "1",
    };
    await held.group(() => {
      held.worker.post(started(1));
      held.worker.rows(1, "c", [{ id: 1, pid: 7 }]);
      held.worker.post(checkpoint);
    });
    const ack = await held.worker.acks.next(({ checkpoints }) => checkpoints !== undefined);
    expect(ack.checkpoints).toEqual([
      { id: taskId(1), seq: 5, failure: expect.objectContaining({ name: "SQLiteError" }) },
    ]);
    held.worker.rows(1, "c", [{ id: 2, pid: 8 }]);
    const outcome = { status: "done", result: "null", retryAt: 9000 } as const;
    held.worker.post(finished(1, { outcome }));
    await held.worker.acked();
    expect(held.writer.events.at(-1)).toMatchObject({ type: "task-retrying", retryAt: 9000 });
    const { rows } = await held.end("SELECT id FROM c");
    expect(rows).toEqual([]);
  });

  test("fails a unit that was too large to be kept, and nothing beside it", async () => {
    using folder = tempFolder();
    using held = await Held.open(folder.file("a.db"), `${deferred}; CREATE TABLE t (id)`);
    await held.group(() => {
      held.worker.post(started(1), finished(1));
      held.worker.post(started(2));
      for (let batch = 0; batch < 4; batch++) {
        held.worker.rows(2, "t", [{ id: "x".repeat(1_000_000) }]);
      }
      held.worker.rows(2, "c", [{ id: 1, pid: 7 }]);
      held.worker.post(finished(2));
      held.worker.batch(3, [3]);
      held.worker.post(finished(3));
    });
    const { rows, tasks } = await held.end("SELECT id FROM t");
    expect(rows).toEqual([3]);
    expect(tasks).toEqual(["done", "error", "done"]);
  });
});
