// Shows a backfill: its slots as the rows of the regions, one object a line with `--json`, and at the end what is not done.

import { systemClock } from "../../base/clock.ts";
import { JSON } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import { colorLevel, paletteOf } from "../../base/palette.ts";
import { sayOnStderr } from "../../cli/stderr.ts";
import { print, ReaderLeft } from "../../cli/stdout.ts";
import { type TaskId, taskId } from "../../protocol/ids.ts";
import type { TaskFinished } from "../../protocol/events.ts";
import type { LogLevel } from "../../protocol/status.ts";
import { slotName } from "../../serve/zoned-time.ts";
import type { SlotProgress, SlotRun } from "../../store/read/slot-runs.ts";
import type { PacedUi } from "../../terminal/create-ui.ts";
import type { StopSignal } from "../../terminal/ui.ts";
import type { PlannedSlot } from "./backfill-plan.ts";
import type { SlotEnd } from "./backfill-run.ts";
import {
  type Backfill,
  type BackfillCounts,
  backfillData,
  backfillStatus,
  backfillVersion,
  endLines,
  headLine,
  type Unfinished,
  whyOf,
} from "./backfill-text.ts";

type BackfillScreenOptions = {
  readonly about: Backfill;
  readonly slots: readonly PlannedSlot[];
  readonly ui: PacedUi;
  readonly json: boolean;
  readonly cwd: string;
  /** Neither the first line nor the end of a backfill that is done is shown. */
  readonly quiet: boolean;
  /** Why the run of a slot has failed before. */
  readonly whyFailed: (found: SlotRun) => string | undefined;
  /** The command that goes on with a slot. */
  readonly commandOf: (slot: number) => string;
  /** The command that goes on with all. */
  readonly again: (hasFailed: boolean) => string;
};

/** Of those that are not done, named at the end. */
const maxUnfinished = 100;
/** For a reader that takes nothing. */
const stallMs = 2_000;

type Row = { readonly id: TaskId; readonly name: string; readonly startedAt: number };

export class BackfillScreen {
  readonly #options: BackfillScreenOptions;
  readonly #startedAt = systemClock.wall();
  readonly #rows = new Map<number, Row>();
  readonly #unfinished: Unfinished[] = [];
  readonly #counts: BackfillCounts = { done: 0, failed: 0, stopped: 0, elsewhere: 0, left: 0 };
  #nextId = 1;
  #hasReader = true;

