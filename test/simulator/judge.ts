// Holds what was seen against what must be. Each check throws a Finding that says what is wrong, in the documentation's
// words.

import type { RunEvent, TaskFinished, TaskRetrying } from "../../src/protocol/events.ts";
import type { Failure } from "../../src/protocol/failure.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import { taskKey } from "../../src/protocol/task-key.ts";
import type { FileContent, TaskRow } from "./file.ts";
import { type Instance, Model, type Status } from "./model.ts";
import {
  insertedText,
  insertsOf,
  notesOf,
  resultOf,
  segmentsOf,
  upsertsOf,
  type TaskInput,
} from "./paper.ts";
import type { Kind, Scenario, Session } from "./scenario.ts";
import { kindName, secret } from "./script.ts";
import type { Stage, Trace } from "./stage.ts";
import { Finding } from "./world.ts";

/** What came of one process. */
export type Seen = {
  readonly scenario: Scenario;
  readonly session: Session;
  readonly stage: Stage;
  readonly events: readonly RunEvent[];
  readonly output: readonly string[];
  readonly end:
    | { readonly how: "summary"; readonly summary: RunSummary }
    /** `start` threw. */
    | { readonly how: "refused"; readonly failure: Failure }
    | { readonly how: "killed" };
  /** The disk failed, or the writer's thread ended. */
  readonly storeFailed: boolean;
  /** Another program held the file for a while. */
  readonly wasLocked: boolean;
  readonly before: FileContent | undefined;
  readonly after: FileContent;
  readonly left: readonly string[];
  /** By the monotonic clock. */
  readonly startedMs: number;
  readonly endedMs: number;
};

/** For what a run does beside its tasks, a task that does not listen, and hooks. */
const slackMs = 60_000;

const check = (isRight: boolean, what: () => string): void => {
  if (!isRight) throw new Finding(what());
};

export function judge(seen: Seen): void {
  new Judge(seen).all();
}

class Judge {
  readonly #seen: Seen;
  readonly #finished = new Map<number, TaskFinished>();
  readonly #names = new Map<number, string>();
  readonly #model: Model;
  readonly #rowsByName = new Map<string, TaskRow[]>();

  constructor(seen: Seen) {
    this.#seen = seen;
    for (const row of seen.after.tasks) {
      const rows = this.#rowsByName.get(row.name) ?? [];
      rows.push(row);
      this.#rowsByName.set(row.name, rows);
    }
    for (const event of seen.events) {
      if (event.type !== "task-finished") continue;
      check(!this.#finished.has(event.id), () => `task ${event.name} was announced as ended twice`);
      this.#finished.set(event.id, event);
    }
    this.#model = new Model(seen.scenario, seen.session, (path, kind, input) =>
      this.#statusOf(path, kind, input),
    );
  }

  /**
   * By name and input: a task whose input has become another one (what was optional and failed has a result now) is another
   * task, and the one before stays in the file.
   */
  #statusOf(path: string, kind: number, input: string | undefined): Status | undefined {
    if (!this.#seen.scenario.storeTaskStatus) {
      for (const { name, status } of this.#finished.values()) if (name === path) return status;
      return undefined;
    }
    const rows = this.#rowsByName.get(path) ?? [];
    if (input === undefined) return rows.find(({ key }) => !key.includes(":"))?.status;
    const wanted = taskKey(kindName(kind), input);
    return rows.find(({ key }) => key === wanted)?.status;
  }

  all(): void {
    const { end } = this.#seen;
    this.#noInternalError();
    this.#noSecret();
    check(this.#seen.after.integrity === "ok", () => `integrity: ${this.#seen.after.integrity}`);
    this.#order();
    this.#attempts();
    this.#inputs();
    this.#announcedIsInTheFile();
    this.#rows();
    this.#rates();
    this.#priorities();
    if (end.how === "refused") return this.#refused(end.failure);
    if (end.how === "summary") this.#ended(end.summary);
  }

  // ── words ──

  #noInternalError(): void {
    const { events, output, end } = this.#seen;
    const all = [JSON.stringify(events), ...output, JSON.stringify(end)];
    for (const text of all) {
      const at = text.search(/Internal error|a bug in pipeloom/);
      check(at < 0, () => `an internal error: ${text.slice(at, at + 200)}`);
    }
  }

