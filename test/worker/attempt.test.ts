// One attempt with a held clock, and the records that it posts.

import { describe, expect, test } from "bun:test";
import { task } from "../../src/api/task.ts";
import { registry } from "../../src/api/registry.ts";
import type { TaskContext } from "../../src/api/context.ts";
import { WorkerMemory } from "../../src/protocol/shared/worker-memory.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { type TaskRecord, unitItemMark } from "../../src/protocol/records.ts";
import { completionsMark, unpackCompletions } from "../../src/protocol/codec/completions.ts";
import { Attempt, type AttemptDeps } from "../../src/worker/attempt.ts";
import { type Clock, systemClock, type Timer } from "../../src/base/clock.ts";
import { execute } from "../../src/worker/execute.ts";
import { RecordSender } from "../../src/worker/record-sender.ts";
import { UnitSender } from "../../src/worker/unit-sender.ts";

/** Timers fire when the test moves the time on. */
class HeldClock implements Clock {
  #now = 0;
  readonly #timers = new Map<Timer, { readonly at: number; readonly work: () => void }>();

  now(): number {
    return this.#now;
  }
  /** Set back by an hour at each look: nothing may be measured with it. */
  #wall = 1_000_000_000_000;
  wall(): number {
    this.#wall -= 3_600_000;
    return this.#wall;
  }
  after(delayMs: number, work: () => void): Timer {
    // A handle of the type that the platform's timers have.
    const timer = setTimeout(() => undefined, 0);
    clearTimeout(timer);
    this.#timers.set(timer, { at: this.#now + delayMs, work });
    return timer;
  }
  cancel(timer: Timer): void {
    this.#timers.delete(timer);
  }
  soon(work: () => void): void {
    setImmediate(work);
  }
  async move(ms: number): Promise<void> {
    this.#now += ms;
    for (const [timer, { at, work }] of this.#timers) {
      if (at > this.#now) continue;
      this.#timers.delete(timer);
      work();
    }
    await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Run = (input: unknown, ctx: TaskContext) => unknown;

class Thread {
  readonly clock = new HeldClock();
  readonly posts: string[] = [];
  readonly #deps: AttemptDeps;
  #tasks = 0;

  constructor() {
    const { credits } = WorkerMemory.create(1);
    const port = {
      postMessage: (text: string) => {
        this.posts.push(text);
        queueMicrotask(() => credits.giveBack(credits.outstanding()));
      },
    };
    const sender = new RecordSender(port, credits, undefined, systemClock);
    this.#deps = {
      sender,
      units: new UnitSender(sender),
      mask: undefined,
      clock: this.clock,
      run: { id: 1, pipeline: "p" },
      params: {},
      query: () => [],
      failedIn: new WeakMap(),
    };
  }

  /** Each checkpoint so far is committed. */
  commit(): void {
    const checkpoints = this.records.filter((record) => record.type === "checkpoint");
    this.#deps.units.acknowledged({ type: "ack", checkpoints });
  }

  start(run: Run, timeoutMs?: number): { attempt: Attempt; end: Promise<void> } {
    registry.sealed = false;
    const name = `attempt.test ${this.#tasks++} ${Math.random()}`;
    task({ name, run });
    const definition = registry.tasks.get(name);
    registry.tasks.delete(name);
    const attempt = new Attempt(
      {
        id: taskId(1),
        task: name,
        name,
        attempt: 1,
        input: "null",
        wantsResult: false,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
      this.clock.now(),
      this.#deps,
    );
    attempt.startTimer();
    return { attempt, end: Promise.resolve(execute(attempt, definition)) };
  }

  get records(): TaskRecord[] {
    return this.posts.flatMap((post): TaskRecord[] => {
      if (post.startsWith(unitItemMark)) return [];
      if (!post.startsWith(completionsMark)) return JSON.parse(post) as TaskRecord[];
      const ends: TaskRecord[] = [];
      unpackCompletions(post, ({ result, ...rest }) =>
        ends.push({ type: "finished", ...rest, outcome: { status: "done", result } }),
      );
      return ends;
    });
  }

  get lines(): string[] {
    return this.records.flatMap((record) =>
      record.type === "log" ? [`${record.level} ${record.line}`] : [],
    );
  }

  get ends(): Extract<TaskRecord, { type: "finished" }>[] {
    return this.records.filter((record) => record.type === "finished");
  }
}

const refusal = async (call: () => unknown): Promise<string> => {
  try {
    await call();
  } catch (thrown) {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  }
  return "accepted";
};

describe("after its end", () => {
  const calls: readonly [name: string, call: (ctx: TaskContext) => unknown][] = [
    ["ctx.insert", (ctx) => ctx.insert("t", [{ a: 1 }])],
    ["ctx.upsert", (ctx) => ctx.upsert("t", [{ a: 1 }], { key: "a" })],
    ["ctx.emit", (ctx) => ctx.emit({ name: "m", apply: () => undefined }, 1)],
    ["ctx.checkpoint", (ctx) => ctx.checkpoint(1)],
    ["ctx.query", (ctx) => ctx.query("SELECT 1")],
  ];

  test.each(calls)("%s is refused, and told once", async (name, call) => {
    const thread = new Thread();
    let kept: TaskContext | undefined;
    await thread.start((_, ctx) => void (kept = ctx)).end;
    if (kept === undefined) throw new Error("the task has not run");
    const ctx = kept;
    for (let i = 0; i < 2; i++) {
      expect(await refusal(() => call(ctx))).toBe(
        `TaskEndedError: the task has ended (attempt 1: done): ${name} does nothing any more; await what you send`,
      );
    }
    await turn();
    expect(thread.lines).toEqual([
      `error after the task had ended (attempt 1: done), it called ${name}: this and what follows does nothing, and no row of it is stored; await what the task starts`,
    ]);
    expect(thread.posts.some((post) => post.startsWith(unitItemMark))).toBe(false);
  });

  test("progress is told, and what it logs is marked", async () => {
    const thread = new Thread();
    let kept: TaskContext | undefined;
    await thread.start((_, ctx) => void (kept = ctx)).end;
    kept?.progress(1, 2);
    kept?.log.info("a line");
    await turn();
    expect(thread.lines).toEqual([
      expect.stringContaining("it called ctx.progress"),
      "info after the task had ended: a line",
    ]);
    expect(thread.records.some(({ type }) => type === "progress")).toBe(false);
  });
});

test("the end waits for what is sent in the turn in which all that was sent is committed", async () => {
  const thread = new Thread();
  const { end } = thread.start(async (_, ctx) => {
    // Returned at once; this goes on with the first checkpoint's answer.
    void (async () => {
      await ctx.checkpoint(1);
      await ctx.insert("t", [{ a: 1 }]);
      await ctx.checkpoint(2);
    })();
  });
  await turn();
  thread.commit();
  await turn();
  const cursors = thread.records.flatMap((record) =>
    record.type === "checkpoint" ? [record.cursor] : [],
  );
  expect(cursors).toEqual(["1", "2"]);
  expect(thread.posts.filter((post) => post.startsWith(unitItemMark))).toHaveLength(1);
  expect(thread.ends).toEqual([]);
  thread.commit();
  await end;
  await turn();
  expect(thread.ends).toMatchObject([{ outcome: { status: "done" } }]);
});

describe("a timeout", () => {
  test("is given up after its grace, and what the function goes on to send is refused", async () => {
    const thread = new Thread();
    const goOn = Promise.withResolvers<void>();
    let late = "";
    const { attempt, end } = thread.start(async (_, ctx) => {
      await ctx.insert("t", [{ a: 1 }]);
      await goOn.promise;
      late = await refusal(() => ctx.checkpoint(1));
    }, 1000);
    await thread.clock.move(1000);
    expect(attempt.signal.aborted).toBe(true);
    await thread.clock.move(1999);
    expect(thread.ends).toEqual([]);
    await thread.clock.move(1);
    await end;
    await turn();
    expect(thread.ends).toMatchObject([
      {
        outcome: {
          status: "error",
          failure: {
            name: "TimeoutError",
            message: expect.stringContaining("no end after 1000 ms, and it did not listen"),
          },
        },
      },
    ]);
    expect(attempt.hasReturned).toBe(false);
    goOn.resolve();
    await turn();
    expect(late).toContain("TaskEndedError");
    expect(attempt.hasReturned).toBe(true);
    expect(thread.records.some(({ type }) => type === "checkpoint")).toBe(false);
  });

  test("that is listened to ends the attempt at once, with the short message", async () => {
    const thread = new Thread();
    const { end } = thread.start(
      (_, ctx) =>
        new Promise((_resolve, reject) =>
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)),
        ),
      50,
    );
    await thread.clock.move(50);
    await end;
    await turn();
    expect(thread.ends).toMatchObject([
      { outcome: { failure: { name: "TimeoutError", message: "no end after 50 ms" } } },
    ]);
  });

  test("ends a source that the task did not await and that never ends", async () => {
    const thread = new Thread();
    let isClosed = false;
    const { end } = thread.start((_, ctx) => {
      void ctx.insert("t", {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<never>(() => undefined),
          return: () => {
            isClosed = true;
            return new Promise<never>(() => undefined);
          },
        }),
      });
    }, 1000);
    await thread.clock.move(1000);
    await thread.clock.move(2000);
    await end;
    expect(isClosed).toBe(true);
    await turn();
    expect(thread.ends).toMatchObject([{ outcome: { failure: { name: "TimeoutError" } } }]);
  });
});

