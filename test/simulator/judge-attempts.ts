// Judges `task_attempts`: each attempt that is known of is there exactly once, or is the last one, which is in `task_runs`.

import type { Failure } from "../../src/base/failure.ts";
import { check, type Evidence, type Seen } from "./evidence.ts";
import type { AttemptRow, TaskRow } from "./file.ts";

/** An attempt that must be there. */
type Known = {
  readonly task: number;
  readonly attempt: number;
  readonly outcome: string;
  readonly failure?: Failure;
};

export class AttemptJudge {
  readonly #seen: Seen;
  /** By id. */
  readonly #rows: ReadonlyMap<number, TaskRow>;

  constructor({ seen }: Evidence) {
    this.#seen = seen;
    this.#rows = new Map(seen.after.tasks.map((row) => [row.id, row]));
  }

  all(): void {
    const { scenario, before, after, stage } = this.#seen;
    if (!scenario.storeTaskStatus) return;
    // What was taken for interrupted may go on.
    const goesOn = ({ task_id: id, outcome }: AttemptRow): boolean =>
      stage.goneOn.has(id) && outcome === "interrupted";
    const earlier = (before?.attempts ?? []).filter(
      (row) => !goesOn(row) || after.attempts.some((other) => Bun.deepEquals(other, row)),
    );
    check(
      Bun.deepEquals(after.attempts.slice(0, earlier.length), earlier),
      () => "attempts of an earlier session have changed in the file",
    );
    const fresh = this.#withoutEarlierSessions(after.attempts.slice(earlier.length));
    this.#areKnown(fresh);
    this.#areComplete(fresh);
    for (const { id, name, status, attempt, started_at: at } of after.tasks) {
      const isTwice = fresh.some(
        (row) => row.task_id === id && row.attempt === attempt && row.started_at === at,
      );
      check(
        status === "queued" || !isTwice,
        () => `attempt ${attempt} of ${name} is the last one, and among the earlier ones too`,
      );
    }
  }

  /** The last attempts of earlier sessions whose rows this session has taken: they were kept, and are taken out. */
  #withoutEarlierSessions(rows: readonly AttemptRow[]): AttemptRow[] {
    const { before, events } = this.#seen;
    const left = [...rows];
    const hasBegun = events.length > 0 || rows.length > 0;
    for (const row of hasBegun ? (before?.tasks ?? []) : []) {
      const outcome = this.#outcomeBefore(row);
      if (outcome === undefined || row.attempt === 0 || row.started_at === null) continue;
      const index = left.findIndex(
        (each) =>
          each.task_id === row.id &&
          each.attempt === row.attempt &&
          each.outcome === outcome &&
          each.started_at === row.started_at &&
          each.finished_at === row.finished_at &&
          each.error === row.error,
      );
      check(index >= 0, () => `attempt ${row.attempt} of ${row.name} before the session is lost`);
      left.splice(index, 1);
    }
    return left;
  }

  /** How the attempt ended that the row was about; undefined if it still is. */
  #outcomeBefore(row: TaskRow): string | undefined {
    switch (row.status) {
      case "running":
        return this.#seen.stage.goneOn.has(row.id) ? undefined : "interrupted";
      case "cancelled":
        return "cancelled";
      case "done":
      case "error": {
        const now = this.#rows.get(row.id);
        const isSame =
          now?.status === row.status &&
          now.started_at === row.started_at &&
          now.finished_at === row.finished_at;
        return isSame ? undefined : row.status;
      }
      case "queued":
      case "skipped":
        return undefined;
    }
  }

  /**
   * What was announced is there. What is there was announced, or the process died before that, and a thread had been given
   * the attempt: perhaps it ended before the task's code began.
   */
  #areKnown(rows: readonly AttemptRow[]): void {
    const { end, storeFailed, stage } = this.#seen;
    const left = [...rows];
    for (const { task, attempt, outcome, failure } of this.#announced()) {
      const index = left.findIndex(
        (row) =>
          row.task_id === task &&
          row.attempt === attempt &&
          row.outcome === outcome &&
          (failure === undefined || Bun.deepEquals(JSON.parse(row.error ?? "null"), failure)),
      );
      check(index >= 0, () => `attempt ${attempt} of task ${task} (${outcome}) is not in the file`);
      left.splice(index, 1);
    }
    const mayBeUntold = end.how === "killed" || storeFailed;
    for (const { task_id: id, attempt, outcome } of left) {
      const isGiven = stage.dispatches.some((each) => each.id === id && each.attempt === attempt);
      check(
        mayBeUntold && isGiven,
        () =>
          `attempt ${attempt} of task ${id} (${outcome}) is in the file, and nobody knows of it`,
      );
    }
  }

  *#announced(): Generator<Known> {
    for (const event of this.#seen.events) {
      if (event.type === "task-retrying") {
        const { id, attempt, failure } = event;
        yield { task: id, attempt, outcome: "error", failure };
      } else if (event.type === "task-log" && / was interrupted: /.test(event.line)) {
        yield { task: event.id, attempt: event.attempt, outcome: "interrupted" };
      }
    }
  }

  /** In a session that has done everything, each attempt that began is there once. */
  #areComplete(rows: readonly AttemptRow[]): void {
    const { end, storeFailed, stage, session, before } = this.#seen;
    // A machine that has not heard that a session has died begins what it had of it, by ids that no row has.
    const isLeftOver = (task: number): boolean =>
      session.engine !== undefined && before !== undefined && !this.#rows.has(task);
    if (end.how !== "summary" || end.summary.status === "cancelled" || storeFailed) return;
    if (this.#seen.session.failFast) return;
    for (const { task, path, attempt } of stage.traces) {
      if (isLeftOver(task)) continue;
      const earlier = rows.filter((row) => row.task_id === task && row.attempt === attempt);
      const last = this.#rows.get(task)?.attempt === attempt ? 1 : 0;
      const times = earlier.length + last;
      check(times === 1, () => `attempt ${attempt} of ${path} is in the file ${times} times`);
    }
  }
}
