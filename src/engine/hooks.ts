// Calls a hook once for each event, one after the other and in order, beside the run. Synchronous hooks are called at once;
// what a slow one has not come to waits here, and past a bound the run waits for it.

import { systemClock } from "../base/clock.ts";
import { Promise, structuredClone } from "../base/globals.ts";
import { toFailure } from "../base/failure.ts";
import type { Pipeline } from "../api/pipeline.ts";
import type { TaskFinished } from "../protocol/events.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";

/** One call. What takes longer is left to itself, and the next one is called. */
const maxHookMs = 10_000;
/** As many events wait before the run does. */
const maxWaiting = 1000;

type Log = (level: LogLevel, line: string) => void;

/** A pipeline's `onTaskFinish` and `onFinish`. Each gets a copy: what it does to it reaches neither tasks nor the screen. */
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

  /** The pipeline has neither. */
  get isEmpty(): boolean {
    return this.#queue === undefined && this.#onFinish === undefined;
  }

  taskFinished(event: TaskFinished): void {
    this.#queue?.add(structuredClone(event));
  }

  /** Undefined while there is room for more events; else what resolves when there is. */
  get full(): Promise<void> | undefined {
    return this.#queue?.full;
  }

  /** Nobody waits for hooks any longer. */
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
  /** The first of `#waiting` that has not been called. */
  #next = 0;
  #isBusy = false;
  #isClosed = false;
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

  /** Undefined while there is room; else what resolves when there is. */
  get full(): Promise<void> | undefined {
    return this.#length < maxWaiting ? undefined : this.#room.promise;
  }

  get #length(): number {
    return this.#waiting.length - this.#next;
  }

  /**
   * Resolves when all have been called and are over, when the time is up, or when nobody wants to wait; then says how many
   * never were.
   * @param hurried resolves with why nobody wants to wait any longer
   */
  async close(hurried: Promise<string>): Promise<void> {
    const late = Promise.withResolvers<string>();
    const timer = systemClock.after(maxHookMs, () =>
      late.resolve(`the run has waited ${maxHookMs / 1000} s for it`),
    );
    const why = await Promise.race([this.#idle.promise, late.promise, hurried]);
    systemClock.cancel(timer);
    this.#isClosed = true;
    if (why === undefined) return;
    const events = this.#length === 1 ? "1 event" : `${this.#length} events`;
    if (this.#length > 0)
      this.#log("warn", `${this.#name} was not called for the last ${events}: ${why}`);
    else this.#log("warn", `${this.#name} was not waited for: ${why}`);
  }

  #call(event: Event): void {
    try {
      const result = this.#hook(event);
      if (!isThenable(result)) return;
      this.#isBusy = true;
      void bounded(this.#name, result, this.#log).then(() => this.#over());
    } catch (thrown) {
      failed(this.#name, thrown, this.#log);
    }
  }

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
 * Calls a hook that is called once. Bounded in time; a failure is logged and changes nothing.
 * @param hurried resolves with why nobody wants to wait any longer
 */
export async function callHook(
  name: string,
  hook: () => unknown,
  log: Log,
  hurried: Promise<string>,
): Promise<void> {
  try {
    const result = hook();
    if (!isThenable(result)) return;
    const why = await Promise.race([bounded(name, result, log), hurried]);
    if (why !== undefined) log("warn", `${name} was not waited for: ${why}`);
  } catch (thrown) {
    failed(name, thrown, log);
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value;

async function bounded(name: string, result: PromiseLike<unknown>, log: Log): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = systemClock.after(maxHookMs, () =>
    late.reject(new Error(`not finished after ${maxHookMs / 1000} s`)),
  );
  try {
    await Promise.race([result, late.promise]);
  } catch (thrown) {
    failed(name, thrown, log);
  } finally {
    systemClock.cancel(timer);
  }
}

const failed = (name: string, thrown: unknown, log: Log): void =>
  log("warn", `${name} failed: ${toFailure(thrown).message}`);
