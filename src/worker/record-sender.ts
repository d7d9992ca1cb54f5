// A worker's queue to the writer. One message carries many records. Progress is latest-wins, and a task that ends before
// its start was sent is one record. Bounded: without credits, nothing is sent until the writer commits.

import { Promise, JSON } from "../base/globals.ts";
import { type Credits, creditsOf } from "../protocol/shared/credits.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { TaskRecord } from "../protocol/writer-records.ts";
import type { Mask } from "../protocol/mask.ts";
import { CompletionPacker, type Completion } from "../protocol/codec/completions.ts";

/** A running attempt. The sender asks for its records when it sends them. */
export interface Reporting {
  readonly id: TaskId;
  startedRecord(): TaskRecord;
  /** The newest progress. */
  progressRecord(): TaskRecord;
}

export type FinishedRecord = Extract<TaskRecord, { type: "finished" }>;

type RecordPort = { postMessage(text: string): void };

const maxRecords = 512;
/** Long log lines and results are sent sooner: the writer holds several messages, and each as a whole. */
const maxChars = 128 * 1024;
/** Maximum age of a record while the thread runs short tasks. */
const maxAgeMs = 10;
/** Maximum age of progress: the screen is drawn 10 times a second. */
const progressAgeMs = 50;

export class RecordSender {
  readonly #port: RecordPort;
  readonly #credits: Credits;
  readonly #mask: Mask | undefined;
  readonly #clock: Clock;
  #records: TaskRecord[] = [];
  /** Characters of the log lines, inputs and results that are not sent yet. */
  #chars = 0;
  readonly #completions = new CompletionPacker();
  readonly #started = new Set<Reporting>();
  readonly #progressed = new Set<Reporting>();
  /** Monotonic time of the oldest unsent record, or of the last message with progress. */
  #since = 0;
  /** Resolvers of `room`. */
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

  /** Resolves when the writer has given back enough credits. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The writer has sent an ack. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    if (this.#isDirty) this.#schedule();
  }

  /** @param now send at once: the attempt may block the thread, and it would not be shown as running */
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

  /** For a task that does not return to the event loop: sends progress that is old enough. */
  flushProgress(now: number): void {
    if (now - this.#since >= progressAgeMs && this.hasRoom) {
      this.flush();
      this.#since = now;
    }
  }

  /** Queues a record. Blocks the thread when the queue is full and the writer has no room. */
  add(record: TaskRecord): void {
    this.#records.push(record);
    if (record.type === "log") this.#chars += record.line.length;
    if (this.#isFull) this.#flushBlocking();
    else this.#schedule();
  }

  get #unsent(): number {
    return this.#records.length + this.#completions.size;
  }

  get #isFull(): boolean {
    return this.#unsent >= maxRecords || this.#chars >= maxChars;
  }

  finished(attempt: Reporting, record: FinishedRecord): void {
    this.#started.delete(attempt);
    this.#progressed.delete(attempt);
    if (record.outcome.status === "done") this.#chars += record.outcome.result.length;
    if (record.input !== undefined) this.#chars += record.input.length;
    const completion = completionOf(record);
    if (completion === undefined) this.#records.push(record);
    else this.#completions.add(this.#mask === undefined ? completion : this.#mask.data(completion));
    if (this.#isFull || this.#clock.now() - this.#since > maxAgeMs) {
      this.#flushBlocking();
    } else this.#schedule();
  }

  /**
   * Sends a unit and the record that ends it, with no other record between them: the writer would take that for the end of
   * the unit. So it blocks the thread where it needs room, since another task of this thread could send something during
   * an await. The caller awaits `room` first, and the writer gives credits back for each item: it does not block for long.
   */
  unit(attempt: Reporting, items: string[], end: TaskRecord): void {
    // The writer must know the attempt: its start is sent first.
    this.flush();
    // Removed from the list as they are sent, to free their memory.
    for (let item = items.shift(); item !== undefined; item = items.shift()) {
      this.#credits.waitForRoom();
      this.#post(item);
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
    this.#chars = 0;
    // The logs and progress of a task precede its end.
    if (records.length > 0) this.#postRecords(records);
    if (this.#completions.size > 0) this.#post(this.#completions.take());
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

/** Undefined for a record that a completion cannot hold. */
function completionOf(record: FinishedRecord): Completion | undefined {
  const { outcome, startedAt } = record;
  if (outcome.status !== "done" || outcome.retryAt !== undefined || startedAt === null) {
    return undefined;
  }
  if (record.progress !== undefined) return undefined;
  const { id, name, key, attempt, at, wantsResult, cpuMs, waitedMs, input, label, needs } = record;
  const { result } = outcome;
  const { position } = record;
  return {
    id,
    name,
    key,
    attempt,
    startedAt,
    at,
    result,
    wantsResult,
    cpuMs,
    waitedMs,
    input,
    label,
    needs,
    position,
  };
}
