// The first line of a run: what runs, and where its rows go. It waits for the number of tasks, which follows the run's start
// within milliseconds; what comes between is shown after it.

import { grouped, plural, relative } from "../base/text.ts";
import type { RunEvent, RunStarted } from "../protocol/events.ts";

type Total = { readonly total: number; readonly complete: boolean };

type Shown = { readonly at: number; readonly text: string; readonly events: readonly RunEvent[] };

/** A safeguard: events without a number of tasks among them do not wait for ever. */
const maxHeld = 1000;

export class RunHeader {
  readonly #cwd: string;
  #started: RunStarted | undefined;
  #held: RunEvent[] = [];

  /** @param cwd the database is shown relative to it */
  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /** Whether events are to be given to `next`. Until then, and again afterwards, that would only cost time. */
  get isHeld(): boolean {
    return this.#started !== undefined;
  }

  begin(started: RunStarted): void {
    this.#started = started;
  }

  /** @returns the header and the events that are to be shown after it, once; undefined while it waits */
  next(event: RunEvent): Shown | undefined {
    this.#held.push(event);
    if (event.type === "run-total") return this.take(event);
    return event.type === "run-finished" || this.#held.length > maxHeld ? this.take() : undefined;
  }

  /** The header as it is known now, if it waits, and what came after it. */
  take(total?: Total): Shown | undefined {
    const started = this.#started;
    if (started === undefined) return undefined;
    const events = this.#held;
    this.#started = undefined;
    this.#held = [];
    return { at: started.at, text: headerText(started, total, this.#cwd), events };
  }
}

/** `sync · run 3 · 32 tasks · 2 workers → pipeloom.db` */
function headerText(started: RunStarted, total: Total | undefined, cwd: string): string {
  const { pipeline, run, resumed, workers, concurrency, db, journal } = started;
  const parts = [
    pipeline,
    ...(resumed
      ? [`run ${run} continues${alreadyDone(started, total)}`]
      : [`run ${run}`, ...tasksOf(total)]),
    plural(workers, "worker") + (concurrency > workers ? `, ${grouped(concurrency)} at once` : ""),
  ];
  const mode = journal === "delete" ? " (no WAL)" : "";
  return `${parts.join(" · ")} → ${relative(db, cwd)}${mode}`;
}

/** While tasks are still being made, their number says only what is known. */
function tasksOf(total: Total | undefined): string[] {
  if (total === undefined || (total.total === 0 && !total.complete)) return [];
  return [`${plural(total.total, "task")}${total.complete ? "" : " so far"}`];
}

function alreadyDone({ alreadyDone: done }: RunStarted, total: Total | undefined): string {
  // Results of tasks that have left the plan are done too, and more than the plan has.
  return total?.complete === true && done <= total.total
    ? `: ${grouped(done)} of ${plural(total.total, "task")} already done`
    : `: ${plural(done, "task")} already done`;
}
