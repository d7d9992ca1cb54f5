// Group commit: messages of all workers are applied to one transaction, committed together, and then acknowledged and
// announced.
//
// SQLite can refuse a group at the commit (a deferred foreign key), and a unit can end the transaction that holds other
// units (ON CONFLICT ROLLBACK). Then the whole group is applied again, with one transaction per unit, and only the unit
// at fault fails. So the group keeps its messages until the commit.

import type { Failure } from "../../base/failure.ts";
import { assertNever } from "../../base/unreachable.ts";
import { TextGarbage } from "../../base/text-garbage.ts";
import { type MainRecord, unitItemMark } from "../../protocol/writer-records.ts";
import { isConstraint } from "../sqlite-error.ts";
import type { Announcer } from "./announcer.ts";
import { commitLimits } from "./commit-policy.ts";
import { Group } from "./group.ts";
import { MessageApplier } from "./message-applier.ts";
import type { Ports, WorkerPort } from "./ports.ts";
import type { Recorder } from "./recorder.ts";
import type { Session } from "./session.ts";
import { refusedAtCommit, TransactionLostError } from "./unit-applier.ts";

type GroupDeps = {
  readonly session: Session;
  readonly recorder: Recorder;
  readonly ports: Ports;
  readonly announcer: Announcer;
};

/** Characters of records in one transaction: long log lines and results. */
const maxRecordChars = 1024 * 1024;

export type Total = { readonly total: number; readonly complete: boolean };

export class GroupCommit {
  readonly #session: Session;
  readonly #recorder: Recorder;
  readonly #ports: Ports;
  readonly #announcer: Announcer;
  readonly #group = new Group<WorkerPort>();
  readonly #applier: MessageApplier;
  #records = 0;
  /** Characters of the workers' records. */
  #chars = 0;
  readonly #garbage = new TextGarbage();
  /** The group has records of main: they wait for the commit. */
  #hasMain = false;
  #total: Total | undefined;

  constructor({ session, recorder, ports, announcer }: GroupDeps) {
    this.#session = session;
    this.#recorder = recorder;
    this.#ports = ports;
    this.#announcer = announcer;
    this.#applier = new MessageApplier(session, recorder, () => this.#group.endUnit());
  }

  get owner(): WorkerPort | undefined {
    return this.#applier.owner;
  }

  get records(): number {
    return this.#records;
  }

  get hasEnds(): boolean {
    return this.#applier.hasEnds;
  }

  /** The group must not grow: it is held in memory, as texts and then as an announcement, or units are committed alone. */
  get isFull(): boolean {
    if (this.#group.isFull || this.#chars >= maxRecordChars) return true;
    return this.#session.commitsUnitsAlone && this.#group.endedUnits > 0;
  }

  /**
   * Whether somebody waits for the commit. The end of a task is awaited by the tasks that depend on it and by an idle
   * slot; while all slots are busy and may send, an earlier commit would not use any slot better. Main, which limits the
   * tasks in flight, waits for a stream of ends.
   */
  get isAwaited(): boolean {
    if (this.#hasMain || this.#applier.hasCheckpoint || this.#total !== undefined) return true;
    if (this.#ports.hasLost) return true;
    // The transaction holds the file's write lock, which another process may wait for.
    if (this.#session.db.inTransaction || this.#ports.isAnyShortOfCredits) return true;
    if (!this.#applier.hasEnds) return false;
    if (this.#records >= commitLimits.streamRecords) return !this.#ports.isEmpty;
    return this.#ports.isAnySlotIdle;
  }

  // ── taking messages ──

  setTotal(total: Total): void {
    this.#total = total;
  }

  takeMain(records: readonly MainRecord[]): void {
    this.#records += records.length;
    this.#hasMain = true;
    this.#group.addMain(records);
    this.#applier.main(records);
  }

  take(from: WorkerPort, text: string): void {
    if (text.startsWith(unitItemMark)) this.#takeItem(from, text);
    else this.#takeRecords(from, text);
  }

  #takeItem(from: WorkerPort, text: string): void {
    from.giveBackNow(text);
    this.#group.addItem(from, text);
    try {
      this.#applier.item(from, text);
    } catch (thrown) {
      if (!(thrown instanceof TransactionLostError)) throw thrown;
      // The units before this one are complete. This one stays open, as the first of a new group.
      this.#applyAgain(thrown);
    }
  }

  #takeRecords(from: WorkerPort, text: string): void {
    from.giveBackLater(text);
    this.#chars += text.length;
    this.#records += this.#applier.records(from, text);
    this.#group.addRecords(from, text);
  }

  /** Undoes the open unit if its worker will never send the rest; returns whether it did. */
  abandonUnit(): boolean {
    if (this.#applier.owner?.isComplete !== true) return false;
    this.#applier.abandonUnit();
    this.#group.abandonUnit();
    return true;
  }

  // ── committing ──

  /** Commits the group. No unit is open. */
  commit(): void {
    try {
      this.#commit();
    } catch (thrown) {
      if (!isConstraint(thrown)) throw thrown;
      this.#applyAgain(thrown);
    }
    this.#group.take();
    this.#garbage.add(this.#chars);
    this.#records = 0;
    this.#chars = 0;
    this.#hasMain = false;
    this.#applier.begin();
  }

  /** Commits what is applied. Only then it is acknowledged and announced. */
  #commit(): void {
    const total = this.#total;
    if (total !== undefined) this.#session.history.setTotal(total.total);
    this.#session.commit();
    this.#applier.committed();
    this.#total = undefined;
    const events = this.#recorder.committed();
    if (total !== undefined) events.push({ type: "run-total", ...total });
    this.#ports.acknowledge();
    if (events.length > 0) this.#announcer.announce(events);
  }

  /**
   * Applies the group again, each unit in a transaction of its own, so that only the unit at fault fails. An open unit
   * stays open, as the first of a new group.
   *
   * @param cause the failure of the group's only unit, if the group has dropped its items
   */
  #applyAgain(cause: unknown): void {
    this.#rollBack();
    const applier = this.#applier;
    let failure: Failure | undefined;
    for (const taken of this.#group.take()) {
      switch (taken.type) {
        case "main":
          applier.main(taken.records);
          break;
        case "dropped items":
          this.#commit();
          applier.refuseItems(taken.from);
          failure = refusedAtCommit(cause);
          break;
        case "item":
          if (applier.owner === undefined) this.#commit();
          this.#group.addItem(taken.from, taken.text);
          applier.item(taken.from, taken.text);
          break;
        case "records":
          if (applier.owner === taken.from) this.#commitUnit(taken.from, taken.text, failure);
          else applier.records(taken.from, taken.text);
          failure = undefined;
          break;
        default:
          assertNever(taken);
      }
    }
    if (applier.owner === undefined) this.#commit();
  }

  /**
   * Ends the unit with these records and commits it alone.
   * @param refused why the unit cannot be stored, if the group has dropped its items
   */
  #commitUnit(from: WorkerPort, text: string, refused: Failure | undefined): void {
    this.#applier.records(from, text, refused);
    this.#applier.closeUnit();
    this.#group.take();
    try {
      this.#commit();
    } catch (thrown) {
      // Without the unit, only pipeloom's own rows are left, and these violate no constraint.
      if (refused !== undefined || !isConstraint(thrown)) throw thrown;
      this.#rollBack();
      this.#applier.records(from, text, refusedAtCommit(thrown));
      this.#commit();
    }
  }

  /** Rolls back everything since the last commit. */
  #rollBack(): void {
    this.#session.rollBack();
    this.#recorder.rolledBack();
    this.#applier.rolledBack();
    this.#ports.rolledBack();
  }
}
