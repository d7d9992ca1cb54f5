// The first line of a run: what runs, and where its rows go. It waits for the number of tasks, which follows the run's start
// within milliseconds; what comes between is shown after it.

import { grouped, plural, relative } from "../base/text.ts";
import type { RunEvent, RunStarted } from "../protocol/events.ts";

type Total = { readonly total: number; readonly complete: boolean };

type Shown = {
  readonly header: (at: number, text: string) => void;
  readonly event: (event: RunEvent) => void;
};

/** A safeguard: events without a number of tasks among them do not wait for ever. */
const maxHeld = 1000;

export class RunHeader {
  readonly #cwd: string;
  readonly #shown: Shown;
  #started: RunStarted | undefined;
  #held: RunEvent[] = [];

  /**
   * @param cwd the database is shown relative to it
   * @param shown gets the header once, and every event but the run's start
   */
  constructor(cwd: string, shown: Shown) {
    this.#cwd = cwd;
    this.#shown = shown;
  }

  /** Called for every event of a run: where nothing waits, it only passes them on. */
  events(events: readonly RunEvent[]): void {
    for (const event of events) {
      if (event.type === "run-started") this.#started = event;
      else if (this.#started !== undefined) this.#hold(event);
      else this.#shown.event(event);
    }
  }

  #hold(event: RunEvent): void {
    this.#held.push(event);
    if (event.type === "run-total") this.#show(event);
    else if (event.type === "run-finished" || this.#held.length > maxHeld) this.flush();
  }

  /** Shows the header as it is known now, if it still waits, and what came after it. */
  flush(): void {
    this.#show(undefined);
  }

  #show(total: Total | undefined): void {
    const started = this.#started;
    if (started === undefined) return;
    const events = this.#held;
    this.#started = undefined;
    this.#held = [];
    this.#shown.header(started.at, headerText(started, total, this.#cwd));
    for (const event of events) this.#shown.event(event);
  }
}

/** `sync · run 3 · 32 tasks · 2 workers → pipeloom.db` */
function headerText(started: RunStarted, total: Total | undefined, cwd: string): string {
  const { pipeline, run, resumed, workers, concurrency, db, journal, engine } = started;
  const parts = [
    pipeline,
    ...(resumed
      ? [`run ${run} continues${alreadyDone(started, total)}`]
      : [`run ${run}`, ...tasksOf(total)]),
    (engine === undefined ? plural(workers, "worker") : onEngine(engine, workers)) +
      (concurrency > workers ? `, ${grouped(concurrency)} at once` : ""),
  ];
  const mode = journal === "delete" ? " (no WAL)" : "";
  return `${parts.join(" · ")} → ${relative(db, cwd)}${mode}`;
}

/** Workers come and go: 1 may be none yet. */
const onEngine = (engine: string, workers: number): string =>
  workers > 1 ? `${grouped(workers)} workers on ${engine}` : `on ${engine}`;

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
