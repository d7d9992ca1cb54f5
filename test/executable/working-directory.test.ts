// A pipeline file means the same from wherever it is started: from its folder, from cron, from a service.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { openReader } from "../../src/store/read/reader.ts";
import { pipeloom, run, type Ended } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

let folder: TempFolder;
beforeEach(() => {
  folder = tempFolder();
  mkdirSync(at("elsewhere"));
});
afterEach(() => folder[Symbol.dispose]());

const at = (name: string): string => join(folder.path, name);
const start = (cwd: string, ...args: readonly string[]): Promise<Ended> =>
  run([...pipeloom, ...args], at(cwd));

function rowsIn(db: string, sql: string): unknown {
  using reader = openReader(at(db));
  return reader.query(sql);
}

const statuses = "SELECT id, status FROM pipeline_runs";
const nothing = `import { pipeline, task } from "pipeloom";
const t = task({ name: "t", run: () => null });
`;

test("the same database, data, programs, files and .env from another folder", async () => {
  await Bun.write(at("jobs/rows.csv"), "id,n\n1,2\n");
  await Bun.write(at("jobs/.env"), "REGION=north\nSET=file\n");
  await Bun.write(at("elsewhere/.env"), "REGION=wrong\n");
  await Bun.write(
    at("jobs/etl.ts"),
    `import { csv, pipeline, sh, task } from "pipeloom";
const load = task({ name: "load", run: (_: void, ctx) => ctx.upsert("t", csv("rows.csv"), { key: "id" }) });
const seen = task({
  name: "seen",
  reuse: true,
  files: ["rows.csv"],
  run: async () => [await Bun.file("rows.csv").exists(), process.env["REGION"], process.env["SET"]],
});
const cat = sh({ name: "cat", command: ["cat", "rows.csv"], output: "text" });
const pwd = sh({ name: "pwd", command: ["sh", "-c", 'test "$PWD" = "$(pwd -P)"'] });
export default pipeline({
  name: "etl",
  db: "data.db",
  schema: "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, n INTEGER)",
  tasks: () => [load(), seen(), cat(), pwd()],
});
`,
  );
  const first = await run([...pipeloom, "run", "../jobs/etl.ts"], at("elsewhere"), { SET: "mine" });
  expect(first).toMatchObject({ code: 0 });
  expect(rowsIn("jobs/data.db", "SELECT result FROM task_runs WHERE name = 'seen'")).toEqual([
    { result: '[true,"north","mine"]' },
  ]);
  // The file that `reuse` depends on is the same one from the file's own folder.
  expect(await start("jobs", "run", "etl.ts")).toMatchObject({ code: 0 });
  expect(
    rowsIn("jobs/data.db", "SELECT name FROM task_runs WHERE run_id = 2 AND reason LIKE 'reused%'"),
  ).toEqual([{ name: "seen" }]);
  expect(rowsIn("jobs/data.db", statuses)).toEqual([
    { id: 1, status: "done" },
    { id: 2, status: "done" },
  ]);
  expect(existsSync(at("elsewhere/data.db"))).toBeFalse();
});

test("what a person types stays relative to the working directory", async () => {
  await Bun.write(
    at("jobs/etl.ts"),
    `${nothing}export default pipeline({ name: "etl", db: "own.db", params: { n: 1 }, tasks: () => t() });\n`,
  );
  await Bun.write(at("elsewhere/p.json"), '{"n":2}');
  const flags = ["--db", "x.db", "-l", "x.log", "--params", "p.json"];
  const { code, err } = await start("elsewhere", "run", "../jobs/etl.ts", ...flags);
  expect({ code, err }).toEqual({ code: 0, err });
  expect(existsSync(at("elsewhere/x.db"))).toBeTrue();
  expect(existsSync(at("elsewhere/x.log"))).toBeTrue();
  expect(existsSync(at("jobs/own.db"))).toBeFalse();
  // The next command is for this folder.
  expect(err).toContain("pipeloom status --db x.db");
});

