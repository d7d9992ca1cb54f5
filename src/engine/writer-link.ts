// Messages to and from the writer. Records for the file are masked here. Commits that the main thread has not processed
// hold the writer, and through it the workers.

import { JSON } from "../base/globals.ts";
import type { Failure } from "../base/failure.ts";
import { assertNever } from "../base/unreachable.ts";
import type { TextGarbage } from "../base/text-garbage.ts";
import type { TaskId, WorkerId } from "../protocol/ids.ts";
import type { Mask } from "../protocol/mask.ts";
import type {
  CommittedEvent,
  FromWriter,
  RestoredPage,
  RestoredTask,
  ToWriter,
} from "../protocol/messages.ts";
import type { KnownParts } from "../protocol/reuse.ts";
import type { MainRecord } from "../protocol/writer-records.ts";
import { SharedCount } from "../protocol/shared/shared-count.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { unpackEvents } from "./unpack-events.ts";
import type { InFlight } from "./in-flight.ts";
import type { Inputs } from "./inputs.ts";
import type { Life } from "./life.ts";
import type { WriterThread } from "./run-options.ts";

/** Commits are acknowledged this many at a time: a message that nobody waits for costs a wake-up. */
const seenAtOnce = 16;
/** They are acknowledged earlier when they have come to this many characters. */
const seenCharsAtOnce = 256 * 1024;

type Opened = Extract<FromWriter, { type: "opened" }>;
type Closed = Extract<FromWriter, { type: "closed" }>;
type Results = Extract<FromWriter, { type: "results" }>["results"];

/** One function per message of the writer, in the order of a run. */
export type WriterEvents = {
  restored(page: RestoredPage): void;
  /** The writer asks for the fingerprints of the tasks' code. */
  codeWanted(known: readonly KnownParts[]): void;
  /** The file does not have the code of these fingerprints. */
  sourcesWanted(fingerprints: readonly string[]): void;
  /** No earlier run has a result for these tasks. */
  notReused(ids: readonly TaskId[]): void;
  opened(opened: Opened): void;
  /** With `wait`: the run that was waited for has done everything. */
  doneElsewhere(summary: RunSummary): void;
  committed(events: readonly CommittedEvent[]): void;
  /** Everything that a lost worker sent is committed. */
  detached(workerId: WorkerId): void;
  results(results: Results): void;
  output(level: LogLevel, line: string): void;
  /** No more can be committed: the writer has failed, or its thread has ended. */
  failed(failure: Failure): void;
  closed(finished: Closed["finished"]): void;
};

type WriterLinkDeps = {
  readonly life: Life;
  readonly inFlight: InFlight;
  readonly mask: Mask | undefined;
  readonly inputs: Inputs;
  readonly garbage: Pick<TextGarbage, "add">;
  /** A promise while a reader of the events is behind. */
  behind(): Promise<void> | undefined;
  /** Runs `work`. An error ends the run. */
  failOnThrow(work: () => void): void;
};

export class WriterLink {
  readonly #deps: WriterLinkDeps;
  readonly #events: WriterEvents;
  #thread: WriterThread | undefined;
  /** Messages with records that were sent. */
  readonly recorded = SharedCount.create();
  /** Commits processed and not acknowledged. */
  #seen = 0;
  #seenChars = 0;
  /** Nothing is acknowledged until a reader has caught up. */
  #isReaderBehind = false;

  constructor(deps: WriterLinkDeps, events: WriterEvents) {
    this.#deps = deps;
    this.#events = events;
  }

  /** The first message to a new thread. */
  open(thread: WriterThread, message: Extract<ToWriter, { type: "open" }>): void {
    this.#thread = thread;
    thread.onmessage = (event) =>
      this.#deps.failOnThrow(() => this.#receive(event.data as FromWriter));
    thread.onerror = (event) => {
      event.preventDefault();
      this.#events.failed({ name: "WriterCrash", message: event.message });
    };
    thread.addEventListener("close", ({ code }) =>
      this.#events.failed({
        name: "WriterExit",
        message: `the writer's thread ended with code ${code}; does a message's \`apply\`, or the module itself, call process.exit?`,
      }),
    );
    this.send(message);
  }

  send(message: ToWriter, transfer: MessagePort[] = []): void {
    if (this.#thread === undefined) {
      throw new Error(`Internal error: "${message.type}" for a writer that was not opened`);
    }
    this.#thread.postMessage(this.#masked(message), transfer);
  }

  record(records: readonly MainRecord[]): void {
    if (records.length === 0) return;
    this.recorded.increase();
    this.send({ type: "records", records });
  }

  terminate(): void {
    this.#thread?.terminate();
  }

  #masked(message: ToWriter): ToWriter {
    const { mask } = this.#deps;
    const isText =
      message.type === "records" || message.type === "close" || message.type === "reuse";
    if (mask === undefined || !isText) {
      return message;
    }
    return mask.data(message);
  }

  #receive(message: FromWriter): void {
    const { mask, inFlight, inputs, garbage } = this.#deps;
    switch (message.type) {
      case "restored":
        return this.#events.restored({
          tasks: JSON.parse(message.tasks) as RestoredTask[],
          done: message.done,
        });
      case "code-wanted":
        return this.#events.codeWanted(message.known);
      case "sources-wanted":
        return this.#events.sourcesWanted(message.fingerprints);
      case "not-reused":
        return this.#events.notReused(message.ids);
      case "opened":
        return this.#events.opened(message);
      case "done-elsewhere":
        return this.#events.doneElsewhere(message.summary);
      case "committed": {
        garbage.add(message.events.length);
        const events = unpackEvents(message.events, inFlight, inputs);
        this.#seenChars += message.events.length;
        return this.#events.committed(events);
      }
      case "detached":
        return this.#events.detached(message.workerId);
      case "results":
        garbage.add(message.results.reduce((chars, [, result]) => chars + result.length, 0));
        return this.#events.results(message.results);
      case "output":
        return this.#events.output(message.level, message.line);
      case "failed":
        return this.#events.failed(mask?.data(message.failure) ?? message.failure);
      case "closed":
        return this.#events.closed(mask?.data(message.finished) ?? message.finished);
      default:
        assertNever(message);
    }
  }

  // ── acknowledgements ──

  /** A `committed` message has been processed. */
  seen(): void {
    this.#seen++;
    if (this.#isReaderBehind || this.#waitForReader()) return;
    if (this.#seen >= seenAtOnce || this.#seenChars >= seenCharsAtOnce) this.#acknowledge();
  }

  /** The run waits for no reader any more. */
  readerCaughtUp(): void {
    if (!this.#isReaderBehind) return;
    this.#isReaderBehind = false;
    this.#acknowledge();
  }

  /** A run that ends waits for no reader. */
  #waitForReader(): boolean {
    const { life } = this.#deps;
    if (life.stop !== undefined || life.isEnding) return false;
    const wait = this.#deps.behind();
    if (wait === undefined) return false;
    this.#isReaderBehind = true;
    void wait.then(() => this.readerCaughtUp());
    return true;
  }

  #acknowledge(): void {
    this.send({ type: "seen", count: this.#seen });
    this.#seen = 0;
    this.#seenChars = 0;
  }
}
