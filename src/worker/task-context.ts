// The `ctx` of one attempt: checks the arguments of user code and passes its calls on to the attempt.
//
// Authors take `ctx` apart (`run(input, { progress, log })`), so its functions must not need their `this`. They are
// created on first use: most tasks use few of them.

import { JSON } from "../base/globals.ts";
import type { Log, QueryParam, TaskContext, TaskState } from "../api/context.ts";
import { formatParts } from "../base/captured-prints.ts";
import type { Attempt } from "./attempt.ts";
import { AttemptState } from "./attempt-state.ts";
import { describeValue } from "../base/describe-value.ts";
import { storedText } from "./stored-text.ts";
import { insertTarget, upsertTarget } from "./target-table.ts";

export class AttemptContext implements TaskContext {
  readonly attempt: number;
  readonly task: { readonly id: number; readonly name: string };
  readonly #attempt: Attempt;
  #progress: TaskContext["progress"] | undefined;
  #log: Log | undefined;
  #state: TaskState | undefined;
  #run: TaskContext["run"] | undefined;

  constructor(attempt: Attempt) {
    this.attempt = attempt.attempt;
    this.task = { id: attempt.id, name: attempt.assignment.name };
    this.#attempt = attempt;
  }

  /** The attempt that a context belongs to. */
  static attemptOf(ctx: TaskContext): Attempt {
    if (#attempt in ctx) return ctx.#attempt;
    throw new Error("Internal error: a task context is not of an attempt of this thread");
  }

  get run(): TaskContext["run"] {
    return (this.#run ??= runOf(this.#attempt));
  }
  get params(): TaskContext["params"] {
    return this.#attempt.deps.params;
  }
  get env(): TaskContext["env"] {
    return process.env;
  }
  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get progress(): TaskContext["progress"] {
    const attempt = this.#attempt;
    this.#progress ??= (step, total, message) => report(attempt, step, total, message);
    return this.#progress;
  }

  get log(): Log {
    const attempt = this.#attempt;
    this.#log ??= {
      debug: (...parts) => attempt.log.print("debug", formatParts(parts)),
      info: (...parts) => attempt.log.print("info", formatParts(parts)),
      warn: (...parts) => attempt.log.print("warn", formatParts(parts)),
      error: (...parts) => attempt.log.print("error", formatParts(parts)),
    };
    return this.#log;
  }

  get upsert(): TaskContext["upsert"] {
    const attempt = this.#attempt;
    return (table, rows, options) =>
      attempt.send("ctx.upsert", (sends) =>
        sends.rows(rows, upsertTarget(attempt.id, table, options)),
      );
  }

  get insert(): TaskContext["insert"] {
    const attempt = this.#attempt;
    return (table, rows, options) =>
      attempt.send("ctx.insert", (sends) =>
        sends.rows(rows, insertTarget(attempt.id, table, options)),
      );
  }

  get state(): TaskState {
    return (this.#state ??= new AttemptState(this.#attempt));
  }

  get emit(): TaskContext["emit"] {
    const attempt = this.#attempt;
    return (message, payload) => attempt.send("ctx.emit", (sends) => sends.emit(message, payload));
  }

  /**
   * While a checkpoint that is not awaited is being committed, later sends are encoded: the thread and the writer are both
   * busy then. The next checkpoint and the end of the task wait for it in any case.
   */
  get checkpoint(): TaskContext["checkpoint"] {
    const attempt = this.#attempt;
    return (cursor?: unknown) =>
      attempt.send("ctx.checkpoint", (sends) =>
        sends.checkpoint(storedText(cursor, "cursor", "checkpoint", "cursors", attempt.deps.mask)),
      );
  }

  get cursor(): unknown {
    const { cursor } = this.#attempt;
    return cursor === undefined ? undefined : JSON.parse(cursor);
  }

  get query(): TaskContext["query"] {
    const attempt = this.#attempt;
    return <Result>(sql: string, ...params: QueryParam[]) => {
      if (attempt.isEnded) throw attempt.refuse("ctx.query");
      if (typeof sql !== "string") {
        throw new TypeError(`ctx.query: the SQL is ${describeValue(sql)}; pass it as a string`);
      }
      attempt.queries("ctx.query");
      return attempt.deps.query(sql, params) as Result[];
    };
  }
}

/** A result that depends on the slot must not be taken by the run of another one. */
function runOf(attempt: Attempt): TaskContext["run"] {
  const { id, pipeline, slot } = attempt.deps.run;
  return Object.freeze({
    id,
    pipeline,
    get scheduledFor() {
      attempt.queries("ctx.run.scheduledFor");
      return slot?.scheduledFor ?? null;
    },
    get previous() {
      attempt.queries("ctx.run.previous");
      return slot?.previous ?? null;
    },
  });
}

function report(attempt: Attempt, step: unknown, total: unknown, message: unknown): void {
  if (typeof step !== "number" || typeof total !== "number") {
    throw new TypeError(
      `ctx.progress: step and total are numbers, not ${describeValue(typeof step === "number" ? total : step)}`,
    );
  }
  if (!(total > 0) || Number.isNaN(step)) return;
  const text = message === undefined || typeof message === "string" ? message : shown(message);
  if (attempt.isEnded) attempt.log.reportLate("ctx.progress");
  else attempt.report(step <= 0 ? 0 : step >= total ? 1 : step / total, text);
}

/** A progress message that is not a string, as text. */
function shown(message: unknown): string {
  try {
    return String(message);
  } catch (thrown) {
    throw new TypeError(
      `ctx.progress: the message is ${describeValue(message)} that cannot be shown as text`,
      { cause: thrown },
    );
  }
}
