// Tests the judge: each case takes the observations of a good run and corrupts one of them.

import { describe, expect, test } from "bun:test";

import type { RunEvent } from "../../src/protocol/events.ts";
import type { Seen } from "./evidence.ts";
import { judge } from "./judge.ts";
import type { Scenario } from "./scenario.ts";
import { secret } from "./script.ts";
import { simulate } from "./simulate.ts";
import { stillPace } from "./world.ts";

const scenario: Scenario = {
  seed: 1,
  pace: stillPace,
  kinds: [
    {
      steps: [
        { op: "log", text: "line" },
        { op: "insert", rows: 2, form: "array", isAwaited: true, isReused: false },
        { op: "upsert", rows: 2, shapes: 1, isAwaited: true },
        { op: "emit", isAwaited: true },
        { op: "checkpoint", isAwaited: true },
        { op: "insert", rows: 1, form: "array", isAwaited: false, isReused: false },
      ],
      yields: 2,
      failUntil: 0,
      failBy: "throw",
      isSync: false,
      settings: {},
    },
  ],
  pools: {},
  form: "list",
  nodes: [
    { task: { kind: 0, input: { value: 1 } } },
    { each: { source: { ref: 0 }, item: { task: { kind: 0, input: { item: 0 } } } } },
  ],
  roots: [1],
  wal: true,
  hook: "quick",
  storeTaskStatus: true,
  sessions: [{ workers: 2, concurrency: 2, failFast: false, incidents: [], leavesOut: [] }],
};

function goodRun(): Seen {
  const { finding, trail } = simulate(scenario);
  const [seen] = trail;
  if (finding !== undefined || seen === undefined) throw new Error(`not good: ${finding}`);
  return seen;
}

const withEvents = (seen: Seen, change: (events: readonly RunEvent[]) => RunEvent[]): Seen => ({
  ...seen,
  events: change(seen.events),
});
const withFile = (seen: Seen, change: Partial<Seen["after"]>): Seen => ({
  ...seen,
  after: { ...seen.after, ...change },
});

const spoilt: Record<string, [spoil: (seen: Seen) => Seen, finding: RegExp]> = {
  "an end that was not announced": [
    (seen) =>
      withEvents(seen, (events) =>
        events.toSpliced(
          events.findIndex(({ type }) => type === "task-finished"),
          1,
        ),
      ),
    /the summary says/,
  ],
  "an end that was announced twice": [
    (seen) => withEvents(seen, (events) => events.flatMap((event) => [event, event])),
    /announced as ended twice/,
  ],
  "no end of the run": [
    (seen) => withEvents(seen, (events) => events.slice(0, -1)),
    /1 run-started and 0 run-finished/,
  ],
  "another result in the file": [
    (seen) => withFile(seen, { tasks: seen.after.tasks.map((row) => ({ ...row, result: "[]" })) }),
    /result/,
  ],
  "another state in the file": [
    (seen) =>
      withFile(seen, {
        tasks: seen.after.tasks.map((row, index) =>
          index === 0 ? row : { ...row, status: "running" as const },
        ),
      }),
    /announced as done and is running/,
  ],
  "another input in the file": [
    (seen) => withFile(seen, { tasks: seen.after.tasks.map((row) => ({ ...row, input: "{}" })) }),
    /the input of .* is \{\}/,
  ],
  "a label in the file that nobody gave": [
    (seen) => withFile(seen, { tasks: seen.after.tasks.map((row) => ({ ...row, label: "x" })) }),
    /the label of .* is x/,
  ],
  "another input in an event": [
    (seen) =>
      withEvents(seen, (events) =>
        events.map((event) => (event.type === "task-finished" ? { ...event, input: "{}" } : event)),
      ),
    /an event of .* has the input \{\}/,
  ],
  "code that is not recorded": [
    (seen) => withFile(seen, { unknownCode: ["kind-0"] }),
    /the code of kind-0 is not recorded/,
  ],
  "a row that is there twice": [
    (seen) => withFile(seen, { ins: [...seen.after.ins, ...seen.after.ins.slice(0, 1)] }),
    /rows of .* inserted: 4 are there and 3 are right/,
  ],
  "a row that is lost": [
    (seen) => withFile(seen, { ins: seen.after.ins.slice(1) }),
    /rows of .* inserted: 2 are there and 3 are right/,
  ],
  "a row whose text is another": [
    (seen) => withFile(seen, { ins: seen.after.ins.map((row) => ({ ...row, text: "" })) }),
    /a row of .* has ""/,
  ],
  "a cell that was lost": [
    (seen) => withFile(seen, { ups: seen.after.ups.map((row) => ({ ...row, a: null })) }),
    /upserted/,
  ],
  "a message that was applied twice": [
    (seen) => withFile(seen, { notes: [...seen.after.notes, ...seen.after.notes] }),
    /messages of/,
  ],
  "a line of log that was lost": [
    (seen) => withFile(seen, { logs: seen.after.logs.slice(1) }),
    /a line of the log was announced and is not in the file/,
  ],
  "a secret in the file": [
    (seen) => withFile(seen, { logs: seen.after.logs.map((row) => ({ ...row, line: secret })) }),
    /the secret is in the file/,
  ],
  "a checkpoint that is told as refused, and is committed": [
    (seen) => {
      for (const { checkpoints } of seen.stage.traces) {
        for (const { cursor } of checkpoints.splice(0)) {
          checkpoints.push({ cursor, isCommitted: false });
        }
      }
      return seen;
    },
    /was told that .* is refused/,
  ],
  "a checkpoint that is told as committed, and is not": [
    (seen) => withEvents(seen, (events) => events.filter(({ type }) => type !== "task-checkpoint")),
    /was told that .* is committed/,
  ],
  "a late row that is told as taken in, and is lost": [
    (seen) => {
      for (const { lateRows } of seen.stage.traces) lateRows.set(0, "accepted");
      return seen;
    },
    /a row that it sent late and in time is lost/,
  ],
  "an internal error": [
    (seen) => ({ ...seen, output: ["error: Internal error: what cannot be"] }),
    /an internal error/,
  ],
  "a journal that was left": [(seen) => ({ ...seen, left: ["simulated.db-wal"] }), /left beside/],
  "a run that takes too long": [
    (seen) => ({ ...seen, endedMs: seen.endedMs + 3_600_000 }),
    /the run took/,
  ],
};

