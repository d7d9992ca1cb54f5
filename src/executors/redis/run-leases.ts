// The leases of a run, given to machines: as jobs in the queue, and as further tasks of a lease whose tasks have ended.
//
// A job takes five trips through Redis (job, claim, grant, records, end), further tasks of a lease that a machine holds take one. So a
// machine keeps the lease, as long as it is young: leases of other runs wait in the same queue.

import { systemClock, type Timer } from "../../base/clock.ts";
import { packAssignments } from "../../protocol/codec/assignments.ts";
import type { TaskId } from "../../protocol/ids.ts";
import type { Assignment } from "../../protocol/messages.ts";
import { noTags, type TagSet } from "../../protocol/tags.ts";
import type { EngineLine } from "./engine-connection.ts";
import type { EngineKey } from "./engine-key.ts";
import { type Lease, LeaseBook } from "./lease-book.ts";
import { LeaseQueues } from "./lease-queues.ts";
import { hasServed, leaseSize, leasesPerSlot } from "./lease-size.ts";
import type { RemoteMachine } from "./remote-machine.ts";

type RunLeasesOptions = {
  readonly connection: EngineLine;
  readonly key: EngineKey;
  /** Pipeloom's. */
  readonly version: string;
  readonly session: string;
  /** The most tasks in flight, on all machines together; undefined: as many as they take. */
  readonly mostTasks: number | undefined;
};

type RunLeasesCalls = {
  machines(): Iterable<RemoteMachine>;
  /** See ExecutorsEvents. */
  take(most: number, idle: number, on: TagSet): Assignment[];
  readyOn(on: TagSet): number;
  /** No thread has begun these tasks, and the one that held them will not. */
  returned(ids: readonly TaskId[]): void;
};

type MayHave = (held: ReturnType<LeaseBook<RemoteMachine>["tally"]>, by: RemoteMachine) => boolean;

const hasIdleSlot: MayHave = ({ leases, empty }, { slots }) => leases - empty < slots;

/** A lease that waits so long while there are free places has lost its job, or the machine that took it. */
const oldLeaseTicks = 3;
/** A lease is worth 50 ms: one whose tasks have not ended after so long is slow. */
const slowLeaseMs = 2_000;
/** A lease without tasks is kept for those that the end of its last ones will make ready. */
const emptyLeaseMs = 50;

export class RunLeases {
  readonly #options: RunLeasesOptions;
  readonly #calls: RunLeasesCalls;
  readonly #queues: LeaseQueues<RemoteMachine>;
  readonly #book = new LeaseBook<RemoteMachine>();
  /** Taken, and not given to a machine yet. */
  readonly #aside = new Map<TagSet, Assignment[]>();
  /** How long a task takes, as a machine has said last. */
  #averageMs: number | undefined;
  #closing: Timer | undefined;
  #isEnding = false;

  constructor(options: RunLeasesOptions, calls: RunLeasesCalls) {
    this.#options = options;
    this.#calls = calls;
    this.#queues = new LeaseQueues(options);
  }

  /** Tasks ask for these tags. To be called once for each set. */
  open(on: TagSet): void {
    this.#queues.open(on);
    for (const machine of this.#calls.machines()) machine.send({ type: "tags", on });
  }

  /** No machine and no job has tasks. */
  get isIdle(): boolean {
    return this.#book.isIdle && this.#aside.size === 0;
  }

  /** @returns a lease of tasks that the machine has begun in an earlier session */
  takeUp(machine: RemoteMachine, tasks: readonly Assignment[], on: TagSet): number {
    const { id } = this.#book.add(tasks, on);
    this.#book.claim(id, machine, systemClock.now());
    this.#book.hold(tasks.map((task) => task.id));
    return id;
  }

  /** They are the next ones that are given to machines. */
  setAside(tasks: readonly Assignment[], on: TagSet): void {
    this.#aside.set(on, [...(this.#aside.get(on) ?? []), ...tasks]);
  }

  /** How many tasks that ask for these tags no machine has. */
  readyOn(on: TagSet): number {
    return this.#calls.readyOn(on) + this.#setAsideOn(on);
  }

  #setAsideOn(on: TagSet): number {
    return this.#aside.get(on)?.length ?? 0;
  }

