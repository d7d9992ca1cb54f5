// One session of a run on this machine: the link to it, its leases, and the pool of threads that runs them. A run that dies is continued
// by another session. Until then this machine keeps what it has of it, and what runs goes on.

import { toFailure } from "../../../base/failure.ts";
import { JSON } from "../../../base/globals.ts";
import { pause } from "../../../base/pause.ts";
import { assertNever } from "../../../base/unreachable.ts";
import { unpackAssignments } from "../../../protocol/codec/assignments.ts";
import type { RunId } from "../../../protocol/ids.ts";
import type { ModuleRef } from "../../../protocol/messages.ts";
import type { LeaseJob, ToMachine, ToRun } from "../engine-messages.ts";
import { type Frame, Link } from "../link.ts";
import { SpacedFlush } from "../spaced-flush.ts";
import { HeldLeases } from "./held-leases.ts";
import { OpenLeases } from "./open-leases.ts";
import { goOn, keeps, type SessionDeps, type SessionEnd } from "./session-deps.ts";
import { type Boot, type PoolOwner, SessionPool } from "./session-pool.ts";
import type { ShownTask } from "./shown-tasks.ts";

/** See OtherSessions. */
type EarlierSessions = {
  wasHere(asking: MachineSession): boolean;
  endUnlike(asking: MachineSession, likeness: string): boolean;
  take(asking: MachineSession, likeness: string): SessionPool | undefined;
};

type Begin = Extract<ToMachine, { type: "begin" }>;

export class MachineSession {
  readonly #deps: SessionDeps;
  readonly #earlier: EarlierSessions;
  readonly #link: Link<ToRun, ToMachine>;
  readonly #leases = new HeldLeases();
  readonly #open = new OpenLeases();
  #pool: SessionPool | undefined;
  #boot: Boot | undefined;
  #module: ModuleRef | undefined;
  #begun: Begin | undefined;
  /** How far this machine's clock is ahead of the run's: the least of what frames have shown. */
  #clockAheadMs = Number.POSITIVE_INFINITY;
  #beats = 0;
  /** The run waits to hear what there is of its last session. */
  #owesOffers = false;
  #hasKnown = false;
  /** False: the run has yet to say what it wants of its last session. Until then, no task of this one begins. */
  #isJudged = true;
  /** The run is not heard. */
  #isSuspended = false;
  #isLeaving = false;
  /** The run is cancelled: nothing more begins. */
  #isCancelled = false;
  #isOver = false;

