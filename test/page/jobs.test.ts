// The list of what the page has started: whose runs are in several databases, some of which cannot be read.

import { expect, test } from "bun:test";

import type { Job } from "../../src/page/actions/job.ts";
import { Jobs } from "../../src/page/actions/jobs.ts";
import { PageDatabase } from "../../src/page/page-database.ts";
import { environmentOfChildren } from "../../src/protocol/server-variables.ts";
import { ReaderError } from "../../src/store/read/reader-error.ts";
import { tempFolder } from "../store/write/temp-folder.ts";
import { addSlotRun } from "./serve-rig.ts";

/** A database that answers what a test says, and counts the questions. */
class FakeDatabase {
  readonly id: number;
  asked = 0;
  #answer: () => number | undefined;

  constructor(id: number, answer: () => number | undefined) {
    this.id = id;
    this.#answer = answer;
  }

  says(answer: () => number | undefined): void {
    this.#answer = answer;
  }

  runOf(): number | undefined {
    this.asked++;
    return this.#answer();
  }
}

const locked = (): never => {
  throw new ReaderError("locked", "etl.db is locked");
};

const rig = (now: () => number = () => 0) => {
  const jobs = new Jobs([process.execPath, "-e"], { now });
  const start = (database: FakeDatabase): Job =>
    jobs.start({ title: "Run it", words: [""], cwd: import.meta.dir, database });
  const runs = (): readonly (number | null)[] =>
    jobs.newestFirst.map((job) => jobs.briefOf(job).run);
  return { jobs, start, runs };
};

test("a database that cannot be read takes the list away from no other, and is left alone for 5 s", () => {
  let now = 0;
  const { start, runs } = rig(() => now);
  const good = new FakeDatabase(1, () => 7);
  const bad = new FakeDatabase(2, locked);
  for (const database of [good, bad, bad]) start(database);
  expect(runs()).toEqual([null, null, 7]);
  now = 4_999;
  expect(runs()).toEqual([null, null, 7]);
  expect([good.asked, bad.asked]).toEqual([1, 1]);
  bad.says(() => 9);
  now = 5_000;
  expect(runs()).toEqual([9, 9, 7]);
});

test("what is no trouble of a database is a bug, and is shown as one", () => {
  const { start, runs } = rig();
  start(
    new FakeDatabase(1, () => {
      throw new TypeError("a bug");
    }),
  );
  expect(runs).toThrow("a bug");
});

test("a program that has ended without a run is asked for once", async () => {
  const { start, runs } = rig();
  const database = new FakeDatabase(1, () => undefined);
  const job = start(database);
  expect([runs(), runs(), database.asked]).toEqual([[null], [null], 2]);
  await job.finished;
  expect([runs(), runs(), database.asked]).toEqual([[null], [null], 3]);
});

test("whoever looks for the run of a program opens no file for good", () => {
  using folder = tempFolder();
  const path = folder.file("etl.db");
  addSlotRun(path, "etl", "done", null);
  using database = new PageDatabase({ path, isReadOnly: false });
  expect(database.runOf(1, 0)).toBeUndefined();
  expect(database.isOpen).toBe(true);
  database.rest();
  expect(database.runOf(1, 0)).toBeUndefined();
  expect(database.isOpen).toBe(false);
});

test("children get no variable that is for the server alone", () => {
  const env = {
    PIPELOOM_UI_TOKEN: "a",
    PIPELOOM_METRICS_TOKEN: "b",
    PIPELOOM_WEBHOOK: "c",
    PIPELOOM_RELEASES: "d",
    GONE: undefined,
  };
  expect(environmentOfChildren(env)).toEqual({ PIPELOOM_RELEASES: "d" });
});
