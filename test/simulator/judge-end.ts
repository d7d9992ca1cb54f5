// Judges the end of a run: refused for a valid reason, or a correct summary with all work done.

import type { Failure } from "../../src/base/failure.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import { kindOfKey, repeatingKinds } from "./code.ts";
import { check, type Evidence, isLost, type Seen } from "./evidence.ts";
import type { TaskRow } from "./file.ts";
import type { Trace } from "./stage.ts";

/** Allowance for the run's own work, tasks that ignore their signal, and hooks. */
const slackMs = 60_000;
/** To Redis and back, for a lease of one task on a machine. */
const mostTrips = 10;

export class EndJudge {
  readonly #of: Evidence;
  readonly #seen: Seen;

  constructor(of: Evidence) {
    this.#of = of;
    this.#seen = of.seen;
  }

  all(): void {
    const { end, events, code, before } = this.#seen;
    const repeating = events.length === 0 ? [] : repeatingKinds(code, before);
    check(
      repeating.length === 0,
      () => `kinds ${repeating.join()} have changed and would insert twice, and the run began`,
    );
    if (end.how === "refused") return this.#refused(end.failure);
    this.#codeIsKnown();
    if (end.how === "summary") this.#ended(end.summary);
  }

  /** Only a session that dies may leave it open which code made its results: then any edit would count for all of them. */
  #codeIsKnown(): void {
    const { end, after, storeFailed } = this.#seen;
    const hasDied = end.how === "killed" || storeFailed || this.#isGivenUp;
    check(
      after.unknownCode.length === 0 || hasDied,
      () => `the code of ${after.unknownCode.join()} is not recorded`,
    );
  }

  /** A refused run must not have started anything. The reason must be a stop or a failed store. */
  #refused(failure: Failure): void {
    const { events, storeFailed, stage } = this.#seen;
    check(
      events.length === 0,
      () => `start threw after ${events.length} events: ${failure.message}`,
    );
    check(stage.traces.length === 0, () => `start threw after tasks had begun: ${failure.message}`);
    if (failure.code === "would-repeat") {
      const { code, before, after } = this.#seen;
      check(
        repeatingKinds(code, before).length > 0,
        () => `nothing would be repeated: ${failure.message}`,
      );
      return check(
        Bun.deepEquals(before, after),
        () => "the choice was left to the user, and the file has changed",
      );
    }
    if (failure.code === "nothing-to-rerun") return this.#nothingToRerun(failure);
    // Stopped by Ctrl-C before the run began: nothing is written.
    if (this.#of.isStopped && failure.name === "CancelledError") return;
    check(storeFailed, () => `start threw: ${failure.name}: ${failure.message}\n${failure.stack}`);
  }

  #nothingToRerun({ message }: Failure): void {
    const { code, before, after } = this.#seen;
    const status = before?.runs.at(-1)?.status;
    const tasks = before?.tasks ?? [];
    const hasFailed = tasks.some((row) => row.status === "error");
    const lacksFailed = code.asks?.failed === true && status !== "running" && !hasFailed;
    const lacksKind = code.asks?.rerun.some(
      (kind) => !tasks.some(({ key }) => kindOfKey(key) === kind),
    );
    check(
      lacksFailed || (lacksKind === true && status === "done"),
      () => `there is something to run again: ${message}`,
    );
    check(
      Bun.deepEquals(before, after),
      () => "nothing was to run again, and the file has changed",
    );
  }

  /** What the user has asked for has run again, and with `--downstream` what depends on it. */
  #hasRunAgain(): void {
    const { after } = this.#seen;
    const rows = new Map(after.tasks.map((row) => [row.id, row]));
    const isPlanned = (row: TaskRow | undefined): row is TaskRow =>
      row !== undefined && this.#of.isPlanned(row);
    for (const id of this.#of.rounds.owed.keys()) {
      const row = rows.get(id);
      check(
        !isPlanned(row),
        () => `${row?.name} was to run again, and the run is over without that`,
      );
    }
    for (const [id, at] of this.#of.endsBefore ?? []) {
      const row = rows.get(id);
      if (!isPlanned(row) || this.#of.model.instances.get(row.name)?.isAgain !== true) continue;
      check(
        at === null || row.finished_at !== at,
        () => `${row.name} depends on a task that has run again, and has not`,
      );
    }
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
      check(
        summary.status === (this.#isGivenUp ? "cancelled" : "error"),
        () => `the store failed, and the run is ${summary.status}`,
      );
      return;
    }
    if (scenario.storeTaskStatus) {
      check(
        run?.status === (this.#isGivenUp ? "running" : summary.status),
        () => `the run is ${run?.status} in the file, and ${summary.status} in the summary`,
      );
    }
    check(
      this.#seen.left.length === 0 || this.#seen.wasLocked,
      () => `left beside the file: ${this.#seen.left.join(", ")}`,
    );
    if (this.#of.isStopped && summary.status !== "done") return;
    this.#complete(summary);
  }

  /** A second Ctrl-C while another program holds a lock: what is not stored yet is left. */
  get #isGivenUp(): boolean {
    const { end } = this.#seen;
    const code = end.how === "summary" ? end.summary.failure?.code : undefined;
    return this.#of.isStopped && code === "given-up";
  }

  #counts(summary: RunSummary): void {
    const counts = { done: summary.alreadyDone, error: 0, cancelled: 0, skipped: 0 };
    for (const { status } of this.#of.finished.values()) counts[status]++;
    const { done, failed, cancelled, skipped, queued, interrupted, total } = summary;
    const told = { done, error: failed, cancelled, skipped: skipped - this.#left(summary) };
    check(
      Bun.deepEquals(told, counts),
      () =>
        `the summary says ${JSON.stringify(told)}, and ${JSON.stringify(counts)} were announced`,
    );
    const sum = done + failed + cancelled + skipped + queued + interrupted;
    check(sum === total, () => `the summary's total is ${total}, and its parts are ${sum}`);
  }

  /** Tasks that are skipped because the plan does not have them any more: not announced, but counted. */
  #left({ skipped }: RunSummary): number {
    const { after, storeFailed } = this.#seen;
    let left = after.tasks.filter(({ isLeft }) => isLeft).length;
    // What was to be stored last may not be there.
    if (storeFailed)
      left =
        skipped -
        [...this.#of.finished.values()].filter(({ status }) => status === "skipped").length;
    return left;
  }

  /** Of a run that is over, exactly those tasks are done that its last session stands on. */
  #doneIsPlanned(summary: RunSummary): void {
    for (const row of this.#seen.after.tasks) {
      if (row.status !== "done") continue;
      check(
        this.#of.isPlanned(row) !== row.isLeft,
        () => `${row.name} is ${row.isLeft ? "said to have left" : "done, and not in"} the plan`,
      );
    }
    const done = this.#seen.after.tasks.filter((row) => row.status === "done" && !row.isLeft);
    check(
      done.length === summary.done,
      () => `${done.length} tasks are done in the file, and ${summary.done} in the summary`,
    );
  }

  #hooks(summary: RunSummary): void {
    const { stage, scenario } = this.#seen;
    const hooked = [...stage.hookedIds].toSorted((a, b) => a - b);
    const ended = [...this.#of.finished.keys()]
      .filter((id) => this.#of.failedBefore(id) === undefined)
      .toSorted((a, b) => a - b);
    // Limitation of simulating on one real thread: while a simulated thread blocks for credits of a dead writer,
    // promises of slow hooks cannot settle, so the run's time limit for hooks expires.
    const isHeld = scenario.hook === "slow" && summary.failure !== null;
    if (this.#of.isHurried || isHeld) {
      check(
        stage.hookedIds.every((id) => this.#of.finished.has(id)),
        () => `onTaskFinish was called for ${hooked.join()}, and ${ended.join()} have ended`,
      );
      return;
    }
    if (this.#isCutOff(ended.length - hooked.length)) return;
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

  /** The run waits 10 s for its hooks, and says how many events were left: a main thread may be slower. */
  #isCutOff(left: number): boolean {
    const { scenario, output } = this.#seen;
    const events = left === 1 ? "1 event" : `${left} events`;
    const notice = `onTaskFinish was not called for the last ${events}: the run has waited 10 s for it`;
    return left > 0 && scenario.hook === "slow" && output.some((line) => line.includes(notice));
  }

  /** A complete run: every planned task has ended with the status that the model predicts. */
  #complete(summary: RunSummary): void {
    const { scenario, after } = this.#seen;
    const { instances, badFans } = this.#of.model;
    const hasFailed = [...instances.values()].some(
      ({ path, kind, input, settings }) =>
        this.#of.statusOf(path, kind, input) === "error" && settings.optional !== true,
    );
    const right = hasFailed || badFans.length > 0 ? "error" : "done";
    check(summary.status === right, () => `the run is ${summary.status}, and ${right} is right`);
    for (const { path, kind, isSkipped, input } of instances.values()) {
      const status = this.#of.statusOf(path, kind, input);
      if (isSkipped) check(status === "skipped", () => `${path} is ${status}, and must be skipped`);
      else {
        check(input !== undefined, () => `${path} has never become ready, and the run is over`);
        check(
          status === "done" || status === "error",
          () => `${path} is ${status}, and the run is over`,
        );
      }
    }
    for (const { id, name } of this.#seen.before?.tasks ?? []) {
      check(
        this.#of.failedBefore(id) === undefined || this.#of.finished.has(id),
        () => `${name} is optional and failed in an earlier session, and this was not announced`,
      );
    }
    check(summary.queued === 0, () => `${summary.queued} tasks are queued, and the run is over`);
    if (scenario.storeTaskStatus) {
      const open = after.tasks.filter(({ status }) => status === "queued" || status === "running");
      this.#doneIsPlanned(summary);
      check(
        open.length === 0,
        () =>
          `the run is over, and ${open.map(({ name, status }) => `${name} is ${status}`).join()}`,
      );
    }
    this.#hasRunAgain();
    this.#logsComplete();
    this.#inTime();
  }

  /** The run takes no longer than all tasks in sequence. It would if something waited for a clock that was set back. */
  #inTime(): void {
    const { stage, events, scenario, session, startedMs, endedMs } = this.#seen;
    let most = slackMs + stage.world.events * (scenario.pace.messageMs + scenario.pace.mainMs);
    for (const { begunAt, overAt, kind, path } of stage.traces) {
      const timeout =
        stage.settings.get(path)?.timeout ?? this.#of.kindAt(kind).settings.timeout ?? 0;
      most += (overAt ?? begunAt) - begunAt + timeout;
    }
    for (const event of events) {
      if (event.type === "task-retrying") most += Math.max(event.retryAt - event.at, 0);
    }
    most += stage.dispatches.length * mostTrips * (session.engine?.latencyMs ?? 0);
    for (const incident of session.incidents) {
      if (incident.what === "engine") most += incident.ms + slackMs;
    }
    for (const { per } of Object.values(scenario.pools)) {
      most += (per ?? 0) * (stage.dispatches.length + 1);
    }
    const took = endedMs - startedMs;
    check(took <= most, () => `the run took ${took} ms, and all that was to do takes ${most} ms`);
  }

  /** Of an attempt that has begun in an earlier session. What was sent again is stored once. */
  #storedLines({ task, attempt, path, lines }: Trace): readonly string[] {
    const { after, before, scenario } = this.#seen;
    // Not all are stored.
    if (scenario.maxLines !== undefined) return lines;
    const stored = after.logs
      .filter((row) => row.task_id === task && row.attempt === attempt)
      .map(({ line }) => line);
    const isFirst = before?.attempts.every(
      (row) => row.task_id !== task || row.attempt !== attempt,
    );
    if (isFirst === true && new Set(lines).size === lines.length) {
      for (const line of lines) {
        const times = stored.filter((other) => other === line).length;
        check(times < 2, () => `a line of ${path} is stored ${times} times: ${line}`);
      }
    }
    return stored;
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
      const found = stage.goneOn.has(task)
        ? this.#storedLines(trace)
        : (told.get(`${task}/${attempt}`) ?? []);
      // The log may also contain lines of pipeloom.
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
