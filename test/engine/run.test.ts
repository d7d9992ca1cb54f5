// Whole runs against a model: random graphs, failures, retries, limits, lost threads, and a stop at any moment. The threads
// are scripted (support/fake-threads.ts), the writer is the real one, and what runs is seen at every instant.

import { describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import * as fc from "fast-check";
import type { TaskNode } from "../../src/api/node.ts";
import { pipeline, type Work } from "../../src/api/pipeline.ts";
import { Run } from "../../src/engine/run.ts";
import type { RunEvent, TaskFinished } from "../../src/protocol/events.ts";
import type { Assignment } from "../../src/protocol/messages.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import { type Act, FakeTaskWorker, fakeWriterThread, type Stage } from "../support/fake-threads.ts";
import { fan, node } from "../support/nodes.ts";

setDefaultTimeout(60_000);

const limits = { one: 1, two: 2 } as const;

type Task = {
  /** Indices of earlier tasks, as fractions of how many there are. */
  readonly needs: readonly number[];
  readonly after: readonly number[];
  readonly optional: boolean;
  readonly retries: number;
  readonly pool: "one" | "two" | undefined;
  readonly priority: number;
  readonly acts: readonly Act[];
};

const act: fc.Arbitrary<Act> = fc.record({
  turns: fc.nat(4),
  end: fc.oneof(
    { weight: 8, arbitrary: fc.constant("done" as const) },
    { weight: 2, arbitrary: fc.constant("error" as const) },
    { weight: 1, arbitrary: fc.constant("exit" as const) },
  ),
  listens: fc.boolean(),
});

const fraction = fc.double({ min: 0, max: 0.999, noNaN: true });
const aTask: fc.Arbitrary<Task> = fc.record({
  needs: fc.array(fraction, { maxLength: 2 }),
  after: fc.array(fraction, { maxLength: 1 }),
  optional: fc.boolean(),
  retries: fc.nat(2),
  pool: fc.constantFrom(undefined, undefined, "one", "two"),
  priority: fc.nat(1),
  acts: fc.array(act, { minLength: 3, maxLength: 3 }),
});

const plan = fc.record({
  tasks: fc.array(aTask, { minLength: 1, maxLength: 20 }),
  workers: fc.integer({ min: 1, max: 3 }),
  perWorker: fc.integer({ min: 1, max: 3 }),
  source: fc.constantFrom("list", "generator", "async generator"),
});

const dependencies = (tasks: readonly Task[], index: number): readonly number[] => {
  const { needs = [], after = [] } = tasks[index] ?? {};
  return [...needs, ...after].flatMap((at) => (index === 0 ? [] : [Math.floor(at * index)]));
};

type Final = "done" | "error" | "skipped";

/** What becomes of each when nothing stops the run. */
function model(tasks: readonly Task[]): Final[] {
  const finals: Final[] = [];
  for (const [index, { acts, retries }] of tasks.entries()) {
    const allowed = dependencies(tasks, index).every(
      (on) => finals[on] === "done" || tasks[on]?.optional === true,
    );
    const succeeds = acts.slice(0, retries + 1).some(({ end }) => end === "done");
    finals.push(allowed ? (succeeds ? "done" : "error") : "skipped");
  }
  return finals;
}

/** Watches what the scripted threads do, and knows what they must never do. */
class Watcher implements Stage {
  readonly #tasks: readonly Task[];
  readonly #running = new Set<number>();
  readonly #attempts = new Map<number, number>();
  /** Attempts that were lost with their thread: they count, but not against the retries. */
  readonly #interrupted = new Map<number, number>();
  readonly #ended = new Map<number, "done" | "error" | "cancelled">();
  /** What must never happen, and did. Thrown there it would only end a thread. */
  readonly violations: string[] = [];
  stopped = false;

  constructor(tasks: readonly Task[]) {
    this.#tasks = tasks;
  }

  act({ name, attempt }: Assignment): Act {
    const lost = this.#interrupted.get(Number(name)) ?? 0;
    const found = this.#tasks[Number(name)]?.acts[attempt - lost - 1];
    this.#must(found !== undefined, `attempt ${attempt} of ${name} is one too many`);
    return found ?? { turns: 0, end: "done", listens: true };
  }

  #must(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise);
  }

  begins({ name, attempt }: Assignment): void {
    const index = Number(name);
    this.#must(!this.stopped, `${name} begins after the stop`);
    this.#must(!this.#running.has(index), `${name} runs twice at once`);
    this.#must(!this.#ended.has(index), `${name} runs again after its end`);
    const next = (this.#attempts.get(index) ?? 0) + 1;
    this.#must(attempt === next, `attempt ${attempt} of ${name} where ${next} is due`);
    for (const on of dependencies(this.#tasks, index)) {
      const ended = this.#ended.get(on);
      const isOver = this.#tasks[on]?.optional === true ? !this.#running.has(on) : ended === "done";
      this.#must(isOver, `${name} begins before ${on} has ended well`);
    }
    this.#running.add(index);
    for (const [pool, limit] of Object.entries(limits)) {
      const inPool = [...this.#running].filter((at) => this.#tasks[at]?.pool === pool).length;
      this.#must(inPool <= limit, `${inPool} of the pool ${pool} run at once`);
    }
  }

  ends(assignment: Assignment, how: "done" | "error" | "cancelled" | "lost"): void {
    const index = Number(assignment.name);
    this.#running.delete(index);
    const lost = this.#interrupted.get(index) ?? 0;
    // Its thread was lost by another's doing: it runs again.
    if (how === "lost") {
      this.#attempts.set(index, assignment.attempt);
      this.#interrupted.set(index, lost + 1);
      return;
    }
    if (how === "error" && assignment.attempt - lost <= (this.#tasks[index]?.retries ?? 0)) {
      this.#attempts.set(index, assignment.attempt);
    } else this.#ended.set(index, how);
  }
}

function nodesOf(tasks: readonly Task[]): TaskNode[] {
  const nodes: TaskNode[] = [];
  for (const [index, { needs, after, optional, retries, pool, priority }] of tasks.entries()) {
    const pick = (at: number): TaskNode[] => {
      const found = nodes[Math.floor(at * index)];
      return found === undefined ? [] : [found];
    };
    nodes.push(
      node(
        String(index),
        { index, needs: needs.flatMap(pick) },
        {
          after: after.flatMap(pick),
          optional,
          priority,
          ...(pool === undefined ? {} : { pool }),
          retries: { limit: retries, delayMs: 0, factor: 1, jitter: false, maxDelayMs: 0 },
        },
      ),
    );
  }
  return nodes;
}

function workOf(nodes: readonly TaskNode[], source: string): Work {
  switch (source) {
    case "generator":
      return nodes.values();
    case "async generator":
      return (async function* stream() {
        for (const each of nodes) {
          await Promise.resolve();
          yield each;
        }
      })();
    default:
      return nodes;
  }
}

function newRun(
  work: Work,
  stage: Stage,
  workers: number,
  concurrency: number,
  events: RunEvent[],
): Run {
  return new Run({
    pipeline: pipeline({ name: "model", tasks: work, pools: limits }),
    module: { kind: "file", path: "/nowhere.ts", export: "default" },
    writer: { db: ":memory:", wal: false, durability: "normal", storeTaskStatus: true },
    params: {},
    resume: "auto",
    wait: false,
    workers,
    concurrency,
    failFast: false,
    cores: 2,
    spawnTaskWorker: () => new FakeTaskWorker(stage),
    spawnWriter: fakeWriterThread,
    onEvents: (batch) => events.push(...batch),
    onOutput: (_, line) => {
      throw new Error(line);
    },
  });
}

const finishes = (events: readonly RunEvent[]): TaskFinished[] =>
  events.filter((event) => event.type === "task-finished");

const counted = ({ done, failed, cancelled, skipped, queued }: RunSummary): number =>
  done + failed + cancelled + skipped + queued;

test("property: everything ends as the model says; nothing runs too early, twice, or beyond a limit", async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ tasks, workers, perWorker, source }) => {
      const watcher = new Watcher(tasks);
      const events: RunEvent[] = [];
      const work = workOf(nodesOf(tasks), source);
      const summary = await newRun(work, watcher, workers, workers * perWorker, events).start();
      expect(watcher.violations).toEqual([]);
      const finals = model(tasks);
      const of = (final: Final): number => finals.filter((each) => each === final).length;
      expect(summary).toMatchObject({
        total: tasks.length,
        done: of("done"),
        failed: of("error"),
        skipped: of("skipped"),
        cancelled: 0,
        queued: 0,
      });
      const ends = finishes(events).map(({ name, status }) => [Number(name), status] as const);
      expect(ends.toSorted(([a], [b]) => a - b)).toEqual([...finals.entries()]);
      const failedHard = finals.some(
        (final, i) => final === "error" && tasks[i]?.optional !== true,
      );
      expect(summary.status).toBe(failedHard ? "error" : "done");
    }),
    { numRuns: 150 },
  );
});

