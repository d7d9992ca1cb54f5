// What one attempt sends: rows, messages and checkpoints. Each call is encoded when it is made, whether it is awaited or
// not, and its place in the unit is that of the call. A source of rows that is asynchronous is read as it comes.
//
// All or nothing, per call: of a call that fails nothing is stored, and the rest of the unit stays as it was. A failure
// that the author does not take over (send.ts) fails the task, and no checkpoint commits what was sent around it: its
// cursor would say that it is there.

import { AsyncLocalStorage } from "node:async_hooks";

import { Promise } from "../base/globals.ts";
import type { Rows } from "../api/context.ts";
import type { MessageHandle } from "../api/message.ts";
import type { Failure } from "../base/failure.ts";
import type { TaskId } from "../protocol/ids.ts";
import { jsonText } from "../base/json.ts";
import { packMessage } from "../protocol/codec/unit-item.ts";
import { describeValue } from "./describe-value.ts";
import { encodeRows, isAsyncIterable, RowBatcher } from "./row-batches.ts";
import { Send } from "./send.ts";
import type { TargetTable } from "./target-table.ts";
import { type Entry, UnitBudget, Unit, type UnitLimits } from "./unit.ts";

/** What the sends of an attempt need of their thread. */
export type SendPort = {
  readonly id: TaskId;
  /**
   * Posts a unit and the checkpoint that ends it, when it is its turn and there is room; `mayPost` is asked then, once.
   * Resolves when it is posted, to the answer: why the unit could not be applied, or nothing.
   */
  commit(
    unit: Unit,
    cursor: string,
    mayPost: () => boolean,
  ): Promise<{ readonly answer: Promise<Failure | undefined> } | undefined>;
  /** The cursor is committed. */
  committed(cursor: string): void;
  /** An error that a call of this attempt has failed with, so that it can be told whose it is. */
  failed(thrown: unknown): void;
  /** Resolves when the rejections so far that nobody handles have been reported. */
  rejectionsReported(): Promise<void>;
};

/** The source that is being read, while it runs: a checkpoint from within would wait for itself. */
const readingOf = new AsyncLocalStorage<Send>();

const sent = Promise.resolve();

export class Sends {
  readonly #port: SendPort;
  readonly #budget: UnitBudget;
  #unit: Unit;
  /** Sources that are being read. */
  readonly #sources = new Map<Send, Source>();
  /** Checkpoints that are not committed. */
  readonly #checkpoints = new Set<Send>();
  /** Those of them that the writer has not been sent. */
  readonly #unposted = new Set<Send>();
  /** Failed, and not taken over when last looked at. */
  #failed: Send[] = [];
  #reported = 0;
  #failures = 0;
  #lastCheckpoint: Send | undefined;
  /** Resolves when the checkpoints so far are posted. */
  #posted: Promise<void> | undefined;

  constructor(port: SendPort, limits?: UnitLimits) {
    this.#port = port;
    this.#budget = new UnitBudget(limits);
    this.#unit = new Unit(this.#budget);
  }

  /**
   * Runs a call. What it throws becomes its promise's rejection.
   * @param work what the call does before it returns; undefined when nothing is left to wait for
   */
  call(work: () => Promise<void> | undefined): Promise<void> {
    try {
      return work() ?? this.#room();
    } catch (thrown) {
      const send = new Send();
      this.#fail(send, thrown);
      return send.promise;
    }
  }

  rows(rows: Rows, target: TargetTable): Promise<void> | undefined {
    const unit = this.#unit;
    if (isAsyncIterable(rows)) return this.#read(rows, target, unit);
    const entry = unit.open();
    try {
      encodeRows(rows, target, (text, count) => unit.add(entry, text, count));
    } catch (thrown) {
      unit.drop(entry);
      throw thrown;
    }
    unit.close(entry);
    return undefined;
  }