test("durations and retries come from the monotonic clock", async () => {
  const thread = new Thread();
  const wait = Promise.withResolvers<void>();
  const { end } = thread.start(() => wait.promise, 60_000);
  await thread.clock.move(500);
  wait.resolve();
  await end;
  await turn();
  const [finished] = thread.ends;
  expect(Number(finished?.at) - Number(finished?.startedAt)).toBe(500);
  expect(finished?.outcome.status).toBe("done");
});

test("a task that has failed while it read a source stops the source, and aborts its signal", async () => {
  const thread = new Thread();
  let isClosed = false;
  let reason: unknown;
  const { attempt, end } = thread.start(async (_, ctx) => {
    ctx.signal.addEventListener("abort", () => (reason = ctx.signal.reason));
    await ctx.insert("t", {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: async () => {
          isClosed = true;
          return { done: true as const, value: undefined };
        },
      }),
    });
  });
  attempt.crash(new Error("thrown by a timer"));
  await end;
  await turn();
  expect(isClosed).toBe(true);
  expect(String(reason)).toContain("the attempt has failed");
  expect(thread.ends).toMatchObject([
    { outcome: { status: "error", failure: { message: "thrown by a timer" } } },
  ]);
});

/** It has returned, and its source still has 1 ms. */
async function waiting() {
  const thread = new Thread();
  const source = Promise.withResolvers<IteratorResult<{ a: number }>>();
  let isClosed = false;
  const { end } = thread.start((_, ctx) => {
    void ctx.insert("t", {
      [Symbol.asyncIterator]: () => ({
        next: () => source.promise,
        return: () => {
          isClosed = true;
          return new Promise<never>(() => undefined);
        },
      }),
    });
  });
  await turn();
  await thread.clock.move(9999);
  expect(thread.ends).toEqual([]);
  return { thread, source, end, isClosed: () => isClosed };
}