test("messages show paths as seen from the working directory", async () => {
  await Bun.write(at("jobs/etl.ts"), "export default f(;\n");
  expect((await start(".", "run", "jobs/etl.ts")).err).toStartWith("error: jobs/etl.ts:1:18: ");
  await Bun.write(
    at("jobs/etl.ts"),
    `${nothing}if (!Bun.isMainThread) throw new Error("no");
export default pipeline({ name: "etl", tasks: () => t() });\n`,
  );
  expect((await start(".", "run", "jobs/etl.ts")).err).toContain(" jobs/etl.ts:3:");
});

describe("without a word about the database", () => {
  const etl = `${nothing}export default pipeline({ name: "etl", tasks: () => t() });\n`;

  test("it is pipeloom.db beside the file", async () => {
    await Bun.write(at("jobs/etl.ts"), etl);
    await Bun.write(at("jobs/wal_demo.db"), "");
    expect(await start("elsewhere", "run", "../jobs/etl.ts")).toMatchObject({ code: 0 });
    expect(await start("jobs", "run", "etl.ts")).toMatchObject({ code: 0 });
    expect(rowsIn("jobs/pipeloom.db", statuses)).toHaveLength(2);
    expect(existsSync(at("elsewhere/pipeloom.db"))).toBeFalse();
  });

  test("one of the working directory with runs of the pipeline goes on, and this is said", async () => {
    await Bun.write(at("jobs/etl.ts"), etl);
    await start("elsewhere", "run", "../jobs/etl.ts", "--db", "pipeloom.db");
    const again = await start("elsewhere", "run", "../jobs/etl.ts");
    expect(again.code).toBe(0);
    expect(again.err).toContain("pipeloom.db has runs of etl and is used");
    expect(rowsIn("elsewhere/pipeloom.db", statuses)).toHaveLength(2);
    expect(existsSync(at("jobs/pipeloom.db"))).toBeFalse();
    const dry = await start("elsewhere", "run", "../jobs/etl.ts", "--dry-run");
    expect(dry.err).toContain("pipeloom.db has runs of etl and is used");
  });

  test("one of the working directory with runs of another pipeline does not", async () => {
    await Bun.write(at("jobs/etl.ts"), etl);
    await Bun.write(at("elsewhere/other.ts"), etl.replace('name: "etl"', 'name: "other"'));
    await start("elsewhere", "run", "other.ts");
    const { err } = await start("elsewhere", "run", "../jobs/etl.ts");
    expect(err).not.toContain("is used");
    expect(rowsIn("elsewhere/pipeloom.db", statuses)).toHaveLength(1);
    expect(rowsIn("jobs/pipeloom.db", statuses)).toHaveLength(1);
  });
});

test("a command that reads says which of two databases it has chosen, but not to programs", async () => {
  await start(".", "init-db", "--db", "pipeloom.db");
  expect((await start(".", "status")).err).toBe("");
  await start(".", "init-db", "--db", "wal_demo.db");
  utimesSync(at("pipeloom.db"), 1, 1);
  const said = "database: ./wal_demo.db (the one written last; --db names another)\n";
  expect((await start(".", "status")).err).toBe(said);
  expect((await start(".", "query", "SELECT 1")).err).toBe(said);
  for (const quiet of [
    ["status", "--format", "json"],
    ["query", "SELECT 1", "--format", "csv"],
    ["runs", "--json"],
    ["status", "--db", "pipeloom.db"],
  ]) {
    expect((await start(".", ...quiet)).err).toBe("");
  }
});

test("a CSV file that is not there: the error names the folder in which it was looked for", async () => {
  await Bun.write(at("rows.csv"), "id\n1\n");
  await Bun.write(
    at("jobs/etl.ts"),
    `import { csv, pipeline, task } from "pipeloom";
const t = task({ name: "t", run: async () => Array.fromAsync(csv("rows.csv")) });
export default pipeline({ name: "etl", tasks: () => t() });
`,
  );
  const { err } = await start(".", "run", "jobs/etl.ts");
  expect(err).toContain(`rows.csv: no such file in ${at("jobs")}\n`);
});