  constructor(deps: SessionDeps, earlier: EarlierSessions) {
    this.#deps = deps;
    this.#earlier = earlier;
    const flushes = new SpacedFlush();
    this.#link = new Link<ToRun, ToMachine>({
      transmit: (frame) => {
        if (!this.#isSuspended) deps.transmit(frame);
      },
      deliver: (message) => this.#receive(message),
      soon: (work) => flushes.soon(work),
      later: (work) => flushes.later(work),
    });
    const { machine, heardAt } = deps;
    this.#link.send({ type: "hello", machine, heardAt });
  }

  /** @param behindMs this machine's clock minus that of the run when it sent: what they differ by, and the time on the way */
  receive(frame: Frame<ToMachine>, behindMs: number): void {
    this.#clockAheadMs = Math.min(this.#clockAheadMs, behindMs);
    if (!this.#isOver) this.#link.receive(frame);
  }

  /** Once a second. A thousand idle machines are heard by one thread of the run: each says something every other time. */
  beat(): void {
    this.#beats++;
    if (!this.#isSuspended) this.#link.beat(this.#beats % 2 === 0);
  }

  resend(): void {
    if (!this.#isSuspended) this.#link.resend();
  }

  get averageMs(): number | undefined {
    return this.#pool?.averageMs;
  }

  /** Null: the run has not begun. */
  get runId(): RunId | null {
    return this.#begun?.run.id ?? null;
  }

  /** What tells the run from all others; undefined before it has begun. */
  get origin(): string | undefined {
    return this.#begun?.origin;
  }

  get runningByThread(): readonly number[] {
    return this.#pool?.runningByThread ?? [];
  }

  get shownTasks(): readonly ShownTask[] {
    return this.#pool?.shownTasks ?? [];
  }

  // ── leases ──

  get isOpen(): boolean {
    return !this.#isLeaving && !this.#isOver && !this.#isSuspended;
  }

  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** Resolves when the run has closed the lease, or does not want it to run here. */
  async run({ lease, tasks }: LeaseJob): Promise<void> {
    // Its job was added again, and both came here.
    if (this.#open.isClaimed(lease)) return;
    const claimed = this.#open.claim(lease);
    this.#link.send({ type: "claim", lease });
    if (!(await claimed) || this.#isOver) return;
    const closed = this.#open.open(lease);
    this.#work(lease, tasks);
    await closed;
  }

  /** @param packed `Assignment[]` */
  #work(lease: number, packed: string): void {
    this.#open.filled(lease);
    this.#leases.add(unpackAssignments(packed), () => this.#worked(lease));
    // It may have been granted and cancelled by messages that arrived together.
    if (this.#isLeaving || this.#isCancelled || this.#isSuspended) this.#giveBack();
    else this.#pool?.dispatch();
  }

  #worked(lease: number): void {
    if (this.#isOver) return;
    this.#sayEnded(lease);
    this.#open.emptied(lease, this.#isLeaving);
  }

  #sayEnded(lease: number): void {
    const { averageMs } = this;
    this.#link.send({ type: "ended", lease, averageMs, ...this.#deps.measured() });
  }

  /** What no thread has begun goes back to the run. */
  #giveBack(): void {
    const waiting = this.#leases.takeAll().map(({ id }) => id);
    const ids = [...waiting, ...(this.#pool?.takeBackAll() ?? [])];
    if (ids.length === 0) return;
    this.#link.send({ type: "returned", ids });
    this.#leases.end(ids);
  }

  // ── messages of the run ──

  #receive(message: ToMachine): void {
    switch (message.type) {
      case "boot":
        return void this.#load(message);
      case "begin":
        return this.#begin(message);
      case "judged":
        return this.#judged(message);
      case "granted":
        // The machine has not waited for the answer.
        if (!this.#open.answer(message.lease, true)) this.#sayEnded(message.lease);
        return;
      case "refused":
        return void this.#open.answer(message.lease, false);
      case "more":
        return this.#work(message.lease, message.text);
      case "closed":
        return this.#open.close(message.lease);
      case "committed":
        return this.#pool?.committed(message);
      case "tags":
        return this.#deps.asked([message.on]);
      case "cancel":
        this.#isCancelled = true;
        this.#giveBack();
        return this.#pool?.cancel();
      case "recall":
        return this.#giveBack();
      case "kill":
        return this.#pool?.kill(message.thread, message.failure);
      case "answer":
        return this.#pool?.answer(message);
      case "end":
        return this.end(message.reason);
      default:
        assertNever(message);
    }
  }

  async #load(boot: Boot): Promise<void> {
    if (this.#boot !== undefined) return;
    this.#boot = boot;
    this.#deps.asked(boot.tagSets);
    try {
      const module = await this.#deps.load(boot.module);
      if (this.#isOver) return;
      if (module === undefined) {
        this.#boot = undefined;
        return this.#link.send({ type: "bundle-wanted" });
      }
      this.#module = module;
      if (this.#takeOver()) return;
      this.#offerNothing();
      this.#start(boot, module);
    } catch (thrown) {
      this.#link.send({ type: "broken", failure: toFailure(thrown) });
    }
  }

  #start(boot: Boot, module: ModuleRef): void {
    this.#pool = new SessionPool(this.#deps, this.#owner, boot, module, this.#clockAheadMs);
    if (this.#begun !== undefined) this.#pool.begin(this.#begun.run);
    this.#pool.dispatch();
  }

  get #owner(): PoolOwner {
    const [link, leases] = [this.#link, this.#leases];
    return {
      send: (message) => link.send(message),
      sendLater: (message) => link.sendLater(message),
      take: (most) => (this.#isJudged ? leases.take(most) : []),
      waiting: () => (this.#isJudged ? leases.waiting : 0),
      given: (id) => leases.given(id),
      toppedUp: () => this.#pool?.dispatch(),
      ended: (ids) => leases.end(ids),
    };
  }

  // ── another session of the same run ──

  #begin(begun: Begin): void {
    if (this.#begun !== undefined) return;
    this.#begun = begun;
    this.#hasKnown = this.#earlier.wasHere(this);
    if (this.#takeOver()) return;
    this.#pool?.begin(begun.run);
    if (!begun.isResumed) return;
    this.#owesOffers = true;
    const isLater = this.#module === undefined && this.#earlier.endUnlike(this, this.#likeness);
    if (!isLater) this.#offerNothing();
  }

  #offerNothing(): void {
    if (this.#owesOffers) this.#link.send({ type: "offers", offers: [], isKnown: this.#hasKnown });
    this.#owesOffers = false;
  }

  /** The session before has died: the run's lock is this one's. @returns whether there is something of it */
  #takeOver(): boolean {
    const [boot, begun] = [this.#boot, this.#begun];
    if (boot === undefined || this.#module === undefined || begun?.isResumed !== true) return false;
    const earlier = this.#earlier.take(this, this.#likeness);
    if (earlier === undefined) return false;
    const first = this.#pool?.retire() ?? 0;
    this.#pool = earlier;
    this.#isJudged = false;
    earlier.moveTo(this.#owner, first);
    return true;
  }

  /** What a task may depend on, and its records: only the same can be taken over. */
  get #likeness(): string {
    return JSON.stringify([{ ...this.#boot, tagSets: [] }, this.#begun?.run]);
  }

  /** Whether another session could take over what is here. */
  isLike(likeness: string): boolean {
    return this.#likeness === likeness && this.#pool?.isKept === true;
  }

  /** This session ends, and another one has its pool. */
  handOver(likeness: string): SessionPool | undefined {
    const pool = this.isLike(likeness) ? this.#pool : undefined;
    if (pool !== undefined) this.#pool = undefined;
    this.end("replaced");
    return pool;
  }

  #judged({ leases }: Extract<ToMachine, { type: "judged" }>): void {
    this.#isJudged = true;
    const accepted = new Set(leases.flatMap(({ ids }) => ids));
    const running = this.#pool?.judged(accepted) ?? new Set();
    if (accepted.size > 0) this.#deps.say("info", goOn(accepted.size));
    for (const { lease, ids } of leases) {
      void this.#open.open(lease);
      this.#open.filled(lease);
      const going = ids.filter((id) => running.has(id));
      this.#leases.goOn(going, () => this.#worked(lease));
    }
    this.#pool?.dispatch();
  }

  /** The run is silent, or has died. Nothing more begins here, and what is not known to be committed is kept for its next session. */
  suspend(reason: "silent" | "replaced"): void {
    if (this.#isOver || this.#isSuspended) return;
    if (this.#isLeaving || this.#isCancelled || this.#pool?.isKept !== true)
      return this.end(reason);
    this.#isSuspended = true;
    this.#giveBack();
    // Leases of other runs want their places.
    this.#open.closeAll();
    if (reason === "silent") this.#deps.say("warn", keeps(this.#deps.pipeline));
  }

  /** The run is heard. */
  wake(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#link.resend();
    this.#pool?.dispatch();
  }

  // ── the end ──

  /** Gives back what has not begun, and waits for what runs. Resolves when the run knows. */
  async leave(): Promise<void> {
    if (this.#isSuspended) return this.end("left");
    this.#isLeaving = true;
    this.#link.send({ type: "leaving" });
    this.#giveBack();
    this.#open.closeEmpty();
    while (!this.#isOver && (!this.#leases.isEmpty || this.#open.hasClaims))
      await pause(leavePollMs);
    if (this.#isOver) return;
    this.#link.send({ type: "left" });
    while (!this.#isOver && !this.#link.isDrained) await pause(leavePollMs);
    this.end("left");
  }

  end(reason: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pool?.stop();
    this.#leases.endAll();
    this.#open.closeAll();
    this.#deps.over(reason);
  }
}

const leavePollMs = 20;