  emit<Payload>(message: MessageHandle<Payload>, payload: Payload): undefined {
    const name = nameOf(message);
    const text = packMessage({
      type: "emit",
      id: this.#port.id,
      message: name,
      payload: jsonText(payload, "payload", `message "${name}"`, "payloads"),
    });
    const entry = this.#unit.open();
    try {
      this.#unit.add(entry, text, 1);
    } catch (thrown) {
      this.#unit.drop(entry);
      throw thrown;
    }
    this.#unit.close(entry);
  }

  /** @param cursor JSON text */
  checkpoint(cursor: string): Promise<void> {
    const reading = readingOf.getStore();
    if (reading !== undefined && this.#sources.has(reading)) {
      throw new Error(
        "ctx.checkpoint was called by the source of rows that is being sent, and would wait for its end; call it between two sends",
      );
    }
    const failed = this.#unobserved()[0];
    if (failed?.failure !== undefined) throw failed.failure.thrown;
    // A checkpoint that waits for its turn counts too: without end, they would fill memory.
    this.#budget.add(1, cursor.length);
    const send = new Send();
    const unit = this.#unit;
    const next = new Unit(this.#budget);
    this.#unit = next;
    const posted = Promise.withResolvers<void>();
    this.#posted = posted.promise;
    this.#checkpoints.add(send);
    this.#unposted.add(send);
    void this.#commit(send, { unit, next, cursor, posted: posted.resolve, ...this.#before() });
    this.#lastCheckpoint = send;
    return send.promise;
  }

  /** What a checkpoint waits for. A failure that the author has taken over by now is no obstacle. */
  #before(): Pick<Checkpoint, "sources" | "trusted" | "previous"> {
    const sources = [...this.#sources.keys()];
    const trusted = new Set(sources.filter((send) => send.isObserved));
    const previous = this.#lastCheckpoint?.isOpen === true ? this.#lastCheckpoint : undefined;
    return { sources, trusted, previous };
  }

  async #commit(send: Send, checkpoint: Checkpoint): Promise<void> {
    const { unit, next, cursor } = checkpoint;
    try {
      await this.#untilReady(checkpoint);
      const posted = await this.#port.commit(unit, cursor, () => this.#unposted.delete(send));
      checkpoint.posted();
      if (posted === undefined) return;
      const failure = await posted.answer;
      if (failure !== undefined) throw errorOf(failure);
      this.#port.committed(cursor);
      send.succeed();
    } catch (thrown) {
      // Not committed, so what it holds goes with what is committed next.
      next.prepend(unit);
      this.#fail(send, thrown);
    } finally {
      checkpoint.posted();
      this.#budget.remove(1, cursor.length);
      this.#checkpoints.delete(send);
      this.#unposted.delete(send);
    }
  }

