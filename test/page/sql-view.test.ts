import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import { parseRows } from "../../src/page/app/sql-rows.ts";
import type { Problem } from "../../src/page/contract.ts";
import type { SqlAnswer, TablesView } from "../../src/page/contract-data.ts";
import { reportData } from "../../src/page/report.ts";
import { pageRig, type PageRig } from "./page-rig.ts";

function fill(db: Database): void {
  db.run('CREATE TABLE "a ""b""" (day TEXT, n INTEGER, x BLOB)');
  db.run(
    `INSERT INTO "a ""b""" VALUES ('2026-01-01', 9007199254740993, NULL), ('<b>', 1.5, x'00')`,
  );
  db.run("CREATE TABLE empty (id)");
}

const never =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

const ask = async (rig: PageRig, sql: unknown): Promise<SqlAnswer> =>
  (await rig.post("/data/sql", { sql })).json() as Promise<SqlAnswer>;

async function problem(rig: PageRig, sql: unknown): Promise<string> {
  const response = await rig.post("/data/sql", { sql });
  expect(response.status).toBe(400);
  return ((await response.json()) as Problem).problem;
}

describe("SQL that a person types", () => {
  test("gives rows whose numbers keep all digits, also where the page starts nothing", async () => {
    await using rig = await pageRig(fill, true);
    const { lines, isCut } = await ask(rig, 'SELECT * FROM "a ""b"""');
    expect(isCut).toBe(false);
    const { columns, rows, numeric } = parseRows(lines);
    expect(columns).toEqual(["day", "n", "x"]);
    expect(rows.map((row) => row["n"])).toEqual(["9007199254740993", "1.5"]);
    expect([...numeric]).toEqual(["n"]);
    expect(rows[0]?.["x"]).toBeNull();
  });

  test("is cut at 1,000 rows", async () => {
    await using rig = await pageRig(() => {});
    const endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    const { lines, isCut } = await ask(rig, endless);
    expect([lines.length, isCut, lines.at(-1)]).toEqual([1000, true, '{"i":1000}']);
  });

  test("is ended where one row is too large, or takes too much memory", async () => {
    await using rig = await pageRig(() => {});
    expect(await problem(rig, "SELECT hex(zeroblob(3000000))")).toBe(
      "the first row has more than 4,000,000 characters",
    );
    expect(await problem(rig, "SELECT hex(zeroblob(400000000))")).toBe(
      "the query was ended: it needs more than 500 MB of memory",
    );
  });

  test("cannot write, and what is wrong is said", async () => {
    await using rig = await pageRig(fill);
    expect(await problem(rig, "DELETE FROM empty")).toContain("only reading is possible");
    expect(await problem(rig, "ATTACH '/tmp/x.db' AS x")).toContain("only reading is possible");
    expect(await problem(rig, "SELECT 1; DELETE FROM empty")).toContain("only one SQL statement");
    expect(await problem(rig, "SELECT nope")).toContain("no such column: nope");
    expect(await problem(rig, " ")).toBe("there is no SQL to run");
    expect(await problem(rig, 7)).toBe("there is no SQL to run");
  });

  test.skipIf(process.platform !== "linux")("three run at once, the others wait", async () => {
    const waitsForEver = "too many queries wait already";
    await using rig = await pageRig(() => {});
    const control = new AbortController();
    const asked = Array.from({ length: 34 }, () =>
      rig
        .post("/data/sql", { sql: never }, control.signal)
        .then((response) => response.json() as Promise<Problem>)
        .catch(() => undefined),
    );
    expect((await Promise.race(asked))?.problem).toBe(waitsForEver);
    while ((await children()).length < 3) await Bun.sleep(5);
    expect(await children()).toHaveLength(3);
    control.abort();
    await Promise.all(asked);
    while ((await children()).length > 0) await Bun.sleep(5);
  });

  test.skipIf(process.platform !== "linux")(
    "ends with the question: a tab that is closed leaves no process",
    async () => {
      await using rig = await pageRig(() => {});
      const control = new AbortController();
      const asked = rig.post("/data/sql", { sql: never }, control.signal);
      const child = await firstChild();
      control.abort();
      expect(await asked.catch((error: Error) => error.name)).toBe("AbortError");
      while (isAlive(child)) await Bun.sleep(5);
    },
  );
});

test("what wrote a table last is told where the file knows it", async () => {
  await using rig = await pageRig((db) => {
    fill(db);
    const write =
      "INSERT INTO pipeloom_tables (name, epoch, definition, run_id, at) VALUES (?, 1, ?, ?, ?)";
    db.run(write, ["EMPTY", "load", 3, "2026-01-01T00:00:00.000Z"]);
    db.run(write, ['a "b"', null, null, "2026-01-01T00:00:00.000Z"]);
  });
  const { tables } = await rig.data<TablesView>("/data/tables");
  expect(tables.map(({ lastWrite }) => lastWrite)).toEqual([
    null,
    { run: 3, definition: "load", at: Date.UTC(2026, 0, 1) },
  ]);
});

test("the tables are the user's, with their rows", async () => {
  await using rig = await pageRig(fill);
  const { tables } = await rig.data<TablesView>("/data/tables");
  expect(tables.map(({ name, rows }) => [name, rows])).toEqual([
    ['a "b"', 2],
    ["empty", 0],
  ]);
  expect(tables[0]?.columns[1]).toEqual({ name: "n", type: "INTEGER" });
});

test("a view of a table that was dropped says so, and hides no other table", async () => {
  await using rig = await pageRig((db) => {
    fill(db);
    db.run("CREATE VIEW broken AS SELECT * FROM empty");
    db.run("DROP TABLE empty");
    db.run(
      "INSERT INTO pipeline_runs (pipeline, params, status, started_at) VALUES ('p', '{}', 'done', '2026-01-01T00:00:00.000Z')",
    );
  });
  const { tables } = await rig.data<TablesView>("/data/tables");
  expect(tables).toMatchObject([
    { name: 'a "b"', rows: 2, problem: null },
    { name: "broken", rows: null, problem: "no such table: main.empty" },
  ]);
  const { answers } = await reportData(rig.database, 1);
  expect(answers["/data/tables"]).toMatchObject({ tables: [{ rows: 2 }, { rows: null }] });
});

async function children(): Promise<readonly string[]> {
  const list = await Bun.file(`/proc/self/task/${process.pid}/children`).text();
  return list.split(" ").filter((pid) => pid.trim() !== "");
}

async function firstChild(): Promise<number> {
  for (;;) {
    const [pid] = await children();
    if (pid !== undefined) return Number(pid);
    await Bun.sleep(5);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
