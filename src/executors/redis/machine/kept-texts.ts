// What a thread has sent to the writer, until it is committed: if the run dies before, another session of it may take the attempts
// that are not known to have ended. Pure.
//
// Only what is sure is forgotten: the writer acknowledges texts of records in their order, and with them the items of units before.

import { JSON } from "../../../base/globals.ts";
import {
  type Completion,
  CompletionPacker,
  completionsMark,
  unpackCompletions,
} from "../../../protocol/codec/completions.ts";
import type { TaskId } from "../../../protocol/ids.ts";
import type { Assignment } from "../../../protocol/messages.ts";
import { type Ack, type TaskRecord, unitItemMark } from "../../../protocol/writer-records.ts";
import type { OfferedAttempt } from "../engine-messages.ts";

type Entry = { readonly text: string; readonly ended: readonly TaskId[] };
/** `end`: the text that has its end, once it was sent. */
type Attempt = { offered: OfferedAttempt; end?: Entry };

/** The task as the thread got it. */
export type Given = (id: TaskId) => Pick<Assignment, "cursor" | "wantsResult"> | undefined;

const startedMark = '"type":"started"';
const checkpointMark = '"type":"checkpoint"';
const none: readonly TaskId[] = [];

/** Characters that are kept for a thread. A unit that is larger is not: its attempt is not offered. */
const mostChars = 8 * 1024 * 1024;

export class KeptTexts {
  readonly #given: Given;
  readonly #most: number;
  #entries: Entry[] = [];
  #chars = 0;
  /** Texts of records that were sent, are not committed, and are not kept any more. */
  #dropped = 0;
  /** Those that have begun, as their records say. An attempt that ends before its start was sent has no row: it is not offered. */
  readonly #attempts = new Map<TaskId, Attempt>();

  constructor(given: Given, most = mostChars) {
    this.#given = given;
    this.#most = most;
  }

  /**
   * @param ended the attempts whose ends are in the text
   * @param mayDrop false: a run has been offered what is kept, and may take it
   */
  add(text: string, ended: readonly TaskId[] = none, mayDrop = true): void {
    this.#keep({ text, ended });
    if (mayDrop && this.#chars > this.#most) this.#dropAll();
  }

  #keep(entry: Entry): void {
    const { text, ended } = entry;
    this.#entries.push(entry);
    this.#chars += text.length;
    if (isRecords(text) && text.includes(startedMark)) this.#began(text);
    for (const id of ended) {
      const attempt = this.#attempts.get(id);
      if (attempt !== undefined) attempt.end = entry;
    }
  }

  #began(text: string): void {
    for (const record of JSON.parse(text) as TaskRecord[]) {
      if (record.type !== "started") continue;
      const { id, key, attempt, at: startedAt } = record;
      const given = this.#given(id);
      if (given === undefined) continue;
      const { wantsResult, cursor = null } = given;
      this.#attempts.set(id, { offered: { id, key, attempt, startedAt, wantsResult, cursor } });
    }
  }

  /** From now on, only attempts that begin later are offered. */
  #dropAll(): void {
    this.#dropped += this.#entries.filter(({ text }) => !isItem(text)).length;
    this.#entries = [];
    this.#chars = 0;
    this.#attempts.clear();
  }

  /** @param records how many texts of records the writer has committed since the last call */
  committed(records: number, checkpoints: Ack["checkpoints"] = []): void {
    const dropped = Math.min(records, this.#dropped);
    this.#dropped -= dropped;
    for (let left = records - dropped; left > 0;) {
      const entry = this.#entries.shift();
      if (entry === undefined) return;
      this.#chars -= entry.text.length;
      if (isItem(entry.text)) continue;
      left--;
      this.#forgetEnded(entry);
      this.#takeCursors(entry, checkpoints);
    }
  }

  #forgetEnded(entry: Entry): void {
    for (const id of entry.ended) {
      if (this.#attempts.get(id)?.end === entry) this.#attempts.delete(id);
    }
  }

  #takeCursors({ text }: Entry, checkpoints: NonNullable<Ack["checkpoints"]>): void {
    for (const { id, seq, cursor } of checkpointsIn(text)) {
      const answer = checkpoints.find((each) => each.id === id && each.seq === seq);
      const attempt = this.#attempts.get(id);
      if (answer !== undefined && answer.failure === undefined && attempt !== undefined) {
        attempt.offered = { ...attempt.offered, cursor };
      }
    }
  }

  /**
   * Attempts that run, and those whose ends are not committed. One that has sent a checkpoint with the cursor that it had is none of
   * them: by its cursor, nobody can tell whether that is stored.
   */
  get offers(): readonly OfferedAttempt[] {
    const pending = this.#entries.flatMap(({ text }) => checkpointsIn(text));
    const isUnsure = ({ id, cursor }: OfferedAttempt): boolean =>
      pending.some((checkpoint) => checkpoint.id === id && checkpoint.cursor === cursor);
    return Array.from(this.#attempts.values(), ({ offered }) => offered).filter(
      (offered) => !isUnsure(offered),
    );
  }

  /** Keeps only what these attempts have sent. @returns it, in the order in which it was sent; without their starts */
  keepOnly(accepted: ReadonlySet<TaskId>): readonly string[] {
    for (const id of this.#attempts.keys()) if (!accepted.has(id)) this.#attempts.delete(id);
    const before = this.#entries;
    this.#entries = [];
    this.#chars = 0;
    this.#dropped = 0;
    let items: Entry[] = [];
    for (const entry of before) {
      if (isItem(entry.text)) {
        items.push(entry);
        continue;
      }
      const text = this.#only(entry.text);
      if (text !== undefined) {
        for (const item of items) this.#keep(item);
        this.#keep({ text, ended: entry.ended });
      }
      items = [];
    }
    // A unit whose rest follows.
    for (const item of items) this.#keep(item);
    return this.#entries.map(({ text }) => text);
  }

  #only(text: string): string | undefined {
    if (text.startsWith(completionsMark)) return this.#onlyCompletions(text);
    const records = (JSON.parse(text) as TaskRecord[]).filter(
      (record) =>
        record.type !== "started" &&
        this.#isKept(record.id, "attempt" in record ? record.attempt : undefined),
    );
    return records.length === 0 ? undefined : JSON.stringify(records);
  }

  #onlyCompletions(text: string): string | undefined {
    const packer = new CompletionPacker();
    unpackCompletions(text, (completion: Completion) => {
      if (this.#isKept(completion.id, completion.attempt)) packer.add(completion);
    });
    return packer.size === 0 ? undefined : packer.take();
  }

  #isKept(id: TaskId, attempt: number | undefined): boolean {
    const kept = this.#attempts.get(id);
    return kept !== undefined && (attempt === undefined || attempt === kept.offered.attempt);
  }
}

const isItem = (text: string): boolean => text.startsWith(unitItemMark);
const isRecords = (text: string): boolean => !isItem(text) && !text.startsWith(completionsMark);

function checkpointsIn(text: string): readonly Extract<TaskRecord, { type: "checkpoint" }>[] {
  if (!isRecords(text) || !text.includes(checkpointMark)) return [];
  return (JSON.parse(text) as TaskRecord[]).filter((record) => record.type === "checkpoint");
}
