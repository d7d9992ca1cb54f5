// Everything a Worker tells the writer, in posts of many records. Progress is latest-wins, and a task that ends before
// its start was sent is one record. Bounded: when the credits are used up, nothing is posted until the writer commits.

import { Promise, JSON } from "../base/globals.ts";
import { type Credits, creditsOf } from "../protocol/shared/credits.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { TaskRecord } from "../protocol/records.ts";
import type { Mask } from "../protocol/mask.ts";
import { CompletionPacker, type Completion } from "../protocol/codec/completions.ts";

/** What the sender reads of a running attempt when it is time to send. */
export interface Reporting {
  readonly id: TaskId;
  startedRecord(): TaskRecord;
  /** The newest progress. */
  progressRecord(): TaskRecord;
}

export type FinishedRecord = Extract<TaskRecord, { type: "finished" }>;

export type RecordPort = { postMessage(text: string): void };

const maxRecords = 512;
/** Long lines are posted sooner: a post is parsed as a whole, and the writer holds several. */
const maxLogChars = 256 * 1024;
/** Records do not get older than this while the thread runs short tasks. */
const maxAgeMs = 10;
/** Progress alone is in no hurry: a person looks 10 times a second. */
const progressAgeMs = 50;

export class RecordSender {
  readonly #port: RecordPort;
  readonly #credits: Credits;
  readonly #mask: Mask | undefined;
  readonly #clock: Clock;
  #records: TaskRecord[] = [];
  /** In lines of logs among the records. */
  #logChars = 0;
  readonly #done = new CompletionPacker();
  readonly #started = new Set<Reporting>();
  readonly #progressed = new Set<Reporting>();
  /** When the oldest unsent record came, or when progress was last sent. */
  #since = 0;
  #waiting: (() => void)[] = [];
  #flushSoon = false;
  #progressTimer: Timer | undefined;

  constructor(port: RecordPort, credits: Credits, mask: Mask | undefined, clock: Clock) {
    this.#port = port;
    this.#credits = credits;
    this.#mask = mask;
    this.#clock = clock;
  }

  get hasRoom(): boolean {
    return this.#credits.hasRoom;
  }

  /** Resolves when the writer has taken enough in. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** An ack has come. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    if (this.#isDirty) this.#schedule();
  }

  /** @param now send at once: the attempt may keep the thread, and nobody would know that it runs. */
  started(attempt: Reporting, now: boolean): void {
    this.#started.add(attempt);
    if (now) this.flush();
    else this.#schedule();
  }

  progressed(attempt: Reporting): void {
    this.#progressed.add(attempt);
    this.#progressTimer ??= this.#clock.after(progressAgeMs, () => {
      this.#progressTimer = undefined;
      if (this.hasRoom) this.flush();
    });
  }

  /** For a loop that never returns to the event loop: sends progress if it is old enough. */
  flushProgress(now: number): void {
    if (now - this.#since >= progressAgeMs && this.hasRoom) {
      this.flush();
      this.#since = now;
    }
  }

  /** A record to be sent soon. Blocks the thread when the writer is too far behind. */
  add(record: TaskRecord): void {
    this.#records.push(record);
    if (record.type === "log") this.#logChars += record.line.length;
    if (this.#unsent >= maxRecords || this.#logChars >= maxLogChars) this.#flushBlocking();
    else this.#schedule();
  }

  get #unsent(): number {
    return this.#records.length + this.#done.size;
  }

  finished(attempt: Reporting, record: FinishedRecord): void {
    this.#started.delete(attempt);
    this.#progressed.delete(attempt);
    const done = plainDone(record);
    if (done === undefined) this.#records.push(record);
    else this.#done.add(this.#mask === undefined ? done : this.#mask.data(done));
    if (this.#unsent >= maxRecords || this.#clock.now() - this.#since > maxAgeMs) {
      this.#flushBlocking();
    } else this.#schedule();
  }

  /**
   * A unit and the record that ends it, without anything between them: it blocks the thread instead of awaiting room, for
   * another task of this thread could send a word in between, and the writer would take that for the unit's end. The
   * caller awaits `room` first. It does not block for long: the writer gives room back for each part that it takes in.
   */
  unit(attempt: Reporting, parts: string[], end: TaskRecord): void {
    // Its start comes before, or the writer would not know the attempt.
    this.flush();
    // Taken out as they go: what has been sent is not needed here any more.
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      this.#credits.waitForRoom();
      this.#post(part);
    }
    this.#credits.waitForRoom();
    if (end.type === "finished") {
      this.#started.delete(attempt);
      this.#progressed.delete(attempt);
    }
    this.#postRecords([end]);
  }

  get #isDirty(): boolean {
    return this.#unsent > 0 || this.#started.size > 0 || this.#progressed.size > 0;
  }

  #flushBlocking(): void {
    this.#credits.waitForRoom();
    this.flush();
  }

  #schedule(): void {
    if (this.#flushSoon) return;
    this.#flushSoon = true;
    this.#since = this.#clock.now();
    this.#clock.soon(() => {
      this.#flushSoon = false;
      if (this.hasRoom) this.flush();
    });
  }

  flush(): void {
    if (!this.#isDirty) return;
    const records: TaskRecord[] = [];
    for (const attempt of this.#started) records.push(attempt.startedRecord());
    for (const attempt of this.#progressed) records.push(attempt.progressRecord());
    this.#started.clear();
    this.#progressed.clear();
    if (this.#progressTimer !== undefined) {
      this.#clock.cancel(this.#progressTimer);
      this.#progressTimer = undefined;
    }
    for (const record of this.#records) records.push(record);
    this.#records = [];
    this.#logChars = 0;
    // What a task has said on its way comes before its end.
    if (records.length > 0) this.#postRecords(records);
    if (this.#done.size > 0) this.#post(this.#done.take());
    this.#since = this.#clock.now();
  }

  #postRecords(records: readonly TaskRecord[]): void {
    this.#post(JSON.stringify(this.#mask === undefined ? records : this.#mask.data(records)));
  }

  #post(text: string): void {
    this.#port.postMessage(text);
    this.#credits.spend(creditsOf(text.length));
  }
}

/** Undefined for an end that says more than a pack can hold. */
function plainDone(record: FinishedRecord): Completion | undefined {
  const { outcome, startedAt } = record;
  if (outcome.status !== "done" || outcome.retryAt !== undefined || startedAt === null) {
    return undefined;
  }
  if (record.progress !== undefined) return undefined;
  const { id, name, key, attempt, at, wantsResult } = record;
  return { id, name, key, attempt, startedAt, at, result: outcome.result, wantsResult };
}
