import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";

import { callHook, HookQueue } from "../../src/engine/hooks.ts";
import { useFakeTime, useRealTime } from "../support/fake-time.ts";

describe("with time in the test's hands", () => {
  beforeEach(useFakeTime);
  afterEach(useRealTime);

  test("a hook that does not come to an end is left behind after 10 s, and the next one is called", async () => {
    const lines: string[] = [];
    const seen: number[] = [];
    const queue = new HookQueue<number>(
      "onTaskFinish",
      (event) => {
        seen.push(event);
        return event === 1 ? new Promise(() => undefined) : undefined;
      },
      (level, line) => lines.push(`${level} ${line}`),
    );
    queue.add(1);
    queue.add(2);
    jest.advanceTimersByTime(10_000);
    await queue.close(unhurried);
    expect(seen).toEqual([1, 2]);
    expect(lines).toEqual(["warn onTaskFinish failed: not finished after 10 s"]);
  });

  test("the end waits for the hooks for 10 s, and says how many were not called", async () => {
    const lines: string[] = [];
    const queue = new HookQueue<number>(
      "onTaskFinish",
      () => Bun.sleep(4000),
      (level, line) => lines.push(`${level} ${line}`),
    );
    for (let event = 0; event < 6; event++) queue.add(event);
    const closed = queue.close(unhurried);
    for (let i = 0; i < 10; i++) {
      jest.advanceTimersByTime(1000);
      await new Promise((next) => process.nextTick(next));
    }
    await closed;
    expect(lines).toEqual([
      "warn onTaskFinish was not called for the last 3 events: the run has waited 10 s for it",
    ]);
  });
});

/** Nobody says that the run is to stop now. */
const unhurried = new Promise<string>(() => undefined);

const none = (): void => {
  throw new Error("nothing was to be logged");
};

describe("hooks", () => {
  test("one that fails for each of many tasks is ten lines and a count", async () => {
    const lines: string[] = [];
    const queue = new HookQueue<number>(
      "onTaskFinish",
      async (event) => {
        if (event % 2 === 0) await Promise.resolve();
        throw new Error(`no answer for ${event}`);
      },
      (level, line) => lines.push(`${level} ${line}`),
    );
    for (let event = 1; event <= 500; event++) queue.add(event);
    await queue.close(unhurried);
    expect(lines).toHaveLength(11);
    expect(lines[9]).toBe("warn onTaskFinish failed: no answer for 10");
    expect(lines[10]).toBe(
      "warn onTaskFinish failed 490 more times; the last time: no answer for 500",
    );
  });

  test("asynchronous ones come one after the other, in order, and the end waits for them", async () => {
    const steps: string[] = [];
    const queue = new HookQueue<number>(
      "h",
      async (event) => {
        steps.push(`${event} begins`);
        await Promise.resolve();
        steps.push(`${event} ends`);
      },
      none,
    );
    for (const event of [1, 2, 3]) queue.add(event);
    await queue.close(unhurried);
    expect(steps).toEqual([1, 2, 3].flatMap((event) => [`${event} begins`, `${event} ends`]));
  });

  test("synchronous ones are called at once", () => {
    const seen: number[] = [];
    const queue = new HookQueue<number>("h", (event) => seen.push(event), none);
    for (const event of [1, 2, 3]) queue.add(event);
    expect(seen).toEqual([1, 2, 3]);
  });

  test("a thousand that wait are as many as may; then the run waits until there is room", async () => {
    const first = Promise.withResolvers<void>();
    const queue = new HookQueue<number>("h", (event) => (event === 0 ? first.promise : 0), none);
    for (let event = 0; event < 1000; event++) queue.add(event);
    expect(queue.full).toBeUndefined();
    queue.add(1000);
    const room = queue.full;
    expect(room).toBeInstanceOf(Promise);
    first.resolve();
    await room;
    expect(queue.full).toBeUndefined();
  });

  test("a failure is logged, and changes nothing", async () => {
    const lines: string[] = [];
    const log = (level: string, line: string): void => void lines.push(`${level} ${line}`);
    const queue = new HookQueue<() => unknown>("a", (act) => act(), log);
    queue.add(() => Promise.reject(new Error("later")));
    queue.add(() => {
      throw new TypeError("now");
    });
    queue.add(() => 3);
    await queue.close(unhurried);
    await callHook("b", () => Promise.reject(new Error("at last")), log, unhurried);
    expect(lines).toEqual(["warn a failed: later", "warn a failed: now", "warn b failed: at last"]);
  });

  test("a run that is told to stop now waits for none, and says which", async () => {
    const lines: string[] = [];
    const log = (level: string, line: string): void => void lines.push(`${level} ${line}`);
    const endless = new Promise(() => undefined);
    const hurried = Promise.resolve("stopped");
    const one = new HookQueue<number>("one", () => endless, log);
    one.add(1);
    await one.close(hurried);
    const three = new HookQueue<number>("three", () => endless, log);
    for (const event of [1, 2, 3]) three.add(event);
    await three.close(hurried);
    await callHook("last", () => endless, log, hurried);
    expect(lines).toEqual([
      "warn one was not waited for: stopped",
      "warn three was not called for the last 2 events: stopped",
      "warn last was not waited for: stopped",
    ]);
  });
});
