import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import { BusyHandler, type BusyHandlerDeps } from "../../src/store/busy-handler.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { SharedCount } from "../../src/protocol/shared/shared-count.ts";
import { SharedFlag } from "../../src/protocol/shared/shared-flag.ts";
import { Session } from "../../src/store/write/session.ts";
import { finished, inProcess, started } from "../support/writer-under-test.ts";
import { options, request, unlocked } from "./write/options.ts";
import { tempFolder } from "./write/temp-folder.ts";

class SqliteError extends Error {
  readonly code: string;
  constructor(code: string) {
    super("database is locked");
    this.code = code;
  }
}

/** Each sleep takes a second. */
function clock(): BusyHandlerDeps & { readonly said: string[] } {
  const said: string[] = [];
  let now = 0;
  return {
    said,
    say: (level, line) => said.push(`${level}: ${line}`),
    now: () => now,
    sleep: () => void (now += 1_000),
    isGivenUp: () => false,
  };
}

/** Finds a lock so many times. */
function locked(times: number, code = "SQLITE_BUSY"): () => string {
  let left = times;
  return () => {
    if (left-- > 0) throw new SqliteError(code);
    return "done";
  };
}

describe("the busy handler", () => {
  test("a short wait is not worth a word", () => {
    const tools = clock();
    expect(new BusyHandler("a.db", tools).run(locked(4))).toBe("done");
    expect(tools.said).toEqual([]);
  });

  test("a long one is said once, and its end", () => {
    const tools = clock();
    expect(new BusyHandler("a.db", tools).run(locked(40, "SQLITE_BUSY_RECOVERY"))).toBe("done");
    expect(tools.said).toEqual([
      "warn: a.db is locked by another program; waiting until it lets go",
      "info: a.db is free again, after 40 s",
    ]);
  });

  test("given up: nothing more is tried, also when that was caught", () => {
    let sleeps = 0;
    const tools = { ...clock(), sleep: () => void sleeps++, isGivenUp: () => sleeps === 3 };
    const busyHandler = new BusyHandler("a.db", tools);
    expect(() => busyHandler.run(locked(40))).toThrow(
      "a.db is locked by another program, and the run was told to stop now",
    );
    expect(sleeps).toBe(3);
    expect(() => busyHandler.run(locked(0))).toThrow("told to stop now");
  });

  test.each(["SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT", "SQLITE_FULL"])("%s is no wait", (code) => {
    const tools = clock();
    expect(() => new BusyHandler("a.db", tools).run(locked(1, code))).toThrow("locked");
    expect(tools.now()).toBe(0);
  });
});

/** Another program's connection to the database, in a transaction, for `sleeps` of the writer. */
function holder(
  path: string,
  sql: string,
  sleeps: number,
): { clock: BusyHandlerDeps; db: Database } {
  const db = new Database(path);
  const tools = clock();
  db.run("PRAGMA busy_timeout = 0");
  db.run(sql);
  let left = sleeps;
  const sleep = (ms: number): void => {
    tools.sleep(ms);
    if (--left === 0) db.run("COMMIT");
  };
  return { clock: { ...tools, sleep }, db };
}

/** The holder is in this process, and only Linux tells. */
const isLocked = /is locked by (this process itself: .*|another program); waiting/;

