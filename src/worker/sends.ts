// What one attempt sends: rows, messages and checkpoints. A call is encoded when it is made, awaited or not, and items keep
// the order of the calls. An async source of rows is read as its rows arrive.
//
// Each call is all or nothing: a call that fails stores nothing, and the rest of the unit stays as it was. A failure that
// the author does not handle (send.ts) fails the task. No checkpoint commits what was sent around such a failure: its
// cursor would claim that the failed rows are stored.

import { Promise } from "../base/globals.ts";
import type { Rows } from "../api/context.ts";
import type { MessageHandle } from "../api/message.ts";
import type { Failure } from "../base/failure.ts";
import type { TaskId } from "../protocol/ids.ts";
import { jsonText } from "../base/json.ts";
import { packItem } from "../protocol/codec/unit-item.ts";
import { describeValue } from "../base/describe-value.ts";
import { encodeRows, isAsyncIterable } from "./row-batches.ts";
import { RowSources } from "./row-sources.ts";
import type { SeenValues } from "./seen-values.ts";
import { Send } from "./send.ts";
import type { TargetTable } from "./target-table.ts";
import { UnitBudget, Unit, type UnitLimits } from "./unit.ts";
import type { SentCheckpoint } from "./unit-sender.ts";

/** What the sends of an attempt need of it. */
export interface SendDeps {
  readonly id: TaskId;
  /**
   * Sends a unit and the checkpoint that ends it, when the writer has room. `mayStart` is called once, at that time.
   * Resolves when the checkpoint is sent; to undefined if `mayStart` has returned false.
   */
  commit(unit: Unit, cursor: string, mayStart: () => boolean): Promise<SentCheckpoint | undefined>;
  /** The cursor is committed. */
  committed(cursor: string): void;
  /** A call has failed with this error. If nobody catches the error, this tells which attempt it belongs to. */
  callFailed(thrown: unknown): void;
  /** Resolves after the runtime has reported the unhandled rejections so far. */
  rejectionsReported(): Promise<void>;
}

const resolved = Promise.resolve();

export class Sends {
  readonly #deps: SendDeps;
  readonly #budget: UnitBudget;
  #unit: Unit;
  readonly #sources = new RowSources((send, thrown) => this.#fail(send, thrown));
  /** Checkpoints that are not committed yet. */
  readonly #checkpoints = new Set<Send>();
  /** Checkpoints that are not sent to the writer yet. */
  readonly #unsent = new Set<Send>();
  /** Failed sends that the author had not handled at the last check. */
  #failed: Send[] = [];
  #failures = 0;
  /** The failures whose rejections the runtime has reported, if they were unhandled. */
  #reported = 0;
  #lastCheckpoint: Send | undefined;
  /** Units of checkpoints that are not committed yet, in order. */
  readonly #committing = new Set<Unit>();
  /** Resolves when all checkpoints so far are sent to the writer. */
  #allSent: Promise<void> | undefined;

  constructor(deps: SendDeps, limits?: UnitLimits) {
    this.#deps = deps;
    this.#budget = new UnitBudget(limits);
    this.#unit = new Unit(this.#budget);
  }

