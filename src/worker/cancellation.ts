// How an attempt is stopped, by its timeout or because the run is cancelled: first the signal of its context is aborted;
// after the grace period nothing waits for the author's function any more.

import { AbortController } from "../base/globals.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { exactDuration } from "../base/format-duration.ts";
import type { CancelReason } from "../protocol/messages.ts";
import { CancelledError, TimeoutError } from "./attempt-errors.ts";

/** Time between the abort of `ctx.signal` and giving up an attempt that timed out. */
const timeoutGraceMs = 2000;

/** What the cancellation of an attempt needs of it. */
type Stoppable = {
  readonly assignment: { readonly timeoutMs?: number | undefined };
  readonly isEnded: boolean;
  /** The author's function has ended. */
  readonly hasReturned: boolean;
  /** Fails the attempt. */
  crash(thrown: unknown): void;
};

export class Cancellation {
  readonly #attempt: Stoppable;
  readonly #clock: Clock;
  /** Given up: the attempt's function did not end within the grace period. */
  #stop: { readonly reason: CancelReason; readonly isGivenUp: boolean } | undefined;
  #abort: AbortController | undefined;
  /** For the timeout, then for the grace period. */
  #timer: Timer | undefined;

  constructor(attempt: Stoppable, clock: Clock) {
    this.#attempt = attempt;
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stop !== undefined) this.#abort.abort(this.error(this.#stop.reason));
    return this.#abort.signal;
  }

  /** Undefined while the attempt is not to stop. */
  get reason(): CancelReason | undefined {
    return this.#stop?.reason;
  }

  startTimer(timeoutMs: number): void {
    this.#timer = this.#clock.after(timeoutMs, () => this.stop("timeout"));
  }

  stop(reason: CancelReason): void {
    if (this.#stop !== undefined || this.#attempt.isEnded) return;
    this.#stop = { reason, isGivenUp: false };
    this.#abort?.abort(this.error(reason));
    // When the run is cancelled, the main thread ends the threads that do not stop, and gives them more time.
    if (reason === "timeout" || this.#attempt.hasReturned) this.#giveUpLater(reason);
  }

  /** The author's function has ended, and the attempt still waits for what it has sent. */
  returned(): void {
    if (this.#stop !== undefined) this.#giveUpLater(this.#stop.reason);
  }

  /** The author's function may never end: after the grace period nothing waits for it, and what it sends is refused. */
  #giveUpLater(reason: CancelReason): void {
    this.clear();
    this.#timer = this.#clock.after(timeoutGraceMs, () => {
      this.#stop = { reason, isGivenUp: true };
      this.#attempt.crash(this.error(reason));
    });
  }

  error(reason: CancelReason): Error {
    if (reason === "cancelled") return new CancelledError("the run was cancelled");
    const { hasReturned, assignment } = this.#attempt;
    const consequence =
      this.#stop?.isGivenUp === true && !hasReturned
        ? ", and did not react to ctx.signal; pipeloom no longer waits for it, and refuses what it still sends"
        : "";
    return new TimeoutError(
      `timed out after ${exactDuration(assignment.timeoutMs ?? 0)}${consequence}`,
    );
  }

  /** The attempt has failed, but its function may go on: aborts its signal. */
  abandon(): void {
    if (this.#stop === undefined) this.#abort?.abort(new CancelledError("the attempt has failed"));
  }

  /** The attempt has ended. */
  clear(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
  }
}
