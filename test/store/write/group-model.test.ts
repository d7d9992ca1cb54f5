// Random units of two workers against a model. Each unit is good, or bad in one of the ways in which SQLite refuses rows. The
// rows of all good units are stored, whatever shares their transaction, and each task has one end.

import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";

import { taskId } from "../../../src/protocol/ids.ts";
import { finished, inProcess, started } from "../../support/writer-under-test.ts";
import { tempFolder } from "./temp-folder.ts";

setDefaultTimeout(60_000);

const bads = ["none", "check", "rollback", "raise", "deferred"] as const;
type Bad = (typeof bads)[number];

type Unit = {
  readonly worker: number;
  readonly bad: Bad;
  /** Parts before and after the bad one. */
  readonly before: number;
  readonly after: number;
  /** Large ones are not kept. */
  readonly isLarge: boolean;
  /** Main says something in the middle of it. */
  readonly isTalkedOver: boolean;
  /** The writer may work before the next is posted. */
  readonly pause: boolean;
};

const unit: fc.Arbitrary<Unit> = fc.record({
  worker: fc.nat(1),
  bad: fc.constantFrom("none", "none", ...bads),
  before: fc.nat(2),
  after: fc.nat(2),
  isLarge: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  isTalkedOver: fc.boolean(),
  pause: fc.boolean(),
});

const rollback = `
  CREATE TABLE good (id INTEGER, x TEXT);
  CREATE TABLE checked (id INTEGER CHECK (id > 0));
  CREATE TABLE once (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK);
  INSERT INTO once VALUES (-1);
  CREATE TABLE raised (id INTEGER);
  CREATE TRIGGER no BEFORE INSERT ON raised WHEN NEW.id < 0 BEGIN SELECT RAISE(ROLLBACK, 'no'); END;
`;
const deferred =
  "CREATE TABLE deferred_ (id INTEGER REFERENCES once (id) DEFERRABLE INITIALLY DEFERRED);";

const tableOf: Record<Exclude<Bad, "none">, string> = {
  check: "checked",
  rollback: "once",
  raise: "raised",
  deferred: "deferred_",
};
const badValue: Record<Exclude<Bad, "none">, number> = {
  check: -1,
  rollback: -1,
  raise: -1,
  deferred: -7,
};

test.each([
  ["with deferred keys", true, ""],
  // The writer does not know of them, and has several units in a transaction that cannot be committed.
  ["with deferred keys that came later", true, deferred],
  ["without", false, ""],
])("%s", async (_, hasDeferred, later) => {
  const schema = hasDeferred && later === "" ? rollback + deferred : rollback;
  await fc.assert(
    fc.asyncProperty(fc.array(unit, { minLength: 1, maxLength: 12 }), async (units) => {
      using folder = tempFolder();
      const path = folder.file("a.db");
      using writer = inProcess();
      await writer.open(path, {}, { schema });
      if (later !== "") {
        using db = new Database(path);
        db.run(later);
      }
      const workers = [writer.attach(0), writer.attach(1)];
      const expected: [id: number, status: string][] = [];
      for (const [index, given] of units.entries()) {
        const id = index + 1;
        const bad = given.bad === "deferred" && !hasDeferred ? "none" : given.bad;
        const worker = workers[given.worker];
        if (worker === undefined) throw new Error("no such worker");
        const batch = (): void => {
          const x = given.isLarge ? "x".repeat(900_000) : "x";
          worker.rows(id, "good", [{ id, x }]);
        };
        worker.post(started(id));
        for (let i = 0; i < given.before + (given.isLarge ? 3 : 0); i++) batch();
        if (bad !== "none") worker.rows(id, tableOf[bad], [{ id: badValue[bad] }]);
        if (given.isTalkedOver) {
          const other = taskId(1000 + id);
          const record = { type: "queued", id: other, name: "q", key: "q" } as const;
          writer.send({ type: "records", records: [record] });
        }
        for (let i = 0; i < given.after; i++) batch();
        worker.post(finished(id));
        expected.push([id, bad === "none" ? "done" : "error"]);
        if (given.pause) await new Promise((resolve) => setImmediate(resolve));
      }
      while (ends(writer.events).length < units.length) await Bun.sleep(1);
      await writer.close();
      using db = new Database(path, { readonly: true });
      expect(
        db.query("SELECT id, status FROM task_runs WHERE id < 1000 ORDER BY id").values(),
      ).toEqual(expected);
      expect(db.query("SELECT COUNT(*) FROM task_runs WHERE id > 1000").values()).toEqual([
        [units.filter(({ isTalkedOver }) => isTalkedOver).length],
      ]);
      expect(
        db
          .query(
            `SELECT status, COUNT(*), (SELECT counts ->> t.status FROM pipeline_runs) FROM task_runs AS t GROUP BY t.status`,
          )
          .values()
          .filter(([, counted, stored]) => counted !== stored),
      ).toEqual([]);
      const rows = units.flatMap(({ before, after, isLarge, bad }, index) => {
        const isGood = bad === "none" || (bad === "deferred" && !hasDeferred);
        const count = before + after + (isLarge ? 3 : 0);
        return isGood && count > 0 ? [[index + 1, count]] : [];
      });
      expect(db.query("SELECT id, COUNT(*) FROM good GROUP BY id ORDER BY id").values()).toEqual(
        rows,
      );
      expect(ends(writer.events).toSorted((a, b) => a - b)).toEqual(expected.map(([id]) => id));
    }),
    { numRuns: 30 },
  );
});

const ends = (events: readonly { readonly type: string }[]): number[] =>
  events.flatMap((event) =>
    event.type === "task-finished" && "id" in event ? [Number(event.id)] : [],
  );
