// The observations of one session and the model's predictions for it, shared by the judges.

import type { RunEvent, TaskFinished } from "../../src/protocol/events.ts";
import type { Failure } from "../../src/base/failure.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import { taskKey } from "../../src/protocol/task-key.ts";
import { asksFor, type CodeState, isAsked, isOutdated, kindOfKey, passesOn } from "./code.ts";
import type { FileContent, TaskRow } from "./file.ts";
import { type Instance, Model, type Status } from "./model.ts";
import type { Kind, Scenario, Session } from "./scenario.ts";
import { kindName } from "./script.ts";
import type { Stage, Trace } from "./stage.ts";
import { Finding } from "./world.ts";

/** The observations of one process. */
export type Seen = {
  readonly scenario: Scenario;
  readonly session: Session;
  readonly stage: Stage;
  readonly events: readonly RunEvent[];
  readonly output: readonly string[];
  readonly end:
    | { readonly how: "summary"; readonly summary: RunSummary }
    /** `Run.start` threw. */
    | { readonly how: "refused"; readonly failure: Failure }
    | { readonly how: "killed" };
  /** The disk failed, or the writer's thread ended. */
  readonly storeFailed: boolean;
  /** Another program held a lock on the file for some time. */
  readonly wasLocked: boolean;
  readonly before: FileContent | undefined;
  /** Of the code, at the begin of the session and at its end. */
  readonly code: CodeState;
  readonly codeAfter: Omit<CodeState, "versions" | "keeps" | "asks">;
  readonly after: FileContent;
  /** What is to be remembered of tasks that run again, of the sessions before. */
  readonly rounds: Rounds;
  readonly left: readonly string[];
  /** Monotonic clock. */
  readonly startedMs: number;
  readonly endedMs: number;
};

/** The rows and messages of a task's earlier rounds: they stay when it runs again. */
export type Earlier = {
  readonly ins: readonly string[];
  readonly notes: readonly string[];
  /** When the task had ended, if it was done. */
  readonly doneAt: string | null;
};

/** Tasks that began from their beginning although they had committed something, and those that are still to. */
export type Rounds = {
  readonly earlier: ReadonlyMap<number, Earlier>;
  /** When the tasks had ended whose next end is owed: the user has asked for it. */
  readonly owed: ReadonlyMap<number, string | null>;
  /** When each task had ended before `--downstream` was asked for. */
  readonly before: ReadonlyMap<number, string | null> | undefined;
};

export const noRounds: Rounds = { earlier: new Map(), owed: new Map(), before: undefined };

export const check = (isRight: boolean, what: () => string): void => {
  if (!isRight) throw new Finding(what());
};

export class Evidence {
  readonly seen: Seen;
  /** Task id → its announced end. */
  readonly finished = new Map<number, TaskFinished>();
  /** Task id → name, for every announced task. */
  readonly names = new Map<number, string>();
  readonly model: Model;
  readonly #rowsByName = new Map<string, TaskRow[]>();
  readonly #before: ReadonlyMap<number, TaskRow>;
  /** After this session. */
  readonly rounds: Rounds;

  constructor(seen: Seen) {
    this.seen = seen;
    this.#before = new Map(seen.before?.tasks.map((row) => [row.id, row]));
    for (const row of seen.after.tasks) {
      const rows = this.#rowsByName.get(row.name) ?? [];
      rows.push(row);
      this.#rowsByName.set(row.name, rows);
    }
    for (const event of seen.events) this.#take(event);
    this.model = new Model(seen.scenario, seen.session, (path, kind, input) => {
      const status = this.statusOf(path, kind, input);
      const row = this.#rowOf(path, kind, input);
      const flows = row !== undefined && this.#flows(row);
      return status === undefined && !flows
        ? undefined
        : { status, version: this.#versionOf(path, kind, input), passesOn: flows };
    });
    this.rounds = this.#roundsAfter();
  }

  #take(event: RunEvent): void {
    if ("name" in event) this.names.set(event.id, event.name);
    if (event.type !== "task-finished") return;
    check(!this.finished.has(event.id), () => `task ${event.name} was announced as ended twice`);
    this.finished.set(event.id, event);
  }