describe("a lock of another program's", () => {
  test.each([true, false])("while the run writes (wal: %p)", async (wal) => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    let hold: ReturnType<typeof holder> | undefined;
    using writer = inProcess({
      clock: {
        now: () => hold?.clock.now() ?? 0,
        sleep: (ms) => hold?.clock.sleep(ms),
      },
    });
    await writer.open(path, { wal }, { schema: "CREATE TABLE t (id INTEGER PRIMARY KEY)" });
    const worker = writer.attach(0);
    hold = holder(path, "BEGIN IMMEDIATE", 7);
    worker.post(started(1));
    worker.batch(1, [1, 2, 3]);
    worker.post(finished(1));
    await worker.acked();
    await writer.close();
    const said = writer.messages.all.flatMap((each) => (each.type === "output" ? each.line : []));
    expect(said[0]).toMatch(isLocked);
    expect(said[1]).toContain("is free again, after 7 s");
    expect(hold.db.query("SELECT COUNT(*) FROM t").values()).toEqual([[3]]);
    hold.db.close(true);
  });

  test.each(["while the run writes", "at its end"])("given up: %s", async (when) => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    using writer = inProcess({
      clock: { now: () => 0, sleep: () => writer.givenUp.set() },
    });
    await writer.open(path, {}, { schema: "CREATE TABLE t (id INTEGER PRIMARY KEY)" });
    const worker = writer.attach(0);
    worker.batch(1, [1]);
    worker.post(finished(1));
    await worker.acked();
    using db = new Database(path);
    db.run("BEGIN IMMEDIATE");
    if (when === "at its end") writer.send({ type: "close", status: "done", failure: null });
    else {
      worker.batch(2, [2]);
      worker.post(finished(2));
    }
    expect((await writer.next("failed")).failure).toMatchObject({ code: "given-up" });
    db.run("COMMIT");
    expect(db.query("SELECT id FROM t").values()).toEqual([[1]]);
    expect(db.query("SELECT status FROM pipeline_runs").values()).toEqual([["running"]]);
    expect(folder.list().filter((name) => name.endsWith(".lock"))).toEqual([]);
  });

  test("a reader, where a unit without WAL outgrows the cache", async () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    let hold: ReturnType<typeof holder> | undefined;
    using writer = inProcess({
      clock: { now: () => hold?.clock.now() ?? 0, sleep: (ms) => hold?.clock.sleep(ms) },
    });
    const schema = "CREATE TABLE t (id TEXT); INSERT INTO t VALUES ('first')";
    await writer.open(path, { wal: false }, { schema });
    const worker = writer.attach(0);
    hold = holder(path, "BEGIN; SELECT * FROM t", 3);
    hold.db.query("SELECT * FROM t").all();
    // 8 MiB of cache: more has to go into the file before the end.
    for (let batch = 0; batch < 12; batch++) worker.rows(1, "t", [{ id: "x".repeat(1_000_000) }]);
    worker.post(finished(1));
    await worker.acked();
    await writer.close();
    expect(writer.events.at(-1)).toMatchObject({ type: "task-finished", status: "done" });
    expect(hold.db.query("SELECT COUNT(*) FROM t").values()).toEqual([[13]]);
    hold.db.close(true);
  });

  test("while what an earlier session left is read, and at the end", () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    const past = Session.open(options(path, { wal: false }), request(), [], 0, unlocked);
    const long = JSON.stringify("x".repeat(5_000));
    past.db.run(
      "INSERT INTO task_runs (run_id, id, name, key, status, result) VALUES (1, 1, 'a', 'a:1', 'done', ?)",
      [long],
    );
    past.close({ status: "error", failure: null, at: 1 });
    using other = new Database(path);
    const busyHandler = new BusyHandler(path, {
      ...clock(),
      sleep: () => void other.run("COMMIT"),
    });
    const resumed = request({ resume: "last" });
    const session = Session.open(options(path, { wal: false }), resumed, [], 0, busyHandler);
    other.run("BEGIN EXCLUSIVE");
    expect([...session.history.restoredPages()]).toMatchObject([
      { done: { ids: "1", results: "" } },
    ]);
    other.run("BEGIN EXCLUSIVE");
    expect([...session.history.storedResults([taskId(1)])]).toEqual([[[taskId(1), long]]]);
    // At the end all is committed, and nothing is left that has to wait.
    const { db } = session;
    const run = db.run.bind(db);
    db.run = (sql, ...rest) => {
      const changes = run(sql, ...rest);
      if (sql === "COMMIT") other.run("BEGIN EXCLUSIVE");
      return changes;
    };
    const end = session.close({ status: "done", failure: null, at: 1 });
    expect(end).toMatchObject({ finished: { status: "done" }, untidy: undefined });
    expect(folder.list()).toEqual(["a.db"]);
  });

  test.each(["WAL", "DELETE"])("at the start, in a file in %s mode", async (mode) => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    using db = new Database(path);
    db.run(`PRAGMA journal_mode = ${mode}`);
    db.run("CREATE TABLE mine (a)");
    db.run("BEGIN IMMEDIATE");
    db.run("INSERT INTO mine VALUES (1)");
    let now = 0;
    using writer = inProcess({ clock: { now: () => (now += 3_000), sleep: () => undefined } });
    writer.send({
      type: "open",
      options: options(path),
      run: request(),
      module: null,
      givenUp: SharedFlag.create().buffer,
      recorded: SharedCount.create().buffer,
    });
    expect((await writer.next("output")).line).toMatch(isLocked);
    db.run("COMMIT");
    expect((await writer.next("opened")).started.run as number).toBe(1);
    await writer.close();
  });
});
