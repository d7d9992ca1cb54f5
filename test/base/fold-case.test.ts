import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { foldCase } from "../../src/base/fold-case.ts";

/** Whether SQLite takes the second name for the first. */
function isOneColumn(first: string, second: string): boolean {
  using db = new Database(":memory:");
  db.run(`CREATE TABLE t ("${first}")`);
  try {
    db.run(`ALTER TABLE t ADD COLUMN "${second}"`);
    return false;
  } catch {
    return true;
  }
}

test.each([
  ["ID", "id"],
  ["Straße", "sTRAßE"],
  ["Φ", "φ"],
  ["Ä", "ä"],
  ["K", "\u212a"],
  ["İ", "i"],
  ["a_b", "A_B"],
])("%s and %s are one column exactly when SQLite says so", (first, second) => {
  expect(foldCase(first) === foldCase(second)).toBe(isOneColumn(first, second));
});
