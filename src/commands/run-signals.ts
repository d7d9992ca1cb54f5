// What signals do to a run. Until it has begun they have their usual effect: nothing is lost then, and a module or a
// `tasks` that loops for ever is ended like any other program.
//
// The first asks the run to end, the second ends its threads, the third ends the process, also while user code (a
// generator, `each`, a hook) keeps the main thread busy: see guard/signals.c.

import { constants } from "node:os";

import { signalGroup } from "../base/process-group.ts";
import { isIgnored } from "../guard/ignored.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import type { StopSignal } from "../terminal/ui.ts";

export type SignalTargets = {
  /** @param urgent true for the second */
  stop(signal: StopSignal, urgent: boolean): void;
  /** Gives the terminal back. */
  close(): void;
  readonly programs: Programs;
};

export class RunSignals implements Disposable {
  /** The first that came. */
  first: StopSignal | undefined;
  readonly #targets: SignalTargets;
  readonly #undo: (() => void)[] = [];
  #count = 0;

  constructor(targets: SignalTargets) {
    this.#targets = targets;
    // Whatever ends the process, no program of a task is left behind.
    this.#listen("exit", () => this.#endPrograms());
  }

  /**
   * The run has begun.
   * @returns the signals that are listened to
   */
  begin(): readonly StopSignal[] {
    const signals = (["SIGINT", "SIGTERM", "SIGHUP"] as const).filter(
      (signal) => signal !== "SIGHUP" || !isIgnored("SIGHUP"),
    );
    for (const signal of signals) this.#listen(signal, () => this.#received(signal));
    return signals;
  }

  #received(signal: StopSignal): void {
    this.first ??= signal;
    this.#count++;
    if (this.#count <= 2) return this.#targets.stop(signal, this.#count === 2);
    // Only where there is no guard.
    this[Symbol.dispose]();
    this.#endPrograms();
    this.#targets.close();
    process.kill(process.pid, signal);
  }

  #endPrograms(): void {
    for (const pid of this.#targets.programs.running()) signalGroup(pid, "SIGKILL");
  }

  #listen(event: string, call: () => void): void {
    process.on(event, call);
    this.#undo.push(() => process.off(event, call));
  }

  /** Signals have their usual effect again. */
  [Symbol.dispose](): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}

/** As a shell says it of a program that a signal has ended. */
export const exitCodeOf = (signal: StopSignal): number => 128 + constants.signals[signal];