  /** @throws what one of the sends before has failed with: the cursor must not be stored without them */
  async #untilReady({ sources, trusted, previous }: Checkpoint): Promise<void> {
    for (const source of sources) await source.settled;
    if (previous !== undefined) await previous.settled;
    const failed = [...sources, previous].find(
      (send) => send?.failure !== undefined && !trusted.has(send),
    );
    if (failed?.failure !== undefined) throw failed.failure.thrown;
  }

  // ── sources ──

  #read(rows: AsyncIterable<unknown>, target: TargetTable, unit: Unit): Promise<void> {
    const iterator = rows[Symbol.asyncIterator]();
    const send = new Send();
    const entry = unit.open();
    const source: Source = { iterator, unit, entry };
    this.#sources.set(send, source);
    const batcher = new RowBatcher(target, (text, count) => unit.add(entry, text, count));
    void this.#readAll(send, source, batcher);
    return send.promise;
  }

  async #readAll(send: Send, source: Source, batcher: RowBatcher): Promise<void> {
    const { iterator, unit, entry } = source;
    let isInSource = true;
    try {
      for (;;) {
        isInSource = true;
        const step = await readingOf.run(send, nextOf, iterator);
        if (!send.isOpen) return;
        isInSource = false;
        if (step.done === true) break;
        batcher.add(step.value);
      }
      batcher.finish();
      unit.close(entry);
      send.succeed();
    } catch (thrown) {
      if (!send.isOpen) return;
      unit.drop(entry);
      this.#fail(send, thrown);
      // What has thrown is at its end already.
      if (!isInSource) stop(iterator);
    } finally {
      this.#sources.delete(send);
    }
  }

  // ── failures, and the end ──

  #fail(send: Send, thrown: unknown): void {
    this.#failures++;
    this.#failed = this.#unobserved();
    this.#failed.push(send);
    this.#port.failed(thrown);
    send.fail(thrown);
  }

  #unobserved(): Send[] {
    return this.#failed.filter((send) => !send.isObserved);
  }

  /** Awaiting a send is what bounds memory: it waits for the checkpoints before it, unless they wait for a source. */
  #room(): Promise<void> {
    if (this.#posted === undefined || this.#sources.size > 0) return sent;
    return this.#posted;
  }

  /** Nothing is to be waited for before the task ends. The common case must not cost a turn of the event loop. */
  get areSettled(): boolean {
    return (
      this.#sources.size === 0 && this.#checkpoints.size === 0 && this.#failures === this.#reported
    );
  }

  /**
   * Waits for what the author did not await.
   * @throws the first failure that nobody has taken over
   */
  async settle(): Promise<void> {
    while (!this.areSettled) {
      for (const send of [...this.#sources.keys(), ...this.#checkpoints]) await send.settled;
      if (this.#failures === this.#reported) continue;
      // The author may have awaited a send in a function that nobody awaits: then this is the task's failure too.
      this.#reported = this.#failures;
      await this.#port.rejectionsReported();
    }
    const failed = this.#unobserved()[0];
    if (failed?.failure !== undefined) throw failed.failure.thrown;
  }

  /** Sources that have not come to their end fail, and nothing of them is sent. */
  stopSources(reason: () => Error): void {
    for (const [send, { iterator, unit, entry }] of this.#sources) {
      unit.drop(entry);
      this.#fail(send, reason());
      stop(iterator);
    }
    this.#sources.clear();
  }

  /**
   * The attempt is over: what is open is rejected, but for the checkpoints that are posted. The writer may commit those,
   * and its answer is what their author is told. Returns what was sent and not committed.
   */
  close(refusal: () => Error): Unit {
    this.stopSources(refusal);
    for (const send of this.#unposted) send.fail(refusal());
    this.#unposted.clear();
    return this.#unit;
  }
}

type Source = {
  readonly iterator: AsyncIterator<unknown>;
  readonly unit: Unit;
  readonly entry: Entry;
};

type Checkpoint = {
  readonly unit: Unit;
  /** What is sent after it. */
  readonly next: Unit;
  /** JSON text. */
  readonly cursor: string;
  /** Lets the sends go on that wait for room. */
  readonly posted: () => void;
  /** Sources that were being read at the call. */
  readonly sources: readonly Send[];
  /** Those of them whose failure the author had taken over at the call. */
  readonly trusted: ReadonlySet<Send>;
  /** The checkpoint before it, if that was not committed yet. */
  readonly previous: Send | undefined;
};

const nextOf = (iterator: AsyncIterator<unknown>): Promise<IteratorResult<unknown>> =>
  iterator.next();

/** Lets a source clean up. Nobody waits for it: a source that hangs must not keep the task. */
function stop(iterator: AsyncIterator<unknown>): void {
  try {
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  } catch {
    // The failure that led here is the one to tell.
  }
}

function nameOf(message: unknown): string {
  const name: unknown =
    typeof message === "object" && message !== null ? Reflect.get(message, "name") : undefined;
  if (typeof name === "string") return name;
  throw new TypeError(
    `ctx.emit: the message is ${describeValue(message)}; pass what \`message(name, apply)\` has returned`,
  );
}

/** A failure that came back from the writer, as something to throw. */
function errorOf(failure: Failure): Error {
  const error = new Error(failure.message);
  error.name = failure.name;
  return failure.code === undefined ? error : Object.assign(error, { code: failure.code });
}
