// The observations of one session and the model's predictions for it, shared by the judges.

import type { RunEvent, TaskFinished } from "../../src/protocol/events.ts";
import type { Failure } from "../../src/base/failure.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import { taskKey } from "../../src/protocol/task-key.ts";
import { type CodeState, isOutdated } from "./code.ts";
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
  readonly codeAfter: Omit<CodeState, "versions" | "keeps">;
  readonly after: FileContent;
  readonly left: readonly string[];
  /** Monotonic clock. */
  readonly startedMs: number;
  readonly endedMs: number;
};

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
      return status === undefined
        ? undefined
        : { status, version: this.#versionOf(path, kind, input) };
    });
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
    return row === undefined || isOutdated({ ...this.seen.code, ...this.seen.codeAfter }, row)
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
    const instance = this.model.instances.get(row.name);
    if (instance?.input === undefined || instance.settings.optional !== true) return undefined;
    return row.key === taskKey(kindName(instance.kind), instance.input) ? row : undefined;
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

/** The attempt's thread ended before its end was committed. */
export const isLost = ({ thread, overAt }: Trace): boolean =>
  thread.endedAt <= (overAt ?? Number.MAX_VALUE);