test("property: a stop at any moment starts nothing new, loses nothing, and comes to an end", async () => {
  await fc.assert(
    fc.asyncProperty(plan, fc.nat(12), fc.boolean(), async (given, after, urgent) => {
      const { tasks, workers, perWorker, source } = given;
      const watcher = new Watcher(tasks);
      const events: RunEvent[] = [];
      const work = workOf(nodesOf(tasks), source);
      const run = newRun(work, watcher, workers, workers * perWorker, events);
      const end = run.start();
      for (let turn = 0; turn < after * 3; turn++) await new Promise((next) => setImmediate(next));
      run.stop(false);
      watcher.stopped = true;
      if (urgent) run.stop(true);
      const summary = await end;
      expect(watcher.violations).toEqual([]);
      expect(counted(summary)).toBe(summary.total);
      if (source === "list") expect(summary.total).toBe(tasks.length);
      const ended = finishes(events).map(({ name }) => name);
      expect(new Set(ended).size).toBe(ended.length);
      expect(["cancelled", "done", "error"]).toContain(summary.status);
      if (summary.queued > 0 || summary.cancelled > 0) expect(summary.status).toBe("cancelled");
    }),
    { numRuns: 150 },
  );
});

describe("many", () => {
  const quick: Stage = {
    act: () => ({ turns: 0, end: "done", listens: true }),
    begins: () => undefined,
    ends: () => undefined,
  };

  test("a chain of 300, each link after the one before", async () => {
    const events: RunEvent[] = [];
    let last = node("0");
    for (let i = 1; i < 300; i++) last = node(String(i), { last });
    const summary = await newRun(last, quick, 2, 2, events).start();
    expect(summary).toMatchObject({ status: "done", done: 300 });
    expect(finishes(events).map(({ name }) => Number(name))).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
  });

  test("a stream of 20,000 is pulled as there is room, never far ahead", async () => {
    let pulled = 0;
    let ended = 0;
    let furthest = 0;
    const stage: Stage = { ...quick, ends: () => ended++ };
    function* stream(): Generator<TaskNode> {
      for (let i = 0; i < 20_000; i++) {
        pulled++;
        furthest = Math.max(furthest, pulled - ended);
        yield node("one", i);
      }
    }
    const summary = await newRun(stream(), stage, 2, 4, []).start();
    expect(summary).toMatchObject({ status: "done", done: 20_000 });
    expect(furthest).toBeLessThan(4000);
  });

  test("a fan-out over what a task yields, and back in", async () => {
    const inputs = new Map<string, unknown>();
    const stage: Stage = {
      ...quick,
      begins: ({ name, input }) => inputs.set(name, JSON.parse(input)),
    };
    // Scripted tasks yield their ids, so the list is one that is given.
    const items = Array.from({ length: 2000 }, (_, i) => i);
    const all = fan(items, (item) => node("item", { item }));
    const summary = await newRun(node("end", { all }), stage, 2, 2, []).start();
    expect(summary).toMatchObject({ status: "done", done: 2001 });
    const { all: results } = inputs.get("end") as { all: number[] };
    expect(new Set(results).size).toBe(2000);
  });
});

