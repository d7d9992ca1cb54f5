// CPU time of attempts. The system tells that of the thread: it is an attempt's own as long as no other runs there.

export class CpuMeter {
  readonly #now: (() => number) | undefined;
  /** Attempts that have begun in this thread. */
  #begun = 0;

  /** @param now CPU time of this thread, ms; undefined where it cannot be had */
  constructor(now: (() => number) | undefined) {
    this.#now = now;
  }

  get begun(): number {
    return this.#begun;
  }

  /** To be called for each attempt: one that is not measured shares the thread with those that are. */
  begin(isMeasured: boolean): CpuSpan | undefined {
    this.#begun++;
    return isMeasured && this.#now !== undefined ? new CpuSpan(this, this.#now) : undefined;
  }
}

export class CpuSpan {
  readonly #meter: CpuMeter;
  readonly #now: () => number;
  readonly #from: number;
  readonly #begun: number;
  #isShared = false;
  /** CPU time of its programs, ms. */
  #programsMs = 0;

  constructor(meter: CpuMeter, now: () => number) {
    this.#meter = meter;
    this.#now = now;
    this.#from = now();
    this.#begun = meter.begun;
  }

  /** The attempt goes on after its first step, and others run in this thread. */
  share(): void {
    this.#isShared = true;
  }

  program(ms: number): void {
    this.#programsMs += ms;
  }

  /** So far; undefined if it is not known: another attempt has run meanwhile. */
  get ms(): number | undefined {
    if (this.#isShared || this.#meter.begun !== this.#begun) return undefined;
    return Math.round(this.#now() - this.#from + this.#programsMs);
  }
}
