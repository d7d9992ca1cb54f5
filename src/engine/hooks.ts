// Calls a pipeline's hooks, one event after another, beside the run. A synchronous hook is called at once. Events for a
// slow hook wait in a bounded queue; when the queue is full, the run waits.

import { systemClock } from "../base/clock.ts";
import { Promise, structuredClone } from "../base/globals.ts";
import { toFailure } from "../base/failure.ts";
import { plural } from "../base/text.ts";
import type { Pipeline } from "../api/pipeline.ts";
import type { TaskFinished } from "../protocol/events.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { isThenable } from "../base/is-thenable.ts";

/** Bound of one call. A call that takes longer is not waited for, and the next event follows. */
const maxHookMs = 10_000;
/** Bound of the queue, in events. */
const maxWaiting = 1000;
/** Failures that are logged one by one. A hook may fail for each of a million tasks, so further ones are counted. */
const maxLogged = 10;

type Log = (level: LogLevel, line: string) => void;
/** Gets the message of what the hook has thrown. */
type Fail = (message: string) => void;

/** A pipeline's `onTaskFinish` and `onFinish`. Each gets a copy: a change to it reaches neither tasks nor the screen. */
export class PipelineHooks {
  readonly #onFinish: Pipeline["onFinish"];
  readonly #queue: HookQueue<TaskFinished> | undefined;
  readonly #log: Log;
  readonly #hurried = Promise.withResolvers<string>();

  constructor({ onTaskFinish, onFinish }: Pick<Pipeline, "onTaskFinish" | "onFinish">, log: Log) {
    this.#onFinish = onFinish;
    this.#log = log;
    if (onTaskFinish !== undefined) this.#queue = new HookQueue("onTaskFinish", onTaskFinish, log);
  }

  /** The pipeline has no hooks. */
  get isEmpty(): boolean {
    return this.#queue === undefined && this.#onFinish === undefined;
  }

  taskFinished(event: TaskFinished): void {
    this.#queue?.add(structuredClone(event));
  }

  /** Undefined while there is room for events; otherwise a promise that resolves when there is room. */
  get full(): Promise<void> | undefined {
    return this.#queue?.full;
  }

  /** From now on no hook is waited for. */
  hurry(why: string): void {
    this.#hurried.resolve(why);
  }

  /** Waits for `onTaskFinish`, and calls `onFinish`. Bounded in time. */
  async finish(summary: RunSummary): Promise<void> {
    await this.#queue?.close(this.#hurried.promise);
    const onFinish = this.#onFinish;
    if (onFinish === undefined) return;
    const call = (): unknown => onFinish(structuredClone(summary));
    await callHook("onFinish", call, this.#log, this.#hurried.promise);
  }
}

export class HookQueue<Event> {
  readonly #name: string;
  readonly #hook: (event: Event) => unknown;
  readonly #log: Log;
  #waiting: Event[] = [];
  /** Index in `#waiting` of the next event. */
  #next = 0;
  #isBusy = false;
  #isClosed = false;
  #failures = 0;
  #lastFailure = "";
  #room = Promise.withResolvers<void>();
  #idle = Promise.withResolvers<void>();

  constructor(name: string, hook: (event: Event) => unknown, log: Log) {
    this.#name = name;
    this.#hook = hook;
    this.#log = log;
    this.#idle.resolve();
  }

  add(event: Event): void {
    if (this.#isBusy) this.#waiting.push(event);
    else {
      this.#call(event);
      if (this.#isBusy) this.#idle = Promise.withResolvers();
    }
  }

  /** Undefined while there is room; otherwise a promise that resolves when there is room. */
  get full(): Promise<void> | undefined {
    return this.#length < maxWaiting ? undefined : this.#room.promise;
  }

  get #length(): number {
    return this.#waiting.length - this.#next;
  }

  /**
   * Resolves when the hook has handled every event, after 10 s, or when `hurried` resolves. Logs how many events were not
   * handled, and how often the hook has failed beyond what was logged.
   * @param hurried resolves with the reason not to wait any longer
   */
  async close(hurried: Promise<string>): Promise<void> {
    const late = Promise.withResolvers<string>();
    const timer = systemClock.after(maxHookMs, () =>
      late.resolve(`the run has waited ${maxHookMs / 1000} s for it`),
    );
    const why = await Promise.race([this.#idle.promise, late.promise, hurried]);
    systemClock.cancel(timer);
    this.#isClosed = true;
    const more = this.#failures - maxLogged;
    if (more > 0) {
      const times = plural(more, "more time");
      this.#log("warn", `${this.#name} failed ${times}; the last time: ${this.#lastFailure}`);
    }
    if (why === undefined) return;
    const events = plural(this.#length, "event");
    if (this.#length > 0)
      this.#log("warn", `${this.#name} was not called for the last ${events}: ${why}`);
    else this.#log("warn", `${this.#name} was not waited for: ${why}`);
  }

  #call(event: Event): void {
    try {
      const result = this.#hook(event);
      if (!isThenable(result)) return;
      this.#isBusy = true;
      void bounded(result, this.#fail).then(() => this.#over());
    } catch (thrown) {
      this.#fail(toFailure(thrown).message);
    }
  }

  readonly #fail: Fail = (message) => {
    this.#failures++;
    this.#lastFailure = message;
    if (this.#failures <= maxLogged) this.#log("warn", `${this.#name} failed: ${message}`);
  };

  #over(): void {
    this.#isBusy = false;
    while (!this.#isBusy && !this.#isClosed && this.#length > 0) {
      const event = this.#waiting[this.#next++] as Event;
      this.#call(event);
    }
    if (this.#next * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    if (this.#length < maxWaiting) {
      this.#room.resolve();
      this.#room = Promise.withResolvers();
    }
    if (!this.#isBusy) this.#idle.resolve();
  }
}

/**
 * Calls a hook that has one event only. Bounded in time; a failure is logged and changes nothing.
 * @param hurried resolves with the reason not to wait any longer
 */
export async function callHook(
  name: string,
  hook: () => unknown,
  log: Log,
  hurried: Promise<string>,
): Promise<void> {
  const fail: Fail = (message) => log("warn", `${name} failed: ${message}`);
  try {
    const result = hook();
    if (!isThenable(result)) return;
    const why = await Promise.race([bounded(result, fail), hurried]);
    if (why !== undefined) log("warn", `${name} was not waited for: ${why}`);
  } catch (thrown) {
    fail(toFailure(thrown).message);
  }
}

async function bounded(result: PromiseLike<unknown>, fail: Fail): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = systemClock.after(maxHookMs, () =>
    late.reject(new Error(`not finished after ${maxHookMs / 1000} s`)),
  );
  try {
    await Promise.race([result, late.promise]);
  } catch (thrown) {
    fail(toFailure(thrown).message);
  } finally {
    systemClock.cancel(timer);
  }
}