/** The second of two sessions. */
const rerun = (): Seen => {
  const [session] = scenario.sessions;
  if (session === undefined) throw new Error("no session");
  const asks = { rerun: [1], failed: false, downstream: true };
  const kinds = [...scenario.kinds, ...scenario.kinds];
  const nodes: Scenario["nodes"] = [
    { task: { kind: 1, input: { value: 1 } } },
    { task: { kind: 0, input: { ref: 0 } } },
  ];
  const { finding, trail } = simulate({
    ...scenario,
    kinds,
    nodes,
    sessions: [session, { ...session, asks }],
  });
  const seen = trail.at(-1);
  if (finding !== undefined || seen === undefined || trail.length !== 2)
    throw new Error(`not good: ${finding}`);
  return seen;
};

/** What the file says of the task is what the session before has left. */
const unrun = (seen: Seen, name: string): Seen => {
  const { before, after } = seen;
  const old = before?.tasks.find((row) => row.name === name);
  if (before === undefined || old === undefined) throw new Error(`no task ${name}`);
  const own = <Row extends { task: number }>(was: readonly Row[], is: readonly Row[]): Row[] => [
    ...is.filter(({ task }) => task !== old.id),
    ...was.filter(({ task }) => task === old.id),
  ];
  return withFile(seen, {
    tasks: after.tasks.map((row) => (row.name === name ? old : row)),
    ins: own(before.ins, after.ins),
    notes: own(before.notes, after.notes),
    attempts: after.attempts.filter((row) => row.task_id !== old.id),
  });
};

describe("a run of which a task runs again with what depends on it", () => {
  test("is right as it is", () => {
    expect(() => judge(rerun())).not.toThrow();
  });

  test.each([
    ["n0", /n0 was to run again, and the run is over without that/],
    ["n1", /n1 depends on a task that has run again, and has not/],
  ])("but %s has not", (name, finding) => {
    expect(() => judge(unrun(rerun(), name))).toThrow(finding);
  });

  test("but its earlier rows are gone", () => {
    const seen = rerun();
    const rows = new Set(seen.after.ins.map(({ task, place }) => `${task} ${place}`));
    const once = seen.after.ins.filter(({ task, place }) => rows.delete(`${task} ${place}`));
    expect(() => judge(withFile(seen, { ins: once }))).toThrow(
      /inserted: 3 are there and 6 are right/,
    );
  });
});

/** One task, which fails at its first attempt. */
function retriedRun(): Seen {
  const [kind] = scenario.kinds;
  if (kind === undefined) throw new Error("no kind");
  const retries = { limit: 1, delay: 5, factor: 1, jitter: false };
  const flaky = { ...kind, failUntil: 1, settings: { retries } };
  const { finding, trail } = simulate({ ...scenario, kinds: [flaky], roots: [0] });
  const [seen] = trail;
  if (finding !== undefined || seen === undefined) throw new Error(`not good: ${finding}`);
  return seen;
}

const spoiltAttempts: Record<
  string,
  [attempts: (seen: Seen) => Seen["after"]["attempts"], RegExp]
> = {
  "an attempt that is lost": [() => [], /attempt 1 of task 1 \(error\) is not in the file/],
  "an attempt that is there twice": [
    ({ after: { attempts } }) => [...attempts, ...attempts],
    /attempt 1 of task 1 \(error\) is in the file, and nobody knows of it/,
  ],
  "an attempt that ended in another way": [
    ({ after: { attempts } }) => attempts.map((row) => ({ ...row, outcome: "interrupted" })),
    /is not in the file/,
  ],
  "another failure": [
    ({ after: { attempts } }) => attempts.map((row) => ({ ...row, error: "{}" })),
    /is not in the file/,
  ],
};

test.each(Object.entries(spoiltAttempts))("%s", (_, [attempts, finding]) => {
  const seen = retriedRun();
  judge(seen);
  expect(() => judge(withFile(seen, { attempts: attempts(seen) }))).toThrow(finding);
});

test("the last attempt, also among the earlier ones", () => {
  const seen = goodRun();
  const [row] = seen.after.tasks;
  if (row === undefined) throw new Error("no task");
  const { id: task_id, attempt, started_at, finished_at, error } = row;
  const attempts = [{ task_id, attempt, outcome: "error", started_at, finished_at, error }];
  // As if the process had died before it could announce the attempt.
  const killed = { ...withFile(seen, { attempts }), end: { how: "killed" as const } };
  expect(() => judge(killed)).toThrow(/is the last one, and among the earlier ones too/);
});

test("a good run is good", () => {
  judge(goodRun());
});

test.each(Object.entries(spoilt))("%s", (_, [spoil, finding]) => {
  expect(() => judge(spoil(goodRun()))).toThrow(finding);
});