  #noSecret(): void {
    const { events, output, end, after } = this.#seen;
    const own = { runs: after.runs, tasks: after.tasks, logs: after.logs };
    for (const [what, text] of Object.entries({
      events: JSON.stringify(events),
      output: output.join("\n"),
      end: JSON.stringify(end),
      file: JSON.stringify(own),
    })) {
      check(!text.includes(secret), () => `the secret is in the ${what}`);
    }
  }

  // ── events ──

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

  /** Of each task: its attempts are counted up, each starts before it ends, and after its end there is none. */
  #attempts(): void {
    const over = new Set<number>();
    const attempts = new Map<number, number>();
    for (const event of this.#seen.events) {
      if (event.type === "task-started" || event.type === "task-retrying") {
        const { id, name, attempt } = event;
        this.#names.set(id, name);
        check(!over.has(id), () => `${event.type} of ${name} after its end`);
        const last = attempts.get(id) ?? 0;
        const least = event.type === "task-started" ? last + 1 : last;
        check(attempt >= least, () => `attempt ${attempt} of ${name} after attempt ${last}`);
        attempts.set(id, attempt);
      } else if (event.type === "task-finished") {
        over.add(event.id);
        this.#names.set(event.id, event.name);
        this.#justified(event);
      }
      if (event.type === "task-retrying") this.#retrying(event);
    }
    for (const trace of this.#seen.stage.traces) {
      check(!trace.acceptedLate, () => `ctx of ${trace.path} took something in after its end`);
    }
    this.#noAttemptAfterDone();
  }

  #noAttemptAfterDone(): void {
    const doneBefore = new Set<number>();
    for (const { id, status } of this.#seen.before?.tasks ?? [])
      if (status === "done") doneBefore.add(id);
    for (const { task, path } of this.#seen.stage.traces) {
      check(!doneBefore.has(task), () => `${path} was done in an earlier session, and runs again`);
    }
  }

  #settings(path: string): { settings: Instance["settings"]; kind: Kind } {
    const instance = this.#instance(path);
    return { settings: instance.settings, kind: this.#kindOf(instance) };
  }

  #instance(path: string): Instance {
    const instance = this.#model.instances.get(path);
    if (instance === undefined) throw new Finding(`${path} ran, and is not in the plan`);
    return instance;
  }

  #kindOf({ kind }: Instance): Kind {
    return this.#kindAt(kind);
  }

  #kindAt(kind: number): Kind {
    const found = this.#seen.scenario.kinds[kind];
    if (found === undefined) throw new Error(`Internal error: no kind ${kind}`);
    return found;
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
      return check(this.#isStopped, () => `${name} is cancelled, and nobody cancelled the run`);
    }
    this.#failureJustified(event, failure);
    this.#timeJustified(event, failure);
    const limit = this.#settings(name).settings.retries?.limit ?? 0;
    check(
      attempt > limit,
      () => `${name} failed for good in attempt ${attempt}, and has ${limit} retries`,
    );
  }

  get #isStopped(): boolean {
    return (
      this.#seen.session.failFast ||
      this.#seen.session.incidents.some(({ what }) => what === "cancel" || what === "asked")
    );
  }

  #retrying(event: TaskRetrying): void {
    const { name, attempt, at, retryAt } = event;
    const retries = this.#settings(name).settings.retries;
    check(
      retries !== undefined && attempt <= this.#mostAttempts(retries.limit),
      () => `${name} is tried again after attempt ${attempt}, beyond its retries`,
    );
    if (retries === undefined) return;
    const most = Math.min(retries.delay * retries.factor ** (attempt - 1), 60_000);
    const wait = retryAt - at;
    check(
      wait >= 0 && wait <= most + 1,
      () => `${name} waits ${wait} ms after attempt ${attempt}, and at most ${most} is right`,
    );
    this.#failureJustified(event, event.failure);
    this.#timeJustified(event, event.failure);
  }

  /** A timeout is by the time that has passed, whatever the wall clock shows. */
  #timeJustified({ id, name, attempt }: TaskFinished | TaskRetrying, failure: Failure): void {
    const { timeout } = this.#settings(name).settings;
    if (failure.name !== "TimeoutError" || timeout === undefined) return;
    const trace = this.#seen.stage.traces.findLast(
      (each) => each.task === id && each.attempt === attempt,
    );
    if (trace?.overAt === undefined) return;
    const took = trace.overAt - trace.begunAt;
    check(
      took > timeout - 1,
      () => `${name} timed out after ${took} ms, and its timeout is ${timeout} ms`,
    );
  }

  /** An attempt that was interrupted by another's fault counts up and is not charged. */
  #mostAttempts(limit: number): number {
    const { incidents } = this.#seen.session;
    const isTroubled = incidents.some(({ what }) => what === "death");
    const ends = this.#seen.scenario.kinds.some(({ steps }) =>
      steps.some(({ op }) => op === "exit" || op === "hang"),
    );
    return isTroubled || ends || this.#seen.before !== undefined ? Number.POSITIVE_INFINITY : limit;
  }

  #failureJustified({ name }: { name: string }, failure: Failure): void {
    const { kind, settings } = this.#settings(name);
    const ops = new Set(kind.steps.map(({ op }) => op));
    const text = `${failure.name}: ${failure.message}`;
    const { incidents } = this.#seen.session;
    const isDeath = incidents.some(({ what }) => what === "death");
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
      (ops.has("unseen") && /rows\[0\]/.test(text)) ||
      (/Worker(?:Exit|Crash)/.test(failure.name) && (isDeath || someExit)) ||
      (failure.name === "WorkerExit" && ops.has("exit"));
    check(isRight, () => `${name} failed by itself: ${text}`);
  }

  // ── values ──

  /** Each attempt was given what its author would work out on paper. */
  #inputs(): void {
    for (const trace of this.#seen.stage.traces) {
      const { input } = this.#instance(trace.path);
      check(input !== undefined, () => `${trace.path} ran, and what it depends on is not there`);
      check(
        input === trace.input,
        () => `${trace.path} was given ${trace.input}, and ${input} is right`,
      );
      this.#cursor(trace);
    }
  }

  #cursor({ path, task, cursor, read }: Trace): void {
    // What a task sends after its function has returned, and before its end, may still be part of it.
    const isTainted = this.#seen.stage.traces.some(
      (trace) => trace.task === task && trace.sentAfterReturn,
    );
    if (cursor !== undefined && !isTainted) {
      const { id } = cursor as { id?: unknown };
      check(id === path, () => `the cursor of ${path} is ${JSON.stringify(cursor)}`);
    }
    if (read !== undefined) check(read.n >= 0, () => `${path} read ${read.n} rows`);
  }

  // ── the file ──

  #announcedIsInTheFile(): void {
    const { scenario, after, events } = this.#seen;
    if (!scenario.storeTaskStatus) return;
    const rows = new Map(after.tasks.map((row) => [row.id, row]));
    for (const event of this.#finished.values()) {
      const row = rows.get(event.id);
      if (row === undefined)
        throw new Finding(`${event.name} was announced as ${event.status} and is not in the file`);
      check(
        row.status === event.status,
        () => `${event.name} was announced as ${event.status} and is ${row.status} in the file`,
      );
      check(
        row.attempt === event.attempt,
        () =>
          `${event.name}: attempt ${event.attempt} was announced, ${row.attempt} is in the file`,
      );
      if (event.result !== undefined) {
        check(
          row.result === event.result,
          () => `${event.name}: result ${event.result} was announced, ${row.result} is in the file`,
        );
      }
    }
    for (const event of events) {
      if (event.type !== "task-checkpoint") continue;
      const row = rows.get(event.id);
      check(
        row !== undefined && row.cursor !== null,
        () => `a checkpoint of task ${event.id} was announced and is not in the file`,
      );
    }
    this.#logsInTheFile();
    for (const row of after.tasks) this.#row(row);
  }

  #logsInTheFile(): void {
    const stored = new Map<string, number>();
    for (const { task_id: id, attempt, line } of this.#seen.after.logs) {
      const at = `${id} ${attempt} ${line}`;
      stored.set(at, (stored.get(at) ?? 0) + 1);
    }
    for (const event of this.#seen.events) {
      if (event.type !== "task-log") continue;
      const at = `${event.id} ${event.attempt} ${event.line}`;
      const left = stored.get(at) ?? 0;
      check(left > 0, () => `a line of the log was announced and is not in the file: ${at}`);
      stored.set(at, left - 1);
    }
  }

  #row({ name, key, status, result }: TaskRow): void {
    const instance = this.#model.instances.get(name);
    if (instance?.input === undefined || status !== "done") return;
    if (key !== taskKey(kindName(instance.kind), instance.input)) return;
    const kind = this.#kindOf(instance);
    const right = JSON.stringify(this.#result(kind, instance));
    check(result === right, () => `the result of ${name} is ${result}, and ${right} is right`);
  }

  #result(kind: Kind, { kind: index, input }: Instance): unknown {
    return resultOf(kind, index, JSON.parse(input ?? "null") as TaskInput);
  }

  /** Rows of each task: all of what is committed, once, and nothing of the rest. */
  #rows(): void {
    const { after, scenario, end } = this.#seen;
    // Without stored status only the events say what was committed, and a killed process may not have come to tell.
    if (!scenario.storeTaskStatus && end.how === "killed") return;
    const ins = groupBy(after.ins);
    const ups = groupBy(after.ups);
    const notes = groupBy(after.notes);
    const late = groupBy(after.late);
    check(after.orphans === 0, () => "a row without its parent was committed");
    check(after.uniq === 0, () => "a unit that did not fit has left rows");
    for (const { id, name, key, segments, isDone } of this.#committed()) {
      const isCurrent = ({ kind, input }: Instance): boolean =>
        key === undefined || (input !== undefined && key === taskKey(kindName(kind), input));
      const instance = this.#model.instances.get(name);
      const tainted = this.#seen.stage.traces.some(
        (trace) => trace.task === id && trace.sentAfterReturn,
      );
      const inserted = ins.get(id) ?? [];
      const upserted = ups.get(id) ?? [];
      const sent = notes.get(id) ?? [];
      for (const table of [ins, ups, notes]) table.delete(id);
      if (instance === undefined || tainted) continue;
      const kind = this.#kindOf(instance);
      const count = isDone ? segmentsOf(kind) : segments;
      same(`rows of ${name} that were inserted`, places(inserted), insertsOf(kind, count));
      same(`messages of ${name}`, places(sent), notesOf(kind, count));
      if (instance.input === undefined || !isCurrent(instance)) continue;
      const input = JSON.parse(instance.input) as TaskInput;
      same(
        `rows of ${name} that were upserted`,
        upserted.map(showStored),
        upsertsOf(kind, input, id, count).map(showStored),
      );
      const text = insertedText(input);
      const wrong = inserted.find((row) => row.text !== text);
      check(
        wrong === undefined,
        () =>
          `a row of ${name} has ${JSON.stringify(wrong?.text)}, and ${JSON.stringify(text)} is right`,
      );
    }
    for (const table of [ins, ups, notes]) {
      for (const [id, rows] of table) {
        check(
          rows.length === 0,
          () =>
            `${rows.length} rows of task ${id} (${this.#names.get(id)}), which the file does not know`,
        );
      }
    }
    for (const [id, rows] of late) {
      const all = rows.map((row) => JSON.stringify(row));
      check(
        new Set(all).size === all.length,
        () => `rows that task ${id} sent late are there twice`,
      );
    }
  }

  *#committed(): Generator<Committed> {
    const { scenario, after, events } = this.#seen;
    if (scenario.storeTaskStatus) {
      for (const { id, name, key, status, cursor } of after.tasks) {
        yield { id, name, key, segments: segmentOf(cursor), isDone: status === "done" };
      }
      return;
    }
    const cursors = new Map<number, string>();
    for (const event of events)
      if (event.type === "task-checkpoint") cursors.set(event.id, event.cursor);
    for (const [id, name] of this.#names) {
      const isDone = this.#finished.get(id)?.status === "done";
      yield { id, name, key: undefined, segments: segmentOf(cursors.get(id) ?? null), isDone };
    }
  }

  // ── limits and order ──

  #rates(): void {
    const { scenario, stage } = this.#seen;
    for (const [name, { limit, per }] of Object.entries(scenario.pools)) {
      if (per === undefined) continue;
      const starts = stage.dispatches.filter((dispatch) => this.#poolOf(dispatch.name) === name);
      for (let i = limit; i < starts.length; i++) {
        const span = (starts[i]?.at ?? 0) - (starts[i - limit]?.at ?? 0);
        // Told in whole milliseconds, which may have just begun.
        check(
          span > per - 1,
          () =>
            `${limit + 1} tasks of the pool ${name} started in ${span} ms, and ${limit} may in ${per}`,
        );
      }
    }
  }

  #poolOf(path: string): string | undefined {
    return this.#model.instances.get(path)?.settings.pool;
  }

  /** Of what is ready from the beginning, the higher priority goes first. */
  #priorities(): void {
    const { scenario, stage, before } = this.#seen;
    if (scenario.form !== "list" || before !== undefined) return;
    const taken = new Set<number>();
    let last = Number.POSITIVE_INFINITY;
    for (const { id, name } of stage.dispatches) {
      const index = /^n(\d+)$/.exec(name)?.[1];
      const expr = index === undefined ? undefined : scenario.nodes[Number(index)];
      if (expr === undefined || !("task" in expr) || taken.has(id)) continue;
      if (!("value" in expr.task.input) || expr.task.after !== undefined) continue;
      taken.add(id);
      const { settings } = this.#instance(name);
      if (settings.pool !== undefined) continue;
      const priority = settings.priority ?? 0;
      check(
        priority <= last,
        () => `${name} has priority ${priority} and started after one of ${last}`,
      );
      last = priority;
    }
  }

  // ── ends ──

  /** Before anything is written, or because the disk failed then. */
  #refused(failure: Failure): void {
    const { events, storeFailed, stage } = this.#seen;
    check(
      events.length === 0,
      () => `start threw after ${events.length} events: ${failure.message}`,
    );
    check(stage.traces.length === 0, () => `start threw after tasks had begun: ${failure.message}`);
    check(storeFailed, () => `start threw: ${failure.name}: ${failure.message}\n${failure.stack}`);
  }

  #ended(summary: RunSummary): void {
    const { scenario, after, storeFailed, events } = this.#seen;
    const finished = events.at(-1);
    check(
      finished?.type === "run-finished" && finished.status === summary.status,
      () =>
        `the run was announced as ${JSON.stringify(finished)}, and the summary says ${summary.status}`,
    );
    this.#counts(summary);
    this.#hooks(summary);
    const run = after.runs.at(-1);
    if (storeFailed && summary.failure !== null) {
      check(summary.status === "error", () => `the store failed, and the run is ${summary.status}`);
      return;
    }
    if (scenario.storeTaskStatus) {
      check(
        run?.status === summary.status,
        () => `the run is ${run?.status} in the file, and ${summary.status} in the summary`,
      );
    }
    check(
      this.#seen.left.length === 0 || this.#seen.wasLocked,
      () => `left beside the file: ${this.#seen.left.join(", ")}`,
    );
    if (this.#isStopped && summary.status !== "done") return;
    this.#complete(summary);
  }

  #counts(summary: RunSummary): void {
    const counts = { done: summary.alreadyDone, error: 0, cancelled: 0, skipped: 0 };
    for (const { status } of this.#finished.values()) counts[status]++;
    const { done, failed, cancelled, skipped, queued, total } = summary;
    const told = { done, error: failed, cancelled, skipped };
    check(
      Bun.deepEquals(told, counts),
      () =>
        `the summary says ${JSON.stringify(told)}, and ${JSON.stringify(counts)} were announced`,
    );
    const sum = done + failed + cancelled + skipped + queued;
    check(sum === total, () => `the summary's total is ${total}, and its parts are ${sum}`);
  }

  #hooks(summary: RunSummary): void {
    const { stage } = this.#seen;
    const hooked = [...stage.hookedIds].toSorted((a, b) => a - b);
    const ended = [...this.#finished.keys()].toSorted((a, b) => a - b);
    check(
      Bun.deepEquals(hooked, ended),
      () => `onTaskFinish was called for ${hooked.join()}, and ${ended.join()} have ended`,
    );
    check(
      stage.hooksUnderWayAtEnd === 0,
      () => `the run ended with ${stage.hooksUnderWayAtEnd} calls of onTaskFinish under way`,
    );
    check(
      Bun.deepEquals(stage.hookedSummary, summary) || summary.failure !== null,
      () => `onFinish was given another summary: ${JSON.stringify(stage.hookedSummary)}`,
    );
  }

  /** The run went on to its end: everything planned has ended, as the model says. */
  #complete(summary: RunSummary): void {
    const { scenario, after } = this.#seen;
    const { instances, badFans } = this.#model;
    const hasFailed = [...instances.values()].some(
      ({ path, kind, input, settings }) =>
        this.#statusOf(path, kind, input) === "error" && settings.optional !== true,
    );
    const right = hasFailed || badFans.length > 0 ? "error" : "done";
    check(summary.status === right, () => `the run is ${summary.status}, and ${right} is right`);
    for (const { path, kind, isSkipped, input } of instances.values()) {
      const status = this.#statusOf(path, kind, input);
      if (isSkipped) check(status === "skipped", () => `${path} is ${status}, and must be skipped`);
      else {
        check(input !== undefined, () => `${path} has never become ready, and the run is over`);
        check(
          status === "done" || status === "error",
          () => `${path} is ${status}, and the run is over`,
        );
      }
    }
    check(summary.queued === 0, () => `${summary.queued} tasks are queued, and the run is over`);
    if (scenario.storeTaskStatus) {
      const open = after.tasks.filter(({ status }) => status === "queued" || status === "running");
      check(
        open.length === 0,
        () =>
          `the run is over, and ${open.map(({ name, status }) => `${name} is ${status}`).join()}`,
      );
    }
    this.#logsComplete();
    this.#inTime();
  }

  /** No longer than if all had run one after the other: nothing waits for a clock that was set back. */
  #inTime(): void {
    const { stage, events, scenario, startedMs, endedMs } = this.#seen;
    let most = slackMs + stage.world.events * (scenario.pace.messageMs + scenario.pace.mainMs);
    for (const { begunAt, overAt, kind, path } of stage.traces) {
      const timeout = stage.settings.get(path)?.timeout ?? this.#kindAt(kind).settings.timeout ?? 0;
      most += (overAt ?? begunAt) - begunAt + timeout;
    }
    for (const event of events) {
      if (event.type === "task-retrying") most += Math.max(event.retryAt - event.at, 0);
    }
    for (const { per } of Object.values(scenario.pools)) {
      most += (per ?? 0) * (stage.dispatches.length + 1);
    }
    const took = endedMs - startedMs;
    check(took <= most, () => `the run took ${took} ms, and all that was to do takes ${most} ms`);
  }

  #logsComplete(): void {
    const { events, stage } = this.#seen;
    const told = new Map<string, string[]>();
    for (const event of events) {
      if (event.type !== "task-log") continue;
      const key = `${event.id}/${event.attempt}`;
      const lines = told.get(key) ?? [];
      lines.push(event.line);
      told.set(key, lines);
    }
    for (const trace of stage.traces) {
      const { lines, task, attempt, path, endedAt } = trace;
      if (isLost(trace) || endedAt === undefined || lines.length === 0) continue;
      const found = told.get(`${task}/${attempt}`) ?? [];
      // pipeloom may say something there too.
      let at = 0;
      for (const line of found) if (line === lines[at]) at++;
      check(
        at === lines.length,
        () =>
          `${path}, attempt ${attempt}, logged ${JSON.stringify(lines)}, and ${JSON.stringify(found)} was announced`,
      );
    }
  }
}

