// A cycle with processes that are written down: what it makes of what they announced and of what is in the file.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";

import { Findings } from "../../src/prove/findings.ts";
import type { SessionEnd } from "../../src/prove/killed-session.ts";
import { KillMoments, randomOf } from "../../src/prove/kill-moments.ts";
import { Cycle, emptyTally } from "../../src/prove/proof-cycle.ts";
import { ProofDatabase } from "../../src/prove/proof-database.ts";
import { tempFolder } from "../support/temp-folder.ts";

const killed: SessionEnd = {
  outcome: { type: "killed" },
  tookMs: 1,
  events: 1,
  done: [],
  ran: new Map(),
  failure: undefined,
  late: [],
  errors: "",
  programsLeft: 0,
};

const exited = (code: number): Pick<SessionEnd, "outcome"> => ({
  outcome: { type: "exited", code },
});

/** Each process: what it does to the database, and its end. */
type Step = readonly [sql: string, end: Partial<SessionEnd>];

async function cycle(steps: readonly Step[]) {
  using folder = tempFolder();
  using database = new ProofDatabase(join(folder.path, "x.db"), false);
  const findings = new Findings();
  const tally = emptyTally();
  const fresh: boolean[] = [];
  const left = [...steps];
  const run = await new Cycle(1, false, tally, {
    database,
    findings,
    moments: new KillMoments(randomOf(1), { tookMs: 1, events: 1 }),
    session: (_, isFresh) => {
      const [sql, end] = left.shift() ?? ["", exited(9)];
      fresh.push(isFresh);
      using db = new Database(database.db);
      if (sql !== "") db.run(sql);
      return Promise.resolve({ ...killed, ...end });
    },
    code: 0,
    lastRun: 0,
    isDurable: true,
    isStopped: () => false,
  }).run();
  const counted = Object.entries(findings.counts).filter(([, count]) => count > 0);
  return { run, tally, fresh, found: Object.fromEntries(counted), first: findings.first };
}

const begin =
  "CREATE TABLE pipeline_runs (id, status); CREATE TABLE task_runs (run_id, id, status, attempt, started_at, finished_at, result);" +
  "INSERT INTO pipeline_runs VALUES (1, 'running');";
const done = (id: number, at = "10:00"): string =>
  `INSERT INTO task_runs VALUES (1, ${id}, 'done', 1, '${at}', '${at}', '1');`;
const over = "UPDATE pipeline_runs SET status = 'done';";

test("a run that is killed and continues", async () => {
  const result = await cycle([
    ["", {}],
    [begin + done(1), { done: [1] }],
    [done(2), {}],
    [done(3) + over, { ...exited(0), done: [3] }],
  ]);
  expect(result).toMatchObject({ run: 1, found: {}, tally: { kills: 3 } });
  // Until the file has the run, it is begun again.
  expect(result.fresh).toEqual([true, true, false, false]);
});

test("a run that was killed after its end is not started again", async () => {
  expect(await cycle([[begin + done(1) + over, {}]])).toMatchObject({ run: 1, found: {} });
});

test("a task that was announced and is not in the file", async () => {
  const result = await cycle([
    [begin + done(1), { done: [1, 2] }],
    [over, exited(0)],
  ]);
  expect(result.found).toEqual({ tasksLost: 1 });
  expect(result.first?.what).toEqual({ type: "task", id: 2, happened: "lost" });
});

test("a task that was in the file and is gone", async () => {
  const gone = "DELETE FROM task_runs;";
  const result = await cycle([
    [begin + done(1), {}],
    [gone + over, exited(0)],
  ]);
  expect(result.found).toEqual({ tasksLost: 1 });
});

test("a task that was done, and that the plan does not have any more: it is not lost", async () => {
  const left = "UPDATE task_runs SET status = 'skipped';";
  const result = await cycle([
    [begin + done(1), {}],
    [left + over, exited(0)],
  ]);
  expect(result.found).toEqual({});
});

test("a task that was done, and is done at another time", async () => {
  const again = `DELETE FROM task_runs; ${done(1, "11:00")}`;
  const result = await cycle([
    [begin + done(1), {}],
    [again + over, exited(0)],
  ]);
  expect(result.found).toEqual({ tasksTwice: 1 });
});

test("a run that hangs, fails, or leaves programs", async () => {
  expect((await cycle([[begin, { outcome: { type: "hung" } }]])).found).toEqual({ hangs: 1 });
  const failed = await cycle([[begin, { ...exited(1), failure: "load: no" }]]);
  expect(failed).toMatchObject({ run: undefined, found: { failed: 1 } });
  expect(failed.first?.what).toMatchObject({
    text: "the run ended with exit code 1, and an undisturbed one with 0: load: no",
  });
  const left = await cycle([[begin + over, { programsLeft: 2 }]]);
  expect(left.found).toEqual({ programsLeft: 2 });
});

test("a run that a signal of another sender ends", async () => {
  const crashed: SessionEnd["outcome"] = { type: "crashed", signal: "SIGSEGV" };
  const result = await cycle([
    [begin, { outcome: crashed, errors: "panic\n" }],
    [over, exited(0)],
  ]);
  expect(result).toMatchObject({ run: undefined, found: { failed: 1 }, tally: { kills: 0 } });
  expect(result.first?.what).toMatchObject({ text: "the run was ended by SIGSEGV: panic" });
});

test("a run that is not done after many processes", async () => {
  const endless = Array.from({ length: 1_000 }, (_, i): Step => [i === 0 ? begin : "", exited(0)]);
  const result = await cycle(endless);
  expect(result).toMatchObject({ run: undefined, found: { failed: 1 } });
  expect(result.first?.what).toMatchObject({ text: "the run was not done after 300 processes" });
});
