// Runs a backfill in this terminal: its slots as children, their progress on the screen, and signals passed on to them.

import { systemClock } from "../../base/clock.ts";
import { sayOnStderr } from "../../cli/stderr.ts";
import type { StopSignal } from "../../terminal/ui.ts";
import { isIgnored } from "../../watchdog/ignored-signal.ts";
import { exitCodeOf } from "../run-signals.ts";
import type { Asked, PlannedSlot, SlotAction } from "./backfill-plan.ts";
import { BackfillRun } from "./backfill-run.ts";
import type { BackfillScreen } from "./backfill-screen.ts";
import type { SlotChild } from "./slot-child.ts";
import type { SlotDatabase } from "./slot-database.ts";

const progressEveryMs = 500;

type RunningBackfill = {
  readonly slots: readonly PlannedSlot[];
  readonly asked: Asked;
  readonly concurrency: number;
  readonly failFast: boolean;
  readonly database: SlotDatabase;
  readonly screen: BackfillScreen;
  readonly start: (slot: number, action: SlotAction) => SlotChild;
};

/** @returns the exit code: 0 if every slot of the range is done, 1 if not, 129, 130 or 143 after a signal */
export async function runBackfill(backfill: RunningBackfill): Promise<number> {
  const { slots, asked, concurrency, failFast, database, screen } = backfill;
  const run = new BackfillRun(
    {
      look: (slot) => database.runOf(slot),
      whyFailed: (found) => database.whyFailed(found),
      start: backfill.start,
      began: (slot) => screen.began(slot),
      ended: (slot, end) => screen.ended(slot, end),
    },
    asked,
    { concurrency, failFast },
  );
  using signals = new PassedSignals((signal, nth) => {
    if (nth <= 2) screen.stopping(signal, nth === 2);
    run.stop(signal);
    if (nth > 2) screen.close();
  });
  const timer = systemClock.every(progressEveryMs, () => {
    for (const slot of run.running) {
      const progress = database.progressOf(slot);
      if (progress !== undefined) screen.progress(slot, progress);
    }
  });
  try {
    await run.run(slots.filter(({ action }) => action !== "none"));
  } finally {
    systemClock.cancel(timer);
  }
  const { first } = signals;
  const isDone = await screen.finish(first !== undefined);
  if (first !== undefined) return exitCodeOf(first);
  return isDone ? 0 : 1;
}

/** The first and the second signal are passed on to the children, which end as runs do. The third ends this process too. */
class PassedSignals implements Disposable {
  first: StopSignal | undefined;
  readonly #pass: (signal: StopSignal, nth: number) => void;
  readonly #undo: (() => void)[] = [];
  #count = 0;

  constructor(pass: (signal: StopSignal, nth: number) => void) {
    this.#pass = pass;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      if (signal === "SIGHUP" && isIgnored(signal)) continue;
      const listener = (): void => this.#received(signal);
      process.on(signal, listener);
      this.#undo.push(() => process.off(signal, listener));
    }
  }

  #received(signal: StopSignal): void {
    this.first ??= signal;
    this.#count++;
    this.#pass(signal, this.#count);
    if (this.#count <= 2) return;
    sayOnStderr("stopped without waiting for the runs of the slots, which end too\n");
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
