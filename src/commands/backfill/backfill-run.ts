// Runs the slots of a backfill, so many at once, in their order, until all have ended or it is told to stop.

import { Promise } from "../../base/globals.ts";
import { reasonOf } from "../../base/system-error.ts";
import type { SlotRun } from "../../store/read/slot-runs.ts";
import type { StopSignal } from "../../terminal/ui.ts";
import { actionFor, type Asked, type PlannedSlot, type SlotAction } from "./backfill-plan.ts";
import type { ChildEnd, SlotChild } from "./slot-child.ts";

/** Null: the slot has no run. */
type WithRun = { readonly run: number | null };

/** `before`: another process has done it since the backfill began. */
export type SlotEnd =
  | ({ readonly status: "done" } & WithRun)
  | ({ readonly status: "before" } & WithRun)
  | UnfinishedEnd;

/** `stopped`: it was cancelled and can go on. `elsewhere`: another process runs it. */
export type UnfinishedEnd =
  | ({ readonly status: "elsewhere" } & WithRun)
  | ({ readonly status: "failed" | "stopped"; readonly why: string } & WithRun);

type BackfillSteps = {
  /** What the database says of the slot now; undefined where it cannot be read. */
  readonly look: (slot: number) => SlotRun | null | undefined;
  readonly whyFailed: (run: SlotRun) => string | undefined;
  readonly start: (slot: number, action: SlotAction) => SlotChild;
  readonly began: (slot: number) => void;
  readonly ended: (slot: number, end: SlotEnd) => void;
};

type Limits = { readonly concurrency: number; readonly failFast: boolean };

export class BackfillRun {
  readonly #steps: BackfillSteps;
  readonly #asked: Asked;
  readonly #limits: Limits;
  readonly #running = new Map<number, SlotChild>();
  #isStopping = false;

  constructor(steps: BackfillSteps, asked: Asked, limits: Limits) {
    this.#steps = steps;
    this.#asked = asked;
    this.#limits = limits;
  }

  get running(): readonly number[] {
    return [...this.#running.keys()];
  }

  /** Resolves when each of the slots has ended, or those that run when it was stopped. */
  async run(slots: Iterable<PlannedSlot>): Promise<void> {
    const queue = slots[Symbol.iterator]();
    const takeTurns = async (): Promise<void> => {
      while (!this.#isStopping) {
        const next = queue.next();
        if (next.done === true) return;
        await this.#one(next.value);
      }
    };
    await Promise.all(Array.from({ length: this.#limits.concurrency }, takeTurns));
  }

  /** Starts no more slots, and tells those that run. */
  stop(signal: StopSignal): void {
    this.#isStopping = true;
    for (const child of this.#running.values()) child.kill(signal);
  }

  async #one({ slot, found }: PlannedSlot): Promise<void> {
    const { look, start, began, ended } = this.#steps;
    // It may be long since the slots were looked at.
    const seen = look(slot);
    const now = seen === undefined ? found : seen;
    const action = actionFor(now, this.#asked);
    if (action === "none" && now !== null) {
      const run = now.run;
      if (now.state === "failed") this.#failed(slot, run, this.#steps.whyFailed(now) ?? "failed");
      else ended(slot, { status: now.state === "running" ? "elsewhere" : "before", run });
      return;
    }
    began(slot);
    const child = startedOrNot(() => start(slot, action));
    if (typeof child === "string") return this.#failed(slot, null, child);
    this.#running.set(slot, child);
    const end = await child.ended;
    this.#running.delete(slot);
    const outcome = this.#outcome(end, look(slot) ?? null);
    if (outcome.status === "failed") this.#failed(slot, outcome.run, outcome.why);
    else ended(slot, outcome);
  }

  #failed(slot: number, run: number | null, why: string): void {
    this.#steps.ended(slot, { status: "failed", run, why });
    if (this.#limits.failFast) this.#isStopping = true;
  }

  #outcome(end: ChildEnd, found: SlotRun | null): SlotEnd {
    const run = found?.run ?? null;
    if (end.code === 0 || found?.state === "done") return { status: "done", run };
    if (found?.state === "running") return { status: "elsewhere", run };
    const how = howItEnded(end);
    if (end.signal !== null) {
      return { status: this.#isStopping ? "stopped" : "failed", run, why: how };
    }
    if (end.complaint !== undefined) return { status: "failed", run, why: end.complaint };
    if (found?.state === "stopped") return { status: "stopped", run, why: "cancelled" };
    const stored = found === null ? undefined : this.#steps.whyFailed(found);
    return { status: "failed", run, why: stored ?? end.lastLine ?? how };
  }
}

function startedOrNot(start: () => SlotChild): SlotChild | string {
  try {
    return start();
  } catch (thrown) {
    return `it cannot be started: ${reasonOf(thrown)}`;
  }
}

const howItEnded = ({ code, signal }: ChildEnd): string =>
  signal === null ? `its process ended with code ${code}` : `its process was ended by ${signal}`;