/** Its thread was gone before its end was committed. */
const isLost = ({ thread, overAt }: Trace): boolean =>
  thread.endedAt <= (overAt ?? Number.MAX_VALUE);

type Committed = {
  readonly id: number;
  readonly name: string;
  /** Undefined where no status is stored. */
  readonly key: string | undefined;
  readonly segments: number;
  readonly isDone: boolean;
};

const segmentOf = (cursor: string | null): number =>
  cursor === null ? 0 : ((JSON.parse(cursor) as { seg?: number } | null)?.seg ?? 0);

const showStored = ({
  key,
  a,
  b,
  c,
}: {
  key: string;
  a: string | null;
  b: number | null;
  c: string | null;
}): string => JSON.stringify([key, a, b, c]);

function groupBy<Row extends { readonly task: number }>(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.task);
    if (group === undefined) groups.set(row.task, [row]);
    else group.push(row);
  }
  return groups;
}

const places = (rows: readonly { readonly place: string }[]): string[] =>
  rows.map(({ place }) => place);

function same(what: string, found: readonly string[], right: readonly string[]): void {
  const a = [...found].toSorted();
  const b = [...right].toSorted();
  if (a.length === b.length && a.every((each, i) => each === b[i])) return;
  const missing = b.filter((each) => !a.includes(each));
  const extra = a.filter((each) => !b.includes(each));
  throw new Finding(
    `${what}: ${a.length} are there and ${b.length} are right; missing ${shown(missing)}; too many ${shown(extra)}`,
  );
}

const shown = (list: readonly string[]): string =>
  list.length === 0 ? "none" : `${list.slice(0, 5).join(" ")}${list.length > 5 ? " …" : ""}`;