test("a retry that becomes due while tasks are handed out is not passed over", async () => {
  const stage: Stage = {
    act: ({ attempt }) => ({ turns: 0, end: attempt === 1 ? "error" : "done", listens: true }),
    begins: () => undefined,
    ends: () => undefined,
  };
  // Each look at the clock finds it a millisecond later, so each place where the retry may become due is tried.
  let now = 0;
  using _ = spyOn(performance, "now").mockImplementation(() => now++);
  for (let delayMs = 0; delayMs < 40; delayMs++) {
    const retries = { limit: 1, delayMs, factor: 1, jitter: false, maxDelayMs: delayMs };
    const retried = node("0", undefined, { retries });
    const summary = await newRun(retried, stage, 1, 1, []).start();
    expect(summary).toMatchObject({ status: "done", done: 1, failure: null });
  }
});

test("an item that passes on what waits for its fan-out: the run ends and names the circle", async () => {
  const stage: Stage = {
    act: () => ({ turns: 0, end: "done", listens: true }),
    begins: () => undefined,
    ends: () => undefined,
  };
  const all: ReturnType<typeof fan> = fan([1, 2], (item) => node("use", { item, total }));
  const total = node("total", { all });
  const summary = await newRun(node("report", { total }), stage, 2, 2, []).start();
  expect(summary).toMatchObject({ status: "error", queued: 4 });
  expect(summary.failure?.message).toMatch(
    /^these wait for one another: task "total".* → task "use".* → a fan-out → task "total"/,
  );
});

async function* failingStream(): AsyncGenerator<TaskNode> {
  yield node("0");
  yield node("1");
  await new Promise((next) => setTimeout(next, 20));
  throw new RangeError("no more pages");
}

describe("a generator that fails", () => {
  test("ends the run, and what runs is told", async () => {
    const events: RunEvent[] = [];
    const stage: Stage = {
      act: () => ({ turns: 0, end: "never", listens: true }),
      begins: () => undefined,
      ends: () => undefined,
    };
    const summary = await newRun(failingStream(), stage, 1, 2, events).start();
    expect(summary).toMatchObject({ status: "error", cancelled: 2 });
    expect(summary.failure).toMatchObject({ name: "RangeError", message: "no more pages" });
  });
});