  #take(most: number, idle: number, on: TagSet): Assignment[] {
    const aside = this.#aside.get(on);
    if (aside === undefined) return this.#calls.take(most, idle, on);
    const taken = aside.splice(0, most);
    if (aside.length === 0) this.#aside.delete(on);
    return taken;
  }

  /** A thread holds these tasks now. */
  hold(ids: readonly TaskId[]): void {
    this.#book.hold(ids);
  }

  /** @returns its tasks that no thread had */
  lose(machine: RemoteMachine): TaskId[] {
    return this.#book.heldBy(machine).flatMap((lease) => this.#book.end(lease));
  }

  /** Redis answers again: what was in the queue may be lost. */
  reconnected(): void {
    this.#queues.add(this.#book.waiting);
  }

  /** Once a second, while there are machines and Redis works. */
  tick(): void {
    const { waiting } = this.#book;
    this.#queues.add(waiting.filter((lease) => ++lease.age >= oldLeaseTicks));
    if (waiting.length === 0) this.#recall();
  }

  /** Machines that have nothing to do get what slow ones hold ahead: of a lease that takes long, its tasks or the machine are slow. */
  #recall(): void {
    const machines = [...this.#calls.machines()].filter(({ slots }) => slots > 0);
    const idle = machines.filter((machine) => this.#book.tally(machine).tasks === 0);
    if (idle.length === 0) return;
    const before = systemClock.now() - slowLeaseMs;
    for (const machine of machines) {
      const slow = this.#book
        .heldBy(machine)
        .filter(({ tasks, filledAt }) => tasks.length > 0 && filledAt <= before)
        .filter(({ on, isRecalled }) => !isRecalled && idle.some((other) => other.mayRun(on)));
      if (slow.length === 0) continue;
      for (const lease of slow) lease.isRecalled = true;
      machine.send({ type: "recall" });
    }
  }

  /** The machine has given these tasks back. */
  gaveBack(machine: RemoteMachine, ids: readonly TaskId[]): void {
    this.#book.hold(ids);
    this.#book.drop(machine, ids);
  }

  /** From now on, nothing is granted. */
  end(): void {
    this.#isEnding = true;
  }

  stop(): void {
    this.#isEnding = true;
    systemClock.cancel(this.#closing);
    for (const lease of this.#book.waiting) this.#queues.remove(lease);
  }

  /** What the machines that may run these tasks have room for. `busy`: leases with tasks, and those in the queue. */
  #room(on: TagSet) {
    let [slots, places, leases, busy, tasks] = [0, 0, 0, 0, 0];
    for (const queue of this.#queues.tagSets) {
      // Tasks without tags do not wait for machines that have some: others take them too.
      if (on !== noTags && queue === noTags) continue;
      const waiting = this.#book.tally(queue);
      leases += waiting.leases;
      busy += waiting.leases;
      tasks += waiting.tasks;
    }
    for (const machine of this.#calls.machines()) {
      if (machine.slots === 0 || !machine.mayRun(on)) continue;
      const held = this.#book.tally(machine);
      slots += machine.slots;
      places += this.#mostLeases(machine);
      leases += held.leases;
      busy += held.leases - held.empty;
      tasks += held.tasks;
    }
    return { slots, leases: places - leases, busy, tasks };
  }

  dispatch(ready: number): void {
    const { tagSets } = this.#queues;
    this.#closeEmpty(Number.NEGATIVE_INFINITY);
    if (tagSets.length === 1) return this.#dispatchOn(noTags, ready + this.#setAsideOn(noTags));
    for (const on of tagSets) this.#dispatchOn(on, this.readyOn(on));
  }

  #dispatchOn(on: TagSet, ready: number): void {
    const { slots, leases, busy, tasks: before } = this.#room(on);
    // A retry may have become due since they were counted: where there are none, one is asked for too.
    const size = leaseSize({ averageMs: this.#averageMs, slots, ready });
    const { mostTasks = Number.POSITIVE_INFINITY } = this.#options;
    let held = before;
    const take = (): Assignment[] => {
      const most = Math.min(size, mostTasks - this.#book.tasks);
      if (most <= 0) return [];
      const idle = Math.max(0, Math.min(most, slots - held));
      const tasks = this.#take(most, idle, on);
      held += tasks.length;
      return tasks;
    };
    // Idle slots come first: those of machines that wait with a lease, then all others.
    let added = 0;
    const takeAny = (): readonly Assignment[] => {
      const tasks = take();
      return tasks.length > 0 ? tasks : this.#takeQueued(on);
    };
    this.#refill(takeAny, (tally, machine) => machine.mayRun(on) && hasIdleSlot(tally, machine));
    added += this.#addLeases(on, take, Math.min(leases, slots - busy));
    this.#refill(take, (_, machine) => machine.mayRun(on));
    this.#addLeases(on, take, leases - added);
  }

  /** The tasks of a lease have ended on a machine that still holds it: others follow, without a job or a claim. */
  #refill(take: () => readonly Assignment[], mayHave: MayHave): void {
    for (const lease of this.#book.empty) {
      const { holder, id } = lease;
      if (holder === undefined || !mayHave(this.#book.tally(holder), holder)) continue;
      const tasks = take();
      if (tasks.length === 0) return;
      this.#book.refill(lease, tasks, systemClock.now());
      holder.send({ type: "more", lease: id, text: packAssignments(tasks) });
    }
  }

  /**
   * The tasks of a lease whose job nobody has claimed. The places of a machine are taken by the leases that it keeps: a job would
   * wait until one of them is closed.
   */
  #takeQueued(on: TagSet): readonly Assignment[] {
    const queued = this.#book.waiting.find((lease) => lease.on === on);
    if (queued === undefined) return [];
    this.#withdraw(queued);
    return queued.tasks;
  }

  /** @returns how many it has added */
  #addLeases(on: TagSet, take: () => Assignment[], most: number): number {
    const added: Lease<RemoteMachine>[] = [];
    while (added.length < most) {
      const tasks = take();
      if (tasks.length === 0) break;
      added.push(this.#book.add(tasks, on));
    }
    this.#queues.add(added);
    return added.length;
  }

  takeBackAll(): TaskId[] {
    const aside = [...this.#aside.values()].flat().map(({ id }) => id);
    this.#aside.clear();
    return [...aside, ...this.#book.waiting.flatMap((lease) => this.#withdraw(lease))];
  }

  /** Takes a lease out of the queue. @returns its tasks */
  #withdraw(lease: Lease<RemoteMachine>): readonly TaskId[] {
    this.#queues.remove(lease);
    return this.#book.end(lease);
  }

  claim(machine: RemoteMachine, lease: number): void {
    const isGranted = !this.#isEnding && this.#book.claim(lease, machine, systemClock.now());
    machine.send({ type: isGranted ? "granted" : "refused", lease });
  }

  /** The machine has ended all tasks of the lease, or given them back. */
  ended(machine: RemoteMachine, id: number, averageMs: number | undefined): void {
    if (averageMs !== undefined) this.#averageMs = averageMs;
    const lease = this.#book.get(id);
    if (lease === undefined) return;
    this.#calls.returned(this.#book.exhaust(lease, systemClock.now()));
    if (this.#mayKeep(lease, machine)) this.#closeLater();
    else this.#close(lease, machine);
  }

  #mayKeep({ claimedAt, served }: Lease<RemoteMachine>, machine: RemoteMachine): boolean {
    const heldMs = systemClock.now() - claimedAt;
    const { isShared } = machine;
    const averageMs = this.#averageMs;
    if (this.#isEnding || hasServed({ heldMs, served, averageMs, isShared })) return false;
    return this.#book.tally(machine).leases <= this.#mostLeases(machine);
  }

  #mostLeases({ slots, places }: RemoteMachine): number {
    return Math.min(slots * leasesPerSlot(this.#averageMs), places);
  }

  /**
   * Closes empty leases: those that get no further tasks, which take the place of new ones while nothing else would wake the run, and
   * those that have been empty since `before`.
   * @returns whether others are left
   */
  #closeEmpty(before: number): boolean {
    let isAnyLeft = false;
    for (const lease of this.#book.empty) {
      const { holder, emptySince } = lease;
      if (holder === undefined) continue;
      if (emptySince <= before || !this.#mayKeep(lease, holder)) this.#close(lease, holder);
      else isAnyLeft = true;
    }
    return isAnyLeft;
  }

  #close(lease: Lease<RemoteMachine>, machine: RemoteMachine): void {
    this.#calls.returned(this.#book.end(lease));
    machine.send({ type: "closed", lease: lease.id });
  }

  /** Closes the leases that wait for tasks too long. */
  #closeLater(): void {
    this.#closing ??= systemClock.after(emptyLeaseMs, () => {
      this.#closing = undefined;
      if (this.#closeEmpty(systemClock.now() - emptyLeaseMs)) this.#closeLater();
    });
  }
}