  constructor(options: BackfillScreenOptions) {
    this.#options = options;
    const { about, slots, ui, cwd } = options;
    const toRun = slots.filter(({ action }) => action !== "none");
    this.#counts.left = slots.length;
    this.#emit("backfill-started", {
      version: backfillVersion,
      ...backfillData(about),
      slots: slots.length,
      toRun: toRun.length,
    });
    ui.log("info", headLine(about, slots, cwd));
    const counts = { done: 0, error: 0, cancelled: 0, skipped: 0 };
    ui.followed({ startedAt: this.#startedAt, counts, left: [] });
    ui.events([{ type: "run-total", total: toRun.length, complete: true }]);
    for (const planned of slots) if (planned.action === "none") this.#leave(planned);
  }

  log(level: LogLevel, line: string): void {
    this.#options.ui.log(level, line);
  }

  began(slot: number): void {
    const startedAt = systemClock.wall();
    const row = { id: taskId(this.#nextId++), name: this.#nameOf(slot), startedAt };
    this.#rows.set(slot, row);
    this.#emit("slot-started", { slot: toIso(slot) });
    const { id, name } = row;
    this.#options.ui.events([{ type: "task-started", id, name, attempt: 1, at: startedAt }]);
  }

  progress(slot: number, { run, ended, total, progress }: SlotProgress): void {
    const row = this.#rows.get(slot);
    if (row === undefined) return;
    const message = `run ${run}, ${ended} of ${total}`;
    this.#options.ui.events([{ type: "task-progress", id: row.id, progress, message }]);
  }

  /** A line that the run of a slot has written. */
  printed(slot: number, line: string): void {
    const row = this.#rows.get(slot);
    if (row === undefined) return;
    const { id, name } = row;
    const at = systemClock.wall();
    this.#options.ui.events([{ type: "task-log", id, name, attempt: 1, at, level: "info", line }]);
  }

  ended(slot: number, end: SlotEnd): void {
    const at = systemClock.wall();
    const row = this.#rows.get(slot);
    this.#rows.delete(slot);
    this.#count(slot, end);
    const { id, name, startedAt } = row ?? {
      id: taskId(this.#nextId++),
      name: this.#nameOf(slot),
      startedAt: null,
    };
    this.#options.ui.events([
      { type: "task-finished", id, name, attempt: 1, startedAt, at, ...finishOf(end) },
    ]);
  }

  stopping(signal: StopSignal, urgent: boolean): void {
    this.#options.ui.stopping(signal, urgent);
  }

  /** Gives the terminal back. */
  close(): void {
    this.#options.ui.close();
  }

  /** @returns whether every slot is done */
  async finish(isStopped: boolean): Promise<boolean> {
    const { about, ui, quiet, again } = this.#options;
    const counts = this.#counts;
    const status = backfillStatus(counts, isStopped);
    this.#emit("backfill-finished", { status, ...counts });
    ui.close(status === "done" ? "done" : status === "failed" ? "error" : "cancelled");
    await ui.written(stallMs);
    const unfinished = counts.failed + counts.stopped + counts.elsewhere;
    // One slot is named with its command.
    const isLeft = unfinished > 1 || counts.left > 0;
    const lines = endLines(
      about,
      {
        counts,
        status,
        tookMs: systemClock.wall() - this.#startedAt,
        unfinished: this.#unfinished,
        again: isLeft ? again(counts.failed > 0) : undefined,
      },
      { colors: paletteOf(colorLevel(process.env, process.stderr.isTTY)) },
    );
    if (status !== "done" || !quiet) sayOnStderr(`${lines.join("\n")}\n`);
    return status === "done";
  }

  readonly #nameOf = (slot: number): string => slotName(slot, this.#options.about.tz);

  #leave({ slot, found }: PlannedSlot): void {
    if (found === null) throw new Error("Internal error: a slot without a run is left");
    const { run, state } = found;
    if (state === "done") this.#count(slot, { status: "before", run }, false);
    else if (state === "running") this.#count(slot, { status: "elsewhere", run });
    else this.#count(slot, { status: "failed", run, why: this.#whyFailed(found) });
  }

  /** Looked up for those that are named at the end. */
  #whyFailed(found: SlotRun): string {
    const isNamed = this.#unfinished.length < maxUnfinished;
    const why = isNamed ? this.#options.whyFailed(found) : undefined;
    return why ?? `run ${found.run} has failed before`;
  }

  #count(slot: number, end: SlotEnd, isSaid = true): void {
    this.#counts.left--;
    const status = end.status === "before" ? "done" : end.status;
    this.#counts[status]++;
    const finished = { slot: toIso(slot), status, run: end.run };
    if (end.status === "done" || end.status === "before") {
      if (isSaid) this.#emit("slot-finished", finished);
      return;
    }
    const command = this.#options.commandOf(slot);
    this.#emit("slot-finished", { ...finished, why: whyOf(end), command });
    if (this.#unfinished.length < maxUnfinished) this.#unfinished.push({ slot, end, command });
  }

  #emit(type: string, fields: object): void {
    if (!this.#options.json || !this.#hasReader) return;
    try {
      print(`${JSON.stringify({ type, at: toIso(systemClock.wall()), ...fields })}\n`);
    } catch (thrown) {
      // `| head -1` has read enough; the slots run on.
      if (!(thrown instanceof ReaderLeft)) throw thrown;
      this.#hasReader = false;
    }
  }
}

function finishOf(end: SlotEnd): Pick<TaskFinished, "status" | "failure" | "reason"> {
  switch (end.status) {
    case "done":
      return { status: "done" };
    case "before":
      return { status: "done", reason: `done by run ${end.run ?? "of another process"} meanwhile` };
    case "elsewhere":
      return { status: "skipped", failure: { name: "Error", message: whyOf(end) } };
    case "failed":
      return { status: "error", failure: { name: "Error", message: end.why } };
    case "stopped":
      return { status: "cancelled", failure: { name: "Error", message: end.why } };
  }
}