  /**
   * Runs a call. An error that it throws rejects the call's promise.
   * @param work the synchronous part of the call; returns undefined when there is nothing to wait for
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
    if (isAsyncIterable(rows)) return this.#sources.read(rows, target, unit);
    const entry = unit.open(target.created);
    let seen: SeenValues | undefined;
    try {
      seen = encodeRows(rows, target, (text, count) => unit.add(entry, text, count));
    } catch (thrown) {
      unit.drop(entry);
      throw thrown;
    }
    unit.close(entry, seen);
    return undefined;
  }

  emit<Payload>(message: MessageHandle<Payload>, payload: Payload): undefined {
    const name = nameOf(message);
    const text = packItem({
      type: "emit",
      id: this.#deps.id,
      message: name,
      payload: jsonText(payload, "payload", `message "${name}"`, "payloads"),
    });
    this.#add(text);
  }

  /** @param text of an item that is no row batch */
  #add(text: string): void {
    const entry = this.#unit.open();
    try {
      this.#unit.add(entry, text, 1);
    } catch (thrown) {
      this.#unit.drop(entry);
      throw thrown;
    }
    this.#unit.close(entry);
  }

  /** @param value JSON text */
  setState(key: string, value: string, at: number): undefined {
    this.#add(packItem({ type: "state", id: this.#deps.id, key, value, at }));
    this.#unit.setState(key, value);
  }

  /** JSON text that this attempt has set and that is not committed yet. */
  stateOf(key: string): string | undefined {
    const units = [...this.#committing, this.#unit];
    return units.findLast((unit) => unit.stateOf(key) !== undefined)?.stateOf(key);
  }

  /** @param cursor JSON text */
  checkpoint(cursor: string): Promise<void> {
    if (this.#sources.isCaller) {
      throw new Error(
        "ctx.checkpoint was called by the source of rows that is being sent, and would wait for its end; call it between two sends",
      );
    }
    const failed = this.#unobserved()[0];
    if (failed?.failure !== undefined) throw failed.failure.thrown;
    // Waiting checkpoints count too: otherwise their number, and the memory for it, would be unbounded.
    this.#budget.add(1, cursor.length);
    const send = new Send();
    const unit = this.#unit;
    const next = new Unit(this.#budget);
    this.#unit = next;
    const sent = Promise.withResolvers<void>();
    this.#allSent = sent.promise;
    this.#checkpoints.add(send);
    this.#unsent.add(send);
    this.#committing.add(unit);
    void this.#commit(send, { unit, next, cursor, sent: sent.resolve, ...this.#before() });
    this.#lastCheckpoint = send;
    return send.promise;
  }

  /** What a checkpoint waits for. Failures that the author has handled by now do not hinder it. */
  #before(): Pick<Checkpoint, "sources" | "trusted" | "previous"> {
    const sources = this.#sources.sends;
    const trusted = new Set(sources.filter((send) => send.isObserved));
    const previous = this.#lastCheckpoint?.isOpen === true ? this.#lastCheckpoint : undefined;
    return { sources, trusted, previous };
  }

  async #commit(send: Send, checkpoint: Checkpoint): Promise<void> {
    const { unit, next, cursor } = checkpoint;
    try {
      await this.#untilReady(checkpoint);
      const sent = await this.#deps.commit(unit, cursor, () => this.#unsent.delete(send));
      checkpoint.sent();
      if (sent === undefined) return;
      const failure = await sent.answer;
      if (failure !== undefined) throw errorOf(failure);
      this.#deps.committed(cursor);
      send.succeed();
    } catch (thrown) {
      // Not committed: the items go into the next unit.
      next.prepend(unit);
      this.#fail(send, thrown);
    } finally {
      checkpoint.sent();
      this.#committing.delete(unit);
      this.#budget.remove(1, cursor.length);
      this.#checkpoints.delete(send);
      this.#unsent.delete(send);
    }
  }

  /** @throws the failure of an earlier send: the cursor must not be stored without its rows */
  async #untilReady({ sources, trusted, previous }: Checkpoint): Promise<void> {
    for (const source of sources) await source.settled;
    if (previous !== undefined) await previous.settled;
    const failed = [...sources, previous].find(
      (send) => send?.failure !== undefined && !trusted.has(send),
    );
    if (failed?.failure !== undefined) throw failed.failure.thrown;
  }

  // ── failures and the end ──

  #fail(send: Send, thrown: unknown): void {
    this.#failures++;
    this.#failed = this.#unobserved();
    this.#failed.push(send);
    this.#deps.callFailed(thrown);
    send.fail(thrown);
  }

  #unobserved(): Send[] {
    return this.#failed.filter((send) => !send.isObserved);
  }

  /** Bounds memory: an awaited send waits for the earlier checkpoints, unless those wait for a source. */
  #room(): Promise<void> {
    if (this.#allSent === undefined || this.#sources.size > 0) return resolved;
    return this.#allSent;
  }

  /** True in the common case, where the end of the task needs no turn of the event loop. */
  get areSettled(): boolean {
    return (
      this.#sources.size === 0 && this.#checkpoints.size === 0 && this.#failures === this.#reported
    );
  }

  /**
   * Waits for the sends that the author did not await.
   * @throws the first failure that the author has not handled
   */
  async settle(): Promise<void> {
    while (!this.areSettled) {
      for (const send of [...this.#sources.sends, ...this.#checkpoints]) await send.settled;
      if (this.#failures === this.#reported) continue;
      // A send may be awaited in a function that nobody awaits. Its failure is then an unhandled rejection of the task.
      this.#reported = this.#failures;
      await this.#deps.rejectionsReported();
    }
    const failed = this.#unobserved()[0];
    if (failed?.failure !== undefined) throw failed.failure.thrown;
  }

  /** Fails the sources that have not ended. Their rows are dropped. */
  stopSources(reason: () => Error): void {
    this.#sources.stop(reason);
  }

  /**
   * The attempt has ended: rejects the sends that are open, except checkpoints that were sent to the writer. The writer may
   * commit those, and its answer settles them. Returns the unit that is not committed.
   */
  close(refusal: () => Error): Unit {
    this.stopSources(refusal);
    for (const send of this.#unsent) send.fail(refusal());
    this.#unsent.clear();
    return this.#unit;
  }
}

type Checkpoint = {
  readonly unit: Unit;
  /** The unit of later sends. */
  readonly next: Unit;
  /** JSON text. */
  readonly cursor: string;
  /** Resolves `#allSent`: the sends that wait for room go on. */
  readonly sent: () => void;
  /** Sources that were being read when the checkpoint was called. */
  readonly sources: readonly Send[];
  /** Sources whose failure the author handles: their promise was awaited or caught before the call. */
  readonly trusted: ReadonlySet<Send>;
  /** The previous checkpoint, if it was not committed yet. */
  readonly previous: Send | undefined;
};

function nameOf(message: unknown): string {
  const name: unknown =
    typeof message === "object" && message !== null ? Reflect.get(message, "name") : undefined;
  if (typeof name === "string") return name;
  throw new TypeError(
    `ctx.emit: the message is ${describeValue(message)}; pass what \`message(name, apply)\` has returned`,
  );
}

/** A failure from the writer, as an error to throw. */
function errorOf(failure: Failure): Error {
  const error = new Error(failure.message);
  error.name = failure.name;
  return failure.code === undefined ? error : Object.assign(error, { code: failure.code });
}
