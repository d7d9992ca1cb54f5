// The end of a run's session, after success and after failure: main always hears of it once.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import type { FromWriter } from "../../../src/protocol/messages.ts";
import { Session } from "../../../src/store/write/session.ts";
import {
  finished,
  inProcess,
  started,
  type WriterUnderTest,
} from "../../support/writer-under-test.ts";
import { SharedCount } from "../../../src/protocol/shared/shared-count.ts";
import { SharedFlag } from "../../../src/protocol/shared/shared-flag.ts";
import { options, request, unlocked } from "./options.ts";
import { tempFolder } from "./temp-folder.ts";

const ends = (writer: WriterUnderTest): FromWriter["type"][] =>
  writer.messages.all.map(({ type }) => type).filter((type) => /closed|failed/.test(type));

/** A few turns of the event loop: what was to be posted is. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("a close that fails is told once, and the run can be continued", async () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using writer = inProcess();
  await writer.open(
    path,
    {},
    {
      schema:
        "CREATE TRIGGER no BEFORE UPDATE OF status ON pipeline_runs WHEN NEW.status = 'done' BEGIN SELECT RAISE(ABORT, 'not like that'); END",
    },
  );
  const worker = writer.attach(0);
  worker.post(started(1), finished(1));
  await worker.acked();
  writer.send({ type: "close", status: "done", failure: null });
  expect((await writer.next("failed")).failure.message).toContain("not like that");
  writer.send({ type: "close", status: "done", failure: null });
  await turns();
  expect(ends(writer)).toEqual(["failed"]);
  expect(folder.list()).toEqual(["a.db"]);
  using next = inProcess();
  expect((await next.open(path)).started).toMatchObject({ run: 1, resumed: true, alreadyDone: 1 });
});

test("a writer that fails in the run lets go of the file, and tells nothing that is not in it", async () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using writer = inProcess();
  await writer.open(
    path,
    {},
    {
      schema: "CREATE TRIGGER no BEFORE INSERT ON task_logs BEGIN SELECT RAISE(ABORT, 'full'); END",
    },
  );
  const worker = writer.attach(0);
  worker.post(finished(1));
  await worker.acked();
  const log = { type: "log", name: "t2", attempt: 1, at: 0, level: "info", line: "x" } as const;
  const second = finished(2);
  worker.post({ ...log, id: second.id }, second);
  worker.post(finished(3));
  expect((await writer.next("failed")).failure.message).toContain("full");
  await turns();
  expect(ends(writer)).toEqual(["failed"]);
  expect(writer.events.map((event) => "id" in event && Number(event.id))).toEqual([1]);
  using db = new Database(path);
  expect(db.query("SELECT id FROM task_runs").values()).toEqual([[1]]);
  expect(folder.list().filter((name) => name.endsWith(".lock"))).toEqual([]);
});

test.each([
  ["UPDATE task_runs SET result = '[1,'", "the result of task 1 of run 1"],
  ["UPDATE task_runs SET result = NULL, status = 'queued', cursor = '{'", "the cursor of task 1"],
  ["UPDATE task_runs SET status = 'error', error = '{'", "the error of task 1 of run 1"],
  ["UPDATE task_runs SET result = NULL", "the result of task 1 of run 1"],
  ["UPDATE task_runs SET result = x'5b5d'", "the result of task 1 of run 1"],
  ["UPDATE task_runs SET status = 'dome'", "the status of task 1 of run 1"],
  ["UPDATE task_runs SET key = x'00'", "the key of task 1 of run 1"],
  ["UPDATE task_runs SET attempt = -1", "the attempt of task 1 of run 1"],
  ["UPDATE task_runs SET status = 'queued', name = x'00'", "the name of task 1 of run 1"],
  ["UPDATE task_runs SET id = -1", "the id of task -1 of run 1"],
  ["UPDATE task_runs SET id = 'x'", "the id of task x of run 1"],
  ["UPDATE pipeline_runs SET started_at = 'x'", "the start of run 1"],
  ["UPDATE pipeline_runs SET id = 0", 'the id of a run of "posts"'],
])("a damaged row is named: %s", async (sql, where) => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using writer = inProcess();
  await writer.open(path);
  const worker = writer.attach(0);
  worker.post(finished(1, { outcome: { status: "done", result: "[1]" } }));
  await worker.acked();
  writer.send({ type: "close", status: "error", failure: null });
  await writer.next("closed");
  using db = new Database(path);
  db.run(sql);
  using next = inProcess();
  const run = request({ resume: "last" });
  next.send({
    type: "open",
    options: options(path),
    run,
    module: null,
    givenUp: SharedFlag.create().buffer,
    recorded: SharedCount.create().buffer,
  });
  const { failure } = await next.next("failed");
  expect(failure).toMatchObject({ code: "corrupt", message: expect.stringContaining(where) });
  expect(folder.list().filter((name) => name.endsWith(".lock"))).toEqual([]);
});

test.each([
  [
    "BEFORE INSERT ON task_runs BEGIN SELECT RAISE(ABORT, 'not allowed'); END",
    "not allowed (SQLITE_CONSTRAINT_TRIGGER)",
  ],
  [
    "BEFORE INSERT ON task_runs BEGIN INSERT INTO gone VALUES (1); END",
    "no such table: main.gone (SQLITE_ERROR)",
  ],
])("a trigger on pipeloom's tables is named: %s", async (trigger, reason) => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using writer = inProcess();
  await writer.open(path);
  using db = new Database(path);
  db.run(`CREATE TRIGGER other ${trigger}`);
  writer.attach(0).post(finished(1));
  const { failure } = await writer.next("failed");
  const message = expect.stringContaining(`added to pipeloom's tables refuses a row: ${reason}`);
  expect(failure).toMatchObject({ code: "table-clash", message });
});

test("what only keeps the file from being tidied up does not undo the run's end", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const session = Session.open(options(path), request(), [], 0, unlocked);
  const { db } = session;
  const close = db.close.bind(db);
  db.close = () => {
    throw new Error("the disk fails");
  };
  const { finished: end, untidy } = session.close({ status: "done", failure: null, at: 1 });
  close(true);
  expect(end).toMatchObject({ type: "run-finished", status: "done" });
  expect(untidy).toMatchObject({ message: "the disk fails" });
  using reader = new Database(path, { readonly: true });
  expect(reader.query("SELECT status FROM pipeline_runs").values()).toEqual([["done"]]);
  expect(folder.list().filter((name) => name.endsWith(".lock"))).toEqual([]);
});

test("old runs that cannot be deleted do not keep the file from being closed", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const keep = { runs: 1, ageMs: null };
  const end = { status: "done", failure: null, at: 1 } as const;
  Session.open(options(path), request({ keep }), [], 0, unlocked).close(end);
  const session = Session.open(options(path), request({ keep }), [], 0, unlocked);
  session.db.run(
    "CREATE TRIGGER no BEFORE DELETE ON pipeline_runs BEGIN SELECT RAISE(ABORT, 'not allowed'); END",
  );
  const { untidy } = session.close(end);
  expect(untidy).toMatchObject({ message: expect.stringContaining("not allowed") });
  expect(folder.list()).toEqual(["a.db"]);
});

test("beside another living run the -wal is kept, and the last one removes it", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const open = (pipeline: string): Session =>
    Session.open(options(path), request({ pipeline }), [], 0, unlocked);
  const first = open("first");
  const second = open("second");
  const end = { status: "done", failure: null, at: 1 } as const;
  first.close(end);
  expect(folder.list()).toContain("a.db-wal");
  second.close(end);
  expect(folder.list()).toEqual(["a.db"]);
});
