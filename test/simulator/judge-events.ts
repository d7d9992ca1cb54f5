// Judges the events and the tasks' own observations: order, attempts, failures, inputs, limits.

import type { TaskFinished, TaskRetrying } from "../../src/protocol/events.ts";
import type { Failure } from "../../src/base/failure.ts";
import { isOutdated } from "./code.ts";
import { check, type Evidence, type Seen } from "./evidence.ts";
import { labelOf, shownInputOf } from "./paper.ts";
import { knownNodes } from "./script.ts";
import type { Trace } from "./stage.ts";

export class EventJudge {
  readonly #of: Evidence;
  readonly #seen: Seen;

  constructor(of: Evidence) {
    this.#of = of;
    this.#seen = of.seen;
  }

  all(): void {
    this.#order();
    this.#attempts();
    this.#inputs();
    this.#items();
    this.#rates();
    this.#priorities();
  }

  #order(): void {
    const { events, end } = this.#seen;
    const starts = events.filter(({ type }) => type === "run-started").length;
    const ends = events.filter(({ type }) => type === "run-finished").length;
    check(starts <= 1, () => `${starts} run-started events`);
    check(ends <= 1, () => `${ends} run-finished events`);
    if (events.length > 0) {
      check(events[0]?.type === "run-started", () => `the first event is ${events[0]?.type}`);
    }
    if (end.how === "killed") return;
    check(ends === starts, () => `${starts} run-started and ${ends} run-finished events`);
    if (ends > 0) {
      const last = events.at(-1)?.type;
      check(last === "run-finished", () => `the last event is ${last}`);
    }
  }

  /** An event of a task that has run says which one it is. */
  #items(): void {
    const { events, scenario } = this.#seen;
    for (const event of events) {
      if (event.type !== "task-started" && event.type !== "task-finished") continue;
      const { name, input, label } = event;
      const whole = this.#of.model.instances.get(name)?.input;
      if (event.type === "task-finished" && event.status !== "done") continue;
      if (whole === undefined) continue;
      const right = shownInputOf(whole, scenario);
      check(input === right, () => `an event of ${name} has the input ${input}, not ${right}`);
      // The name of a node says enough, where it has no label.
      const title = labelOf(name, scenario) ?? "";
      check(label === title, () => `an event of ${name} has the label ${label}, not ${title}`);
    }
  }

  /** Per task: attempt numbers increase, an attempt starts before it ends, and no attempt follows the task's end. */
  #attempts(): void {
    const over = new Set<number>();
    const attempts = new Map<number, number>();
    for (const event of this.#seen.events) {
      if (event.type === "task-started" || event.type === "task-retrying") {
        const { id, name, attempt } = event;
        this.#of.names.set(id, name);
        check(!over.has(id), () => `${event.type} of ${name} after its end`);
        const last = attempts.get(id) ?? 0;
        const least = event.type === "task-started" ? last + 1 : last;
        check(attempt >= least, () => `attempt ${attempt} of ${name} after attempt ${last}`);
        attempts.set(id, attempt);
      } else if (event.type === "task-finished") {
        over.add(event.id);
        this.#of.names.set(event.id, event.name);
        this.#justified(event);
      }
      if (event.type === "task-retrying") this.#retrying(event);
    }
    for (const trace of this.#seen.stage.traces) {
      check(!trace.acceptedLate, () => `ctx of ${trace.path} took something in after its end`);
    }
    this.#noAttemptAfterEnd();
    this.#checkpoints();
  }

  /** `ctx.checkpoint` resolves exactly if the checkpoint was committed. */
  #checkpoints(): void {
    const { events, stage, end, storeFailed } = this.#seen;
    const committed = new Set<string>();
    for (const event of events) {
      if (event.type === "task-checkpoint") committed.add(`${event.id} ${event.cursor}`);
    }
    for (const { path, task, checkpoints } of stage.traces) {
      for (const { cursor, isCommitted } of checkpoints) {
        const is = committed.has(`${task} ${cursor}`);
        check(isCommitted || !is, () => `${path} was told that ${cursor} is refused`);
        // A process that dies may not have announced the commit.
        const mayLack = end.how === "killed" || storeFailed;
        check(
          is || !isCommitted || mayLack,
          () => `${path} was told that ${cursor} is committed, but this was not announced`,
        );
      }
    }
  }

  #noAttemptAfterEnd(): void {
    const doneBefore = new Set<number>();
    for (const row of this.#seen.before?.tasks ?? [])
      if (row.status === "done" && !isOutdated(this.#seen.code, row) && !this.#of.runsAgain(row))
        doneBefore.add(row.id);
    for (const { task, path } of this.#seen.stage.traces) {
      check(!doneBefore.has(task), () => `${path} was done in an earlier session, and runs again`);
      check(
        this.#of.failedBefore(task) === undefined,
        () => `${path} is optional and failed in an earlier session, and runs again`,
      );
    }
  }

  #justified(event: TaskFinished): void {
    const { name, status, failure, attempt } = event;
    if (status === "done")
      return check(failure === undefined, () => `${name} is done, with a failure`);
    check(failure !== undefined, () => `${name} is ${status}, without a failure`);
    if (failure === undefined) return;
    if (status === "skipped") {
      return check(failure.name === "Skipped", () => `${name} is skipped: ${failure.name}`);
    }
    if (status === "cancelled") {
      return check(this.#of.isStopped, () => `${name} is cancelled, but the run was not`);
    }
    const before = this.#of.failedBefore(event.id);
    if (before !== undefined) {
      const stored = JSON.parse(before.error ?? "null") as Failure;
      // A long failure is announced without its stack.
      return check(
        stored.name === failure.name && stored.message === failure.message,
        () => `${name} failed in an earlier session, but another failure was announced`,
      );
    }
    this.#failureJustified(event, failure);
    this.#timeJustified(event, failure);
    const limit = this.#of.settingsOf(name).settings.retries?.limit ?? 0;
    const interruptions = this.#interruptionsBefore(event) + this.#interruptions(event.id);
    check(
      attempt > limit + interruptions,
      () =>
        `${name} failed for good in attempt ${attempt}, and has ${limit} retries after ${interruptions} interruptions`,
    );
  }

  /** Attempts of earlier sessions that used up no retry, where the task goes on after them. */
  #interruptionsBefore({ id, attempt }: TaskFinished): number {
    const { before, events } = this.#seen;
    // The start of an attempt that fails at once is not announced.
    const [first = attempt] = events.flatMap((event) =>
      (event.type === "task-started" || event.type === "task-retrying") && event.id === id
        ? [event.attempt]
        : [],
    );
    const passed = first - 1;
    // One that the end of a session has interrupted is there again.
    const outcomes = new Map(
      before?.attempts
        .filter((row) => row.task_id === id && row.attempt <= passed)
        .map((row) => [row.attempt, row.outcome]),
    );
    return [...outcomes.values()].filter((outcome) => outcome === "interrupted").length;
  }

  /** An attempt interrupted by another task's fault increases the attempt number but uses no retry. Its log says so. */
  #interruptions(id: number): number {
    return this.#seen.events.filter(
      (event) =>
        event.type === "task-log" && event.id === id && / was interrupted: /.test(event.line),
    ).length;
  }

  #retrying(event: TaskRetrying): void {
    const { id, name, attempt, at, retryAt } = event;
    const { settings, kind } = this.#of.settingsOf(name);
    const { retries } = settings;
    check(
      retries !== undefined && attempt <= this.#mostAttempts(id, retries.limit),
      () => `${name} is tried again after attempt ${attempt}, beyond its retries`,
    );
    if (retries === undefined) return;
    const most = Math.min(retries.delay * retries.factor ** (attempt - 1), 60_000);
    const wait = retryAt - at;
    const asked = kind.settings.retries === undefined ? undefined : kind.after;
    const isAsked = typeof asked === "number";
    // Only what the task has thrown is sure to be asked about: rows that cannot be committed fail after that.
    const mayBeComputed = !isAsked || event.failure.name !== "Planned";
    check(
      (isAsked && wait === asked) || (mayBeComputed && wait >= 0 && wait <= most + 1),
      () =>
        `${name} waits ${wait} ms after attempt ${attempt}; ${isAsked ? `it asks for ${asked} ms` : `at most ${most} is right`}`,
    );
    this.#failureJustified(event, event.failure);
    this.#timeJustified(event, event.failure);
  }

  /** Timeouts use elapsed monotonic time, not the wall clock. */
  #timeJustified({ id, name, attempt }: TaskFinished | TaskRetrying, failure: Failure): void {
    const { timeout } = this.#of.settingsOf(name).settings;
    if (failure.name !== "TimeoutError" || timeout === undefined) return;
    const trace = this.#seen.stage.traces.findLast(
      (each) => each.task === id && each.attempt === attempt,
    );
    if (trace?.overAt === undefined || trace.isGivenUp) return;
    const took = trace.overAt - trace.begunAt;
    check(
      took > timeout - 1,
      () => `${name} timed out after ${took} ms, and its timeout is ${timeout} ms`,
    );
  }

  #mostAttempts(id: number, limit: number): number {
    const { incidents } = this.#seen.session;
    const isTroubled = incidents.some(({ what }) => what === "death" || what === "engine");
    const ends = this.#seen.scenario.kinds.some(({ steps }) =>
      steps.some(({ op }) => op === "exit" || op === "hang"),
    );
    if (isTroubled || ends || this.#seen.before !== undefined) return Number.POSITIVE_INFINITY;
    return limit + this.#interruptions(id);
  }

  #failureJustified({ name }: { name: string }, failure: Failure): void {
    const { kind, settings } = this.#of.settingsOf(name);
    const ops = new Set(kind.steps.map(({ op }) => op));
    const text = `${failure.name}: ${failure.message}`;
    // A thread of a machine may be one of an earlier session.
    const isDeath = [this.#seen.session, ...this.#seen.scenario.sessions].some(({ incidents }) =>
      incidents.some(({ what }) => what === "death"),
    );
    const someExit = this.#seen.scenario.kinds.some(({ steps }) =>
      steps.some(({ op }) => op === "exit"),
    );
    const isRight =
      (failure.name === "Planned" && text.includes("as planned")) ||
      (failure.name === "TimeoutError" && settings.timeout !== undefined) ||
      (ops.has("conflict") && /UNIQUE|uniq/.test(text)) ||
      (ops.has("orphan") && /FOREIGN KEY/.test(text)) ||
      (ops.has("rollback") && /ROLLBACK|UNIQUE|uniq/.test(text)) ||
      (kind.failBy === "result" && /result\.deep\[0\] is a Date/.test(text)) ||
      (kind.failBy === "secret" && /result\.deep\[0\] holds the value of the secret/.test(text)) ||
      (ops.has("unseen") && /rows\[0\]/.test(text)) ||
      (/Worker(?:Exit|Crash)/.test(failure.name) && (isDeath || someExit)) ||
      (failure.name === "WorkerExit" && ops.has("exit"));
    check(isRight, () => `${name} failed by itself: ${text}`);
  }

  /** Each attempt's input equals the model's. */
  #inputs(): void {
    for (const trace of this.#seen.stage.traces) {
      const { input } = this.#of.instance(trace.path);
      check(input !== undefined, () => `${trace.path} ran, and what it depends on is not there`);
      check(
        input === trace.input,
        () => `${trace.path} was given ${trace.input}, and ${input} is right`,
      );
      this.#cursor(trace);
    }
  }

  #cursor({ path, task, cursor, kind, reads }: Trace): void {
    if (cursor !== undefined) {
      const { id, code } = cursor as { id?: unknown; code?: unknown };
      check(id === path, () => `the cursor of ${path} is ${JSON.stringify(cursor)}`);
      const { versions, keeps, everKept } = this.#seen.code;
      check(
        code === versions[kind] || everKept.has(kind) || keeps.includes(kind),
        () =>
          `${path} began at a cursor of version ${String(code)}, and its code is ${versions[kind]}`,
      );
    }
    const earlier = this.#of.rounds.earlier.get(task)?.ins.length ?? 0;
    for (const read of reads) {
      const { least, most } = read;
      const rows = read.rows - earlier;
      check(
        rows >= least && rows <= most,
        () => `${path} read ${rows} of its rows, and ${least} to ${most} are right`,
      );
    }
  }

  #rates(): void {
    const { scenario, stage } = this.#seen;
    for (const [name, { limit, per }] of Object.entries(scenario.pools)) {
      if (per === undefined) continue;
      const starts = stage.dispatches.filter((dispatch) => this.#poolOf(dispatch.name) === name);
      for (let i = limit; i < starts.length; i++) {
        const span = (starts[i]?.at ?? 0) - (starts[i - limit]?.at ?? 0);
        // `span` is in whole ms, so it may be up to 1 ms short.
        check(
          span > per - 1,
          () =>
            `${limit + 1} tasks of the pool ${name} started in ${span} ms, and ${limit} may in ${per}`,
        );
      }
    }
  }

  #poolOf(path: string): string | undefined {
    return this.#of.model.instances.get(path)?.settings.pool;
  }

  /** Among tasks that are ready at the start, higher priorities are dispatched first. */
  #priorities(): void {
    const { scenario, session, stage, before } = this.#seen;
    if (scenario.form !== "list" || before !== undefined) return;
    const known = knownNodes(scenario, session);
    const taken = new Set<number>();
    let last = Number.POSITIVE_INFINITY;
    for (const { id, name } of stage.dispatches) {
      const index = Number(/^n(\d+)$/.exec(name)?.[1]);
      const expr = known.has(index) ? scenario.nodes[index] : undefined;
      if (expr === undefined || !("task" in expr) || taken.has(id)) continue;
      if (!("value" in expr.task.input) || expr.task.after !== undefined) continue;
      taken.add(id);
      const { settings } = this.#of.instance(name);
      if (settings.pool !== undefined) continue;
      const priority = settings.priority ?? 0;
      check(
        priority <= last,
        () => `${name} has priority ${priority} and started after one of ${last}`,
      );
      last = priority;
    }
  }
}
