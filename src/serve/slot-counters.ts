// What became of the slots of one pipeline since serve began, as numbers that only grow: a pruned database would take some back.

/** How the process of a slot ended. `interrupted`: it was stopped or killed, and the slot goes on later. `not-started`: no run began. */
export type SlotOutcome = "done" | "error" | "cancelled" | "interrupted" | "not-started";

/** Upper bounds of the buckets, in seconds. */
export const delayBounds = [0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3600] as const;
export const durationBounds = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400] as const;

type Observed = {
  /** How many were at most the bound, and not at most the bound before it. The last count is of those above all bounds. */
  readonly counts: readonly number[];
  readonly sumSeconds: number;
  readonly count: number;
};

export type SlotCounts = {
  /** Processes that have ended. */
  readonly runs: Readonly<Record<SlotOutcome, number>>;
  readonly durations: Observed;
  /** From the time at which a slot was to start until its process was started. */
  readonly delays: Observed;
  readonly skipped: number;
  readonly missed: number;
  /** Not begun within `startWithin`. */
  readonly late: number;
  /** When a run was done last, epoch ms. Null: the database has none. */
  readonly lastSuccess: number | null;
};

export class SlotCounters {
  readonly #runs: Record<SlotOutcome, number> = {
    done: 0,
    error: 0,
    cancelled: 0,
    interrupted: 0,
    "not-started": 0,
  };
  readonly #durations = new Observations(durationBounds);
  readonly #delays = new Observations(delayBounds);
  #skipped = 0;
  #missed = 0;
  #late = 0;
  #lastSuccess: number | null = null;

  started(delayMs: number): void {
    this.#delays.add(delayMs);
  }

  ended(outcome: SlotOutcome, durationMs: number, at: number): void {
    this.#runs[outcome]++;
    this.#durations.add(durationMs);
    if (outcome === "done") this.#lastSuccess = at;
  }

  /** Of an earlier serve, or of another process: an alert neither vanishes with a restart nor rings for a slot that a person has run. */
  knownSuccess(at: number): void {
    this.#lastSuccess = Math.max(this.#lastSuccess ?? at, at);
  }

  skipped(): void {
    this.#skipped++;
  }

  missed(slots: number): void {
    this.#missed += slots;
  }

  late(): void {
    this.#late++;
  }

  get counts(): SlotCounts {
    return {
      runs: { ...this.#runs },
      durations: this.#durations.observed,
      delays: this.#delays.observed,
      skipped: this.#skipped,
      missed: this.#missed,
      late: this.#late,
      lastSuccess: this.#lastSuccess,
    };
  }
}

class Observations {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sumSeconds = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = [...bounds.map(() => 0), 0];
  }

  /** A clock that was set back gives a negative one, which counts as none. */
  add(ms: number): void {
    const seconds = Math.max(0, ms / 1000);
    const bucket = this.#bounds.findIndex((bound) => seconds <= bound);
    const index = bucket === -1 ? this.#bounds.length : bucket;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sumSeconds += seconds;
  }

  get observed(): Observed {
    const count = this.#counts.reduce((sum, each) => sum + each, 0);
    return { counts: [...this.#counts], sumSeconds: this.#sumSeconds, count };
  }
}