describe("a source that the task did not await", () => {
  test("is waited for when the task has returned", async () => {
    const { thread, source, end } = await waiting();
    source.resolve({ done: true, value: undefined });
    await end;
    await turn();
    expect(thread.ends).toMatchObject([{ outcome: { status: "done" } }]);
  });

  test("fails the task when it does not come to its end", async () => {
    const { thread, end, isClosed } = await waiting();
    await thread.clock.move(1);
    await end;
    await turn();
    expect(isClosed()).toBe(true);
    expect(thread.ends).toMatchObject([
      {
        outcome: {
          status: "error",
          failure: { message: expect.stringContaining("the task returned 10 s ago, and a source") },
        },
      },
    ]);
  });
});

/** A context for a caller that does not look at types. */
type Loose = Record<
  "progress" | "query" | "emit" | "insert" | "checkpoint",
  (...args: readonly unknown[]) => unknown
> & { readonly log: Record<"info", (...parts: readonly unknown[]) => void> };

describe("odd values", () => {
  const hostile = {
    toString(): string {
      throw new Error("no string");
    },
  };
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const bodies: readonly [what: string, run: (ctx: Loose) => unknown, message: string][] = [
    ["bigint steps", (ctx) => ctx.progress(1n, 2n), "step and total are numbers, not a bigint"],
    ["a bigint total", (ctx) => ctx.progress(1, 2n), "numbers, not a bigint"],
    ["a message without text", (ctx) => ctx.progress(1, 2, hostile), "cannot be shown as text"],
    ["a revoked message", (ctx) => ctx.progress(1, 2, revoked), "cannot be shown as text"],
    ["SQL that is no string", (ctx) => ctx.query(5n), "ctx.query: the SQL is a bigint"],
    ["a message that is none", (ctx) => ctx.emit("m", 1), "ctx.emit: the message is a string"],
    ["revoked rows", (ctx) => ctx.insert("t", revoked), ""],
    ["a revoked row", (ctx) => ctx.insert("t", [revoked]), ""],
    ["a revoked cell", (ctx) => ctx.insert("t", [{ a: revoked }]), ""],
    ["a revoked cursor", (ctx) => ctx.checkpoint(revoked), ""],
    ["a revoked result", () => revoked, ""],
    ["a result with a revoked member", () => ({ a: revoked }), ""],
    ["a log of a revoked value", (ctx) => ctx.log.info(revoked, hostile), ""],
  ];

  test.each(bodies)("%s end the task alone", async (_, run, message) => {
    const thread = new Thread();
    await thread.start((_input, ctx) => run(ctx as unknown as Loose)).end;
    await turn();
    expect(thread.ends).toHaveLength(1);
    const [end] = thread.ends;
    const text = JSON.stringify(end?.outcome);
    expect(text).not.toContain("Internal error");
    if (message !== "") expect(text).toContain(message);
  });
});
