// Runs attempts with a clock that the test moves, and collects the records that they send.

import { task } from "../../src/api/task.ts";
import { registry } from "../../src/api/registry.ts";
import type { TaskContext } from "../../src/api/context.ts";
import { WorkerMemory } from "../../src/protocol/shared/worker-memory.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { type TaskRecord, unitItemMark } from "../../src/protocol/writer-records.ts";
import { completionsMark, unpackCompletions } from "../../src/protocol/codec/completions.ts";
import { Attempt, type AttemptDeps } from "../../src/worker/attempt.ts";
import { type Clock, systemClock, type Timer } from "../../src/base/clock.ts";
import { execute } from "../../src/worker/execute.ts";
import { Labels } from "../../src/worker/labels.ts";
import { RecordSender } from "../../src/worker/record-sender.ts";
import { UnitSender } from "../../src/worker/unit-sender.ts";

/** Timers fire when the test advances the time. */
export class HeldClock implements Clock {
  #now = 0;
  readonly #timers = new Map<Timer, { readonly at: number; readonly work: () => void }>();

  now(): number {
    return this.#now;
  }
  /** Set back by an hour at each read: no duration may be measured with it. */
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

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** In the wall time of `HeldClock`, which goes back: later than any attempt begins, so that none has waited. */
const dispatchedAt = 1_000_000_000_000;

type Run = (input: unknown, ctx: TaskContext) => unknown;

export class AttemptRig {
  readonly clock = new HeldClock();
  readonly posts: string[] = [];
  readonly #deps: AttemptDeps;
  #tasks = 0;

  /** @param maxLogLines see RunInfo */
  constructor(maxLogLines: number | null = 10_000) {
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
      maxInput: 0,
      labels: new Labels({ clock: this.clock, mask: undefined, say: () => undefined }),
      clock: this.clock,
      run: { id: 1, pipeline: "p" },
      maxLogLines,
      hasOwnTables: maxLogLines !== null,
      params: {},
      query: () => [],
      failedIn: new WeakMap(),
    };
  }

  /** The writer acknowledges all checkpoints so far. */
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
        wantsResult: "no",
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
      this.clock.now(),
      this.#deps,
      dispatchedAt,
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

/** What a call throws, or "accepted". */
export const refusal = async (call: () => unknown): Promise<string> => {
  try {
    await call();
  } catch (thrown) {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  }
  return "accepted";
};
