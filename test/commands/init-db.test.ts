import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import { tempFolder } from "../store/write/temp-folder.ts";
import { pipeloom } from "./pipeloom.ts";

test("makes ./pipeloom.db, and does no harm again", async () => {
  using folder = tempFolder();
  const first = await pipeloom(folder.path, ["init-db"]);
  expect({ code: first.code, out: first.out }).toEqual({ code: 0, out: "" });
  expect(first.err).toContain("./pipeloom.db is ready");
  const before = folder.bytes();
  expect(Object.keys(before)).toEqual(["pipeloom.db"]);
  expect((await pipeloom(folder.path, ["init-db"])).code).toBe(0);
  expect(folder.bytes()).toEqual(before);
  using db = new Database(folder.file("pipeloom.db"), { readonly: true });
  expect(db.query("SELECT status, COUNT(*) FROM task_runs GROUP BY status").all()).toEqual([]);
  expect(db.query("SELECT * FROM task_runs WHERE status <> 'done'").all()).toEqual([]);
});

test("what cannot be a database is left alone", async () => {
  using folder = tempFolder();
  writeFileSync(folder.file("a.csv"), "id,name\n1,a\n");
  const before = folder.bytes();
  const ended = await pipeloom(folder.path, ["init-db", "--db", "a.csv"]);
  expect({ code: ended.code, out: ended.out }).toEqual({ code: 1, out: "" });
  expect(ended.err).toContain("a.csv is not an SQLite database");
  expect(folder.bytes()).toEqual(before);
  expect((await pipeloom(folder.path, ["init-db", "--db", ":memory:"])).code).toBe(2);
});
