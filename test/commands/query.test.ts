import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import { queryEndsAfterVariable } from "../../src/protocol/page-variables.ts";
import { tempFolder, type TempFolder } from "../store/write/temp-folder.ts";
import { cliCommand, pipeloom } from "./pipeloom.ts";

const make = (folder: TempFolder, name = "pipeloom.db"): void => {
  using db = new Database(folder.file(name));
  db.run("CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT)");
  db.run("INSERT INTO posts VALUES (1, 'first'), (2, 'second')");
};

test("a table by default, of ./pipeloom.db by default", async () => {
  using folder = tempFolder();
  make(folder);
  const ended = await pipeloom(folder.path, ["query", "SELECT * FROM posts"]);
  expect(ended).toEqual({ code: 0, out: "id  title\n 1  first\n 2  second\n", err: "" });
  expect(folder.list()).toEqual(["pipeloom.db"]);
});

test("the SQL from standard input", async () => {
  using folder = tempFolder();
  make(folder, "other.db");
  const sql = new Blob(["SELECT title -- the title\nFROM posts WHERE id = 2;\n"]);
  const ended = await pipeloom(folder.path, ["query", "-", "--db", "other.db", "-f", "jsonl"], sql);
  expect(ended).toEqual({ code: 0, out: '{"title":"second"}\n', err: "" });
});

test("of the page, it ends by itself: the page's process may have been killed", async () => {
  using folder = tempFolder();
  make(folder);
  const never =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  await using child = Bun.spawn(cliCommand("query", never), {
    cwd: folder.path,
    env: { ...process.env, [queryEndsAfterVariable]: "300" },
    stderr: "pipe",
  });
  expect(await child.stderr.text()).toBe("error: the query was ended: it took more than 0.3 s\n");
});

describe("errors", () => {
  const cases: [string, string[], number, string][] = [
    ["writing", ["DELETE FROM posts"], 2, "only reading"],
    ["bad SQL", ["SELEC 1"], 1, "syntax error"],
    ["no table", ["SELECT * FROM nowhere"], 1, "no such table: nowhere"],
    ["no database", ["SELECT 1", "--db", "no.db"], 1, "no database at no.db"],
    ["no SQL", [], 2, "<sql> is missing"],
    ["a format that is not there", ["SELECT 1", "-f", "xml"], 2, "xml"],
  ];
  test.each(cases)("%s", async (_, args, code, says) => {
    using folder = tempFolder();
    make(folder);
    const before = folder.bytes();
    const ended = await pipeloom(folder.path, ["query", ...args]);
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: "" });
    expect(ended.err).toContain(says);
    expect(folder.bytes()).toEqual(before);
  });
});

test("a reader that leaves ends an endless result, quietly", async () => {
  using folder = tempFolder();
  make(folder);
  const endless =
    "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT i FROM s";
  const child = Bun.spawn(cliCommand("query", endless, "-f", "csv"), {
    cwd: folder.path,
    stdout: "pipe",
    stderr: "pipe",
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value).slice(0, 6)).toBe("i\n1\n2\n");
  await reader.cancel();
  expect(await child.exited).toBe(0);
  expect(await child.stderr.text()).toBe("");
});
