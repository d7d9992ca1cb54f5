// Signals of a run. Before the run has begun they have their default effect: nothing is lost, and they end a module or a
// `tasks` function that loops for ever.
//
// The first signal asks the run to end, the second terminates its threads, the third ends the process, also while user code
// (a generator, `each`, a hook) blocks the main thread: see watchdog/signals.c.

import { constants } from "node:os";

import { signalGroup } from "../base/process-group.ts";
import { isIgnored } from "../watchdog/ignored-signal.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import type { StopSignal } from "../terminal/ui.ts";

type SignalTargets = {
  /** @param urgent true for the second signal */
  stop(signal: StopSignal, urgent: boolean): void;
  /** Restores the terminal. */
  close(): void;
  readonly programs: Programs;
};

export class RunSignals implements Disposable {
  /** The first signal of the run. */
  first: StopSignal | undefined;
  readonly #targets: SignalTargets;
  readonly #undo: (() => void)[] = [];
  #count = 0;

  constructor(targets: SignalTargets) {
    this.#targets = targets;
    // However the process ends, it leaves no program of a task behind.
    this.#listen("exit", () => this.#endPrograms());
  }

  /**
   * Called when the run has begun.
   * @returns the signals that are handled
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
    // Reached only without a watchdog, which handles the third signal.
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

  /** Restores the default effect of signals. */
  [Symbol.dispose](): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}

/** The exit code that a shell reports for a program ended by this signal. */
export const exitCodeOf = (signal: NodeJS.Signals | number): number =>
  128 + (typeof signal === "number" ? signal : constants.signals[signal]);
