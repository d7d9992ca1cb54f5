// Sends units to the writer, one at a time per worker, and resolves checkpoints when the writer acknowledges them.

import { Promise } from "../base/globals.ts";
import type { Failure } from "../base/failure.ts";
import { Mutex } from "../base/mutex.ts";
import type { Ack } from "../protocol/writer-records.ts";
import type { FinishedRecord, RecordSender, Reporting } from "./record-sender.ts";
import type { Unit } from "./unit.ts";

/** A checkpoint that was sent. */
export type SentCheckpoint = {
  /** Resolves when the writer has answered: with the reason why the unit could not be applied, or undefined. */
  readonly answer: Promise<Failure | undefined>;
};

type SendingAttempt = Reporting & { readonly attempt: number; readonly key: string };

export class UnitSender {
  readonly #sender: RecordSender;
  /** The writer takes the items of one unit at a time: those of two units must not be mixed. */
  readonly #mutex = new Mutex();
  /** By `seq`: resolves the answer of a checkpoint. */
  readonly #unanswered = new Map<number, (failure: Failure | undefined) => void>();
  #lastSeq = 0;

  constructor(sender: RecordSender) {
    this.#sender = sender;
  }

  /**
   * Sends the unit and the checkpoint that ends it, once the mutex is free and the writer has room.
   * @param mayStart called once, at that time. If it returns false, nothing is sent and the call resolves to undefined
   */
  checkpoint(
    from: SendingAttempt,
    unit: Unit,
    cursor: string,
    mayStart: () => boolean,
  ): Promise<SentCheckpoint | undefined> {
    return this.#mutex.run(async () => {
      await this.#sender.room();
      if (!mayStart()) return undefined;
      const seq = ++this.#lastSeq;
      const answer = new Promise<Failure | undefined>((resolve) =>
        this.#unanswered.set(seq, resolve),
      );
      const { id, key, attempt } = from;
      this.#sender.unit(from, unit.take(), { type: "checkpoint", id, key, attempt, seq, cursor });
      return { answer };
    });
  }

  /** Sends the unit and the record that ends it. */
  finish(from: SendingAttempt, unit: Unit, record: FinishedRecord): Promise<void> {
    return this.#mutex.run(async () => {
      await this.#sender.room();
      this.#sender.unit(from, unit.take(), record);
    });
  }

  acknowledged({ checkpoints = [] }: Ack): void {
    for (const { seq, failure } of checkpoints) {
      this.#unanswered.get(seq)?.(failure);
      this.#unanswered.delete(seq);
    }
  }
}
