// The executable and database paths that it must refuse: a clear error, and the file untouched.

import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const file = `
  const a = task({ name: "a", async run(_, ctx) { await ctx.insert("mine", [{ id: 1 }]); } });
  export default pipeline({
    name: "p",
    schema: "CREATE TABLE IF NOT EXISTS mine (id)",
    tasks: () => a(),
  });
`;

function sqlite(rig: Rig, name: string, sql: string): void {
  using db = new Database(rig.file(name), { create: true });
  db.run(sql);
}

const hash = (rig: Rig, name: string): string =>
  createHash("sha256")
    .update(readFileSync(rig.file(name)))
    .digest("hex");

/** Makes what is at `test.db`; the folder's files are the same before and after. */
async function refused(make: (rig: Rig) => unknown): Promise<string> {
  await using rig = newRig();
  rig.pipeline(file);
  await make(rig);
  const before = rig.list();
  const bytes = statSync(rig.file("test.db")).isFile();
  const digest = bytes ? hash(rig, "test.db") : "";
  const { code, out, err } = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).not.toContain("Internal error");
  expect(rig.list()).toEqual(before);
  if (bytes) expect(hash(rig, "test.db")).toBe(digest);
  return err;
}

describe("refused", () => {
  test("a folder", async () => {
    const err = await refused((rig) => mkdirSync(rig.file("test.db")));
    expect(err).toContain("test.db is a folder; give the path of a file in it");
  });

  test("a file that is not SQLite", async () => {
    const err = await refused((rig) => rig.write("test.db", "id,name\n".repeat(1000)));
    expect(err).toContain("test.db is not an SQLite database");
  });

  test("one that a newer pipeloom made", async () => {
    const err = await refused(async (rig) => {
      await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
      sqlite(rig, "test.db", "UPDATE pipeloom_schema SET version = 999");
      sqlite(rig, "test.db", "PRAGMA journal_mode = DELETE");
    });
    expect(err).toContain("newer");
    expect(err).toContain("999");
  });

  test("another program's table under one of pipeloom's names", async () => {
    const err = await refused((rig) =>
      sqlite(
        rig,
        "test.db",
        "CREATE TABLE task_runs (mine TEXT); INSERT INTO task_runs VALUES (1)",
      ),
    );
    expect(err).toContain("task_runs");
  });

  test("a folder that does not exist", async () => {
    await using rig = newRig();
    rig.pipeline(file);
    const { code, err } = await rig.pipeloom("run", "pipeline.ts", "--db", "none/test.db");
    expect(code).toBe(1);
    expect(err).toContain("none does not exist");
    expect(rig.list()).toEqual(["pipeline.ts"]);
  });

  test.skipIf(process.getuid?.() === 0 || process.platform === "win32")(
    "one that is read-only",
    async () => {
      const err = await refused((rig) => {
        sqlite(rig, "test.db", "CREATE TABLE t (a)");
        chmodSync(rig.file("test.db"), 0o444);
      });
      expect(err).toContain("cannot be written");
    },
  );
});

test("another program's file without a clash is welcome, and keeps what is its own", async () => {
  await using rig = newRig();
  rig.pipeline(file);
  sqlite(rig, "test.db", "PRAGMA user_version = 7; PRAGMA application_id = 42");
  sqlite(rig, "test.db", "CREATE TABLE theirs (a); INSERT INTO theirs VALUES ('x')");
  expect((await rig.pipeloom("run", "pipeline.ts", "--db", "test.db")).code).toBe(0);
  expect(rig.list()).toEqual(["pipeline.ts", "test.db"]);
  expect(rig.rows("SELECT a FROM theirs")).toEqual([{ a: "x" }]);
  expect(rig.rows("SELECT user_version AS v FROM pragma_user_version")).toEqual([{ v: 7 }]);
  expect(rig.rows("SELECT application_id AS v FROM pragma_application_id")).toEqual([{ v: 42 }]);
  expect(rig.rows("SELECT id FROM mine")).toEqual([{ id: 1 }]);
});

const text = (name: string): string => `
  const wait = task({ name: "wait", run: () => step("${name}") });
  const fill = task({
    name: "fill",
    async run({ from }: { from: number; ready: unknown }, ctx) {
      for (let i = 0; i < 20; i++) {
        await ctx.insert("both", [{ id: from * 100 + i, who: "${name}" }]);
        await ctx.checkpoint(i);
      }
    },
  });
  export default pipeline({
    name: "${name}",
    schema: "CREATE TABLE IF NOT EXISTS both (id, who, PRIMARY KEY (id, who))",
    tasks: () => { const ready = wait(); return Array.from({ length: 10 }, (_, from) => fill({ from, ready })); },
  });
`;

test("two pipelines write to one database at once", async () => {
  await using rig = newRig();
  const { control } = rig;
  rig.pipeline(text("one"), "one.ts");
  rig.pipeline(text("two"), "two.ts");
  const ends = ["one.ts", "two.ts"].map((name) => rig.pipeloom("run", name, "--db", "test.db"));
  const calls = await Promise.all([control.next("one"), control.next("two")]);
  for (const call of calls) call.finish();
  for (const end of await Promise.all(ends)) expect(end).toMatchObject({ code: 0, out: "" });
  expect(rig.list()).not.toContain("test.db-wal");
  expect(rig.rows("SELECT who, count(*) AS n FROM both GROUP BY who")).toEqual([
    { who: "one", n: 200 },
    { who: "two", n: 200 },
  ]);
  expect(rig.rows("SELECT pipeline, status FROM pipeline_runs ORDER BY pipeline")).toEqual([
    { pipeline: "one", status: "done" },
    { pipeline: "two", status: "done" },
  ]);
  expect(rig.rows("SELECT count(*) AS n FROM task_runs WHERE status = 'done'")).toEqual([
    { n: 22 },
  ]);
});
