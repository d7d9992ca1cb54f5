import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";

import { message } from "../../../src/api/message.ts";
import { runId, taskId } from "../../../src/protocol/ids.ts";
import { packItem } from "../../../src/protocol/codec/unit-item.ts";
import { encodeRows } from "../../../src/worker/row-batches.ts";
import { insertTarget } from "../../../src/worker/target-table.ts";
import { CustomMessages } from "../../../src/store/write/custom-messages.ts";
import { TransactionLostError, UnitApplier } from "../../../src/store/write/unit-applier.ts";
import { unlocked } from "./options.ts";

let db: Database;
let unit: UnitApplier;

beforeEach(() => {
  db = new Database(":memory:");
  db.run("CREATE TABLE t (n INTEGER NOT NULL)");
  unit = newUnit();
});

const rollBack = message<number>("roll-back", (database) => {
  try {
    database.run("INSERT OR ROLLBACK INTO t VALUES (NULL)");
  } catch {}
  try {
    database.run("INSERT INTO t VALUES (9)");
  } catch {}
});

const newUnit = (): UnitApplier =>
  new UnitApplier(
    db,
    { run: runId(1), pipeline: "p" },
    new CustomMessages(db, [rollBack], unlocked),
    unlocked,
  );

afterEach(() => {
  unit.close();
  db.close(true);
});

/** One batch of a unit: rows with these values. */
const batch = async (...values: readonly (number | null)[]): Promise<void> =>
  void encodeRows(
    values.map((n) => ({ n })),
    insertTarget(taskId(1), "t"),
    (text) => unit.apply(text),
  );

const stored = (): unknown[] =>
  db
    .prepare("SELECT n FROM t ORDER BY n")
    .values()
    .map(([n]) => n);

const commit = (): void => {
  if (db.inTransaction) db.run("COMMIT");
};

test("of three units in one transaction any may fail; the others stay, and it says why", async () => {
  for (const bad of [0, 1, 2]) {
    db.run("DELETE FROM t");
    const failed: number[] = [];
    for (const index of [0, 1, 2]) {
      await batch(index * 10 + 1, index * 10 + 2);
      await batch(index === bad ? null : index * 10 + 3);
      await batch(index * 10 + 4);
      const failure = unit.end();
      if (failure === undefined) continue;
      failed.push(index);
      expect(failure.message).toContain("NOT NULL constraint failed: t.n, row { n: null }");
    }
    commit();
    expect(failed).toEqual([bad]);
    expect(stored()).toEqual(
      [0, 1, 2]
        .filter((index) => index !== bad)
        .flatMap((index) => [1, 2, 3, 4].map((n) => index * 10 + n)),
    );
  }
});

test("an abandoned unit leaves nothing, whatever is before and after it in the transaction", async () => {
  for (const lost of [0, 1, 2]) {
    db.run("DELETE FROM t");
    for (const index of [0, 1, 2]) {
      await batch(index);
      if (index === lost) unit.abandon();
      else expect(unit.end()).toBeUndefined();
    }
    commit();
    expect(stored()).toEqual([0, 1, 2].filter((index) => index !== lost));
  }
});

test("a unit that failed may be abandoned, and one that never began be ended", async () => {
  await batch(1);
  expect(unit.end()).toBeUndefined();
  await batch(2, null);
  unit.abandon();
  expect(unit.end()).toBeUndefined();
  await batch(3);
  expect(unit.end()).toBeUndefined();
  commit();
  expect(stored()).toEqual([1, 3]);
});

test("a unit that failed alone may be abandoned", async () => {
  await batch(1, null);
  unit.abandon();
  await batch(2);
  expect(unit.end()).toBeUndefined();
  commit();
  expect(stored()).toEqual([2]);
});

const rollBackPost = packItem({
  type: "emit",
  id: taskId(1),
  message: "roll-back",
  payload: "0",
});

test("a message that ends the transaction, and hides it, is no unit's success", async () => {
  await batch(2);
  unit.apply(rollBackPost);
  await batch(3);
  expect(unit.end()?.message).toContain("ended the transaction");
  expect(db.inTransaction).toBe(false);
  expect(stored()).toEqual([]);
});

test("a unit that ends a transaction with other units in it says so, and can be applied again", async () => {
  await batch(1);
  unit.end();
  await batch(2);
  expect(() => unit.apply(rollBackPost)).toThrow(TransactionLostError);
  expect(stored()).toEqual([]);
  await batch(1);
  expect(unit.end()).toBeUndefined();
  commit();
  expect(stored()).toEqual([1]);
});

test("a failed unit that is alone gives the database back at once", async () => {
  await batch(null);
  expect(db.inTransaction).toBe(false);
  await batch(1);
  expect(unit.end()?.message).toContain("NOT NULL");
  expect(db.inTransaction).toBe(false);
  expect(stored()).toEqual([]);
});

test("a value of the state is set with its unit, and goes with it", async () => {
  db.run(
    "CREATE TABLE pipeloom_state (pipeline, key, value, run_id, task_id, at, PRIMARY KEY (pipeline, key))",
  );
  const set = (value: string): void =>
    unit.apply(packItem({ type: "state", id: taskId(7), key: "at", value, at: 0 }));
  set("1");
  await batch(1);
  expect(unit.end()).toBeUndefined();
  commit();
  set("2");
  await batch(null);
  expect(unit.end()).toBeDefined();
  commit();
  const values = (): unknown => db.prepare("SELECT * FROM pipeloom_state").values();
  expect(values()).toEqual([["p", "at", "1", 1, 7, "1970-01-01T00:00:00.000Z"]]);
  set("3");
  unit.abandon();
  set("4");
  set("5");
  unit.end();
  commit();
  expect(values()).toEqual([["p", "at", "5", 1, 7, "1970-01-01T00:00:00.000Z"]]);
});