  /**
   * Looks up a task by name and input. A task whose input has changed (an optional source that failed has a result now)
   * is a different task; the earlier one stays in the file.
   */
  statusOf(path: string, kind: number, input: string | undefined): Status | undefined {
    if (!this.seen.scenario.storeTaskStatus) {
      for (const { name, status } of this.finished.values()) if (name === path) return status;
      return undefined;
    }
    const row = this.#rowOf(path, kind, input);
    // It is still to run again: what is in the file is of other code.
    return row === undefined ||
      isOutdated({ ...this.seen.code, ...this.seen.codeAfter, asks: undefined }, row)
      ? undefined
      : row.status;
  }

  #rowOf(path: string, kind: number, input: string | undefined): TaskRow | undefined {
    const rows = this.#rowsByName.get(path) ?? [];
    if (input === undefined) return rows.find(({ key }) => !key.includes(":"));
    const wanted = taskKey(kindName(kind), input);
    return rows.find(({ key }) => key === wanted);
  }

  /** The version of the code that made the result. */
  #versionOf(path: string, kind: number, input: string): number {
    const row = this.#rowOf(path, kind, input);
    return (row === undefined ? undefined : this.madeBy(row)) ?? this.seen.code.versions[kind] ?? 0;
  }

  /** The version of the code that ended the task. */
  madeBy({ id }: TaskRow): number | undefined {
    return this.seen.codeAfter.ended.get(id)?.made;
  }

  /**
   * The row of an optional task that failed in an earlier session, because such a failure is final. The task must be
   * optional in this session's plan.
   */
  failedBefore(id: number): TaskRow | undefined {
    const row = this.#before.get(id);
    if (row?.status !== "error" || isOutdated(this.seen.code, row)) return undefined;
    if (this.runsAgain(row) || this.#isTakenForAnothers(row)) return undefined;
    const isOptional = this.model.instances.get(row.name)?.settings.optional === true;
    return isOptional && this.isPlanned(row) ? row : undefined;
  }

  /**
   * Where the plan has changed, a call whose input was not known in time may be where this one was: the failure may be that call's,
   * and the task may be tried again.
   */
  #isTakenForAnothers(old: TaskRow): boolean {
    const row = this.seen.after.tasks.find(({ id }) => id === old.id);
    const { sessions } = this.seen.scenario;
    // Its attempt may have begun, and the store failed before it knew.
    const isBegun = this.seen.stage.traces.some(({ task }) => task === old.id);
    if (row === undefined || !(isBegun || hasRun(old, row))) return false;
    if (sessions.every(({ leavesOut }) => leavesOut.length === 0)) return false;
    return [...this.model.instances.values()].some(
      ({ kind, path }) => path !== old.name && kind === kindOfKey(old.key),
    );
  }

  // ── tasks that run again as the user asks ──

  /** What depends on this task runs again in this session. */
  #flows({ id }: TaskRow): boolean {
    const row = this.#before.get(id);
    if (row === undefined) return false;
    const { code } = this.seen;
    // What earlier sessions asked for is over where the user keeps the results, but not what this one asks for.
    const isKept = code.keeps.includes(kindOfKey(row.key));
    return (!isKept && passesOn(row)) || (code.asks?.downstream === true && asksFor(code, row));
  }

  /** The task runs again because of one that it depends on, and has not done so in an earlier session. */
  runsAgain(row: TaskRow): boolean {
    const instance = this.model.instances.get(row.name);
    if (instance === undefined || this.#flows(row)) return false;
    return instance.isAgain;
  }

  isPlanned({ name, key }: TaskRow): boolean {
    const instance = this.model.instances.get(name);
    return (
      instance?.input !== undefined && key === taskKey(kindName(instance.kind), instance.input)
    );
  }

  /** Whether the session has begun what the user asks for, about this task. */
  hasBegun(before: TaskRow, after: TaskRow | undefined): boolean {
    if (this.seen.events.length > 0) return true;
    if (after === undefined) return false;
    const isMarked = isAsked(after) && !isAsked(before);
    return isMarked || hasRun(before, after) || after.cursor !== before.cursor;
  }

  #roundsAfter(): Rounds {
    const { rounds, code, before, after } = this.seen;
    const earlier = new Map(rounds.earlier);
    const owed = new Map(rounds.owed);
    const rows = new Map(after.tasks.map((row) => [row.id, row]));
    const isDone = after.runs.at(-1)?.status === "done";
    let hasAsked = false;
    for (const old of before?.tasks ?? []) {
      const row = rows.get(old.id);
      const begun = asksFor(code, old) && this.hasBegun(old, row);
      hasAsked ||= begun;
      if (begun) owed.set(old.id, old.finished_at);
      if (row !== undefined && this.#beginsAgain(old, row, begun)) {
        earlier.set(old.id, earlierOf(before, old));
      }
    }
    for (const [id, at] of owed) {
      const row = rows.get(id);
      const isKept = row !== undefined && code.keeps.includes(kindOfKey(row.key));
      // What a run that is done has not run again is not in its plan, and is not owed any more.
      if (row?.finished_at !== at || isKept || (isDone && !this.isPlanned(row))) owed.delete(id);
    }
    const isNew = hasAsked && code.asks?.downstream === true && rounds.before === undefined;
    const ends = new Map(before?.tasks.map(({ id, finished_at: at }) => [id, at]));
    const kept = isDone ? undefined : rounds.before;
    return { earlier, owed, before: isNew && !isDone ? ends : kept };
  }

  /** From its beginning, and what it had committed stays. */
  #beginsAgain(old: TaskRow, row: TaskRow, begun: boolean): boolean {
    if (old.status !== "done" && old.cursor === null) return false;
    if (begun && this.seen.code.asks?.rerun.includes(kindOfKey(old.key)) === true) return true;
    // Not planned any more, it is skipped. Its checkpoint would be gone if it were to begin again.
    if (row.status === "skipped" && row.cursor !== null) return false;
    const isBegun = hasRun(old, row) || (isAsked(row) && !isAsked(old));
    // A session that ends before it begins its tasks leaves those that ran when the one before died, with their checkpoints.
    const isOnlyQueued =
      row.status === "queued" && row.cursor !== null && row.started_at === old.started_at;
    if (!isBegun || isOnlyQueued) return false;
    return old.status === "done" ? !isAsked(old) : this.runsAgain(old);
  }

  /** When the tasks had ended before this run was asked to run again with what depends on it. */
  get endsBefore(): ReadonlyMap<number, string | null> | undefined {
    const { rounds, code, before } = this.seen;
    if (rounds.before !== undefined || code.asks?.downstream !== true) return rounds.before;
    return new Map(before?.tasks.map(({ id, finished_at: at }) => [id, at]));
  }

  settingsOf(path: string): { settings: Instance["settings"]; kind: Kind } {
    const instance = this.instance(path);
    return { settings: instance.settings, kind: this.kindOf(instance) };
  }

  instance(path: string): Instance {
    const instance = this.model.instances.get(path);
    if (instance === undefined) throw new Finding(`${path} ran, and is not in the plan`);
    return instance;
  }

  kindOf({ kind }: Instance): Kind {
    return this.kindAt(kind);
  }

  kindAt(kind: number): Kind {
    const found = this.seen.scenario.kinds[kind];
    if (found === undefined) throw new Error(`Internal error: no kind ${kind}`);
    return found;
  }

  /** The run may end before all tasks are done. */
  get isStopped(): boolean {
    const { failFast, incidents } = this.seen.session;
    return failFast || incidents.some(({ what }) => what === "cancel" || what === "asked");
  }

  /** After a second Ctrl-C, the run does not wait for hooks. */
  get isHurried(): boolean {
    return this.seen.session.incidents.some((incident) => "urgent" in incident && incident.urgent);
  }
}

/** One that runs has begun at another time than before, unless its machine has let it go on. */
const hasRun = (old: TaskRow, row: TaskRow): boolean =>
  row.status !== old.status ||
  row.finished_at !== old.finished_at ||
  (row.status === "running" && row.started_at !== old.started_at);

const earlierOf = (
  file: FileContent | undefined,
  { id, status, finished_at: at }: TaskRow,
): Earlier => ({
  ins: (file?.ins ?? []).filter((row) => row.task === id).map(({ place }) => place),
  notes: (file?.notes ?? []).filter((row) => row.task === id).map(({ place }) => place),
  doneAt: status === "done" ? at : null,
});

/** The attempt's thread ended before its end was committed. */
export const isLost = ({ thread, overAt, isGivenUp }: Trace): boolean =>
  isGivenUp || thread.endedAt <= (overAt ?? Number.MAX_VALUE);
