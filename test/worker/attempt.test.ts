// One attempt: its timeout, its end, and what it waits for.

import { describe, expect, test } from "bun:test";
import { unitItemMark } from "../../src/protocol/writer-records.ts";
import { AttemptRig, refusal, turn } from "./attempt-rig.ts";

test("the end waits for sends that follow the last committed checkpoint in the same turn", async () => {
  const thread = new AttemptRig();
  const { end } = thread.start(async (_, ctx) => {
    // The task returns at once. This function goes on when the first checkpoint is answered.
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
  test("gives the attempt up after the grace period, and refuses what the function sends later", async () => {
    const thread = new AttemptRig();
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
            message: expect.stringContaining("timed out after 1 s, and did not react"),
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

  test("ends the attempt at once when the function listens to its signal", async () => {
    const thread = new AttemptRig();
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
      { outcome: { failure: { name: "TimeoutError", message: "timed out after 50 ms" } } },
    ]);
  });

  test("ends a source that was not awaited and never ends", async () => {
    const thread = new AttemptRig();
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
  const thread = new AttemptRig();
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

test("a task that fails while it reads a source stops the source and aborts its signal", async () => {
  const thread = new AttemptRig();
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

/** A task that has returned 9,999 ms ago: its source has 1 ms left. */
async function waiting() {
  const thread = new AttemptRig();
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

  test("fails the task when it does not end within 10 s", async () => {
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
