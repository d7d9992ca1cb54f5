// One machine as a run sees it, for one life of its link: its threads are workers of the run.

import type { Failure } from "../../base/failure.ts";
import { assertNever } from "../../base/unreachable.ts";
import type { TaskId, WorkerId } from "../../protocol/ids.ts";
import { hasTags, type TagSet } from "../../protocol/tags.ts";
import type { ExecutorsEvents } from "../executors.ts";
import type { MachineInfo, MachinePlaces, ToMachine, ToRun } from "./engine-messages.ts";
import type { LinkName } from "./frame-codec.ts";
import { type Frame, Link } from "./link.ts";
import { RemoteThread } from "./remote-thread.ts";
import { SpacedFlush } from "./spaced-flush.ts";

type Offers = Extract<ToRun, { type: "offers" }>;

export type MachineCalls = Pick<
  ExecutorsEvents,
  "attach" | "moved" | "lost" | "output" | "broken"
> & {
  nextWorkerId(): WorkerId;
  transmit(name: LinkName, frame: Frame<ToMachine>): void;
  /** @param heardAt see `hello` */
  joined(machine: RemoteMachine, heardAt: number): void;
  claim(machine: RemoteMachine, lease: number): void;
  leaseEnded(machine: RemoteMachine, lease: number, averageMs: number | undefined): void;
  held(ids: readonly TaskId[]): void;
  gaveBack(machine: RemoteMachine, ids: readonly TaskId[]): void;
  offered(machine: RemoteMachine, offers: Offers): void;
  bundleWanted(machine: RemoteMachine): void;
  query(machine: RemoteMachine, query: number, asked: string): void;
  left(machine: RemoteMachine): void;
};

/** So many credits at once: the thread sends much, and may be waiting for them. */
const urgentCredits = 8;

/** Ends with `lost` or `left`. What comes on its link afterwards is dropped: that is the fence. */
export class RemoteMachine {
  readonly name: LinkName;
  readonly #calls: MachineCalls;
  readonly #link: Link<ToMachine, ToRun>;
  readonly #threads = new Map<number, RemoteThread>();
  /** Threads that have ended: the writer may not have read all that they sent. */
  readonly #ended: RemoteThread[] = [];
  /** Undefined until it has said hello. */
  info: MachineInfo | undefined;
  /** It takes leases: it has loaded the code, and does not leave. */
  #isReady = false;
  /** As it has said last; unknown before. */
  #places: MachinePlaces = { places: Number.POSITIVE_INFINITY, isShared: false };
  /** Ticks of the run since the machine was heard last. */
  silentTicks = 0;
  /** Ticks of the run in which it has sent something, and no hello. */
  namelessTicks = 0;
  #isGone = false;

  constructor(name: LinkName, calls: MachineCalls) {
    this.name = name;
    this.#calls = calls;
    const flushes = new SpacedFlush();
    this.#link = new Link<ToMachine, ToRun>({
      transmit: (frame) => calls.transmit(name, frame),
      deliver: (message) => this.#receive(message),
      soon: (work) => flushes.soon(work),
      later: (work) => flushes.later(work),
    });
  }

  /** Tasks that it may run at once. */
  get slots(): number {
    return this.#isReady && !this.#isGone ? (this.info?.slots ?? 0) : 0;
  }

  /** Leases that it takes, of all runs. */
  get places(): number {
    return this.#places.places;
  }

  /** It works for other runs too. */
  get isShared(): boolean {
    return this.#places.isShared;
  }

  mayRun(on: TagSet): boolean {
    return hasTags(this.info?.tags ?? [], on);
  }

  get shown(): string {
    return this.info?.name ?? this.name.machine;
  }

  receive(frame: Frame<ToRun>): void {
    if (this.#isGone) return;
    this.silentTicks = 0;
    this.#link.receive(frame);
  }

  send(message: ToMachine): void {
    if (!this.#isGone) this.#link.send(message);
  }

  beat(): void {
    this.#link.beat(false);
  }

  resend(): void {
    this.#link.resend();
  }

  /** By its number. Undefined where it has ended. */
  threadAt(thread: number): RemoteThread | undefined {
    return this.#threads.get(thread);
  }

  thread(workerId: WorkerId): readonly [thread: number, remote: RemoteThread] | undefined {
    return [...this.#threads].find(([, remote]) => remote.workerId === workerId);
  }

  #receive(message: ToRun): void {
    // A message of the same frame may have ended it.
    if (this.#isGone) return;
    if ("thread" in message) return this.#receiveOfThread(message);
    const calls = this.#calls;
    switch (message.type) {
      case "hello":
        this.info = message.machine;
        return calls.joined(this, message.heardAt);
      case "bundle-wanted":
        return calls.bundleWanted(this);
      case "claim":
        return calls.claim(this, message.lease);
      case "ended":
        this.#places = message;
        return calls.leaseEnded(this, message.lease, message.averageMs);
      case "returned":
        return calls.gaveBack(this, message.ids);
      case "offers":
        return calls.offered(this, message);
      case "broken":
        return calls.broken(message.failure);
      case "output":
        return calls.output(message.level, message.line);
      case "query":
        return calls.query(this, message.query, message.asked);
      case "ready":
        this.#isReady = true;
        return;
      case "leaving":
        this.#isReady = false;
        return;
      case "left":
        return calls.left(this);
      default:
        assertNever(message);
    }
  }

  #receiveOfThread(message: Extract<ToRun, { readonly thread: number }>): void {
    switch (message.type) {
      case "attach":
        return this.#attach(message.thread, message.slots);
      case "records":
        return this.#threads.get(message.thread)?.receive(message.text);
      case "held":
        return this.#held(message.thread, message.ids);
      case "running":
        return this.#threads.get(message.thread)?.setRunning(message.ids);
      case "thread-lost":
        return this.#threadLost(message);
      default:
        assertNever(message);
    }
  }

  #attach(thread: number, slots: number): void {
    const remote = new RemoteThread(this.#calls.nextWorkerId(), this.shown, slots, {
      attach: (port) => this.#calls.attach(port),
      committed: (credits, records, checkpoints) => {
        const given = { type: "committed", thread, credits, records } as const;
        if (checkpoints !== undefined) this.send({ ...given, checkpoints });
        else if (credits >= urgentCredits) this.send(given);
        else if (!this.#isGone) this.#link.sendLater(given);
      },
    });
    this.#threads.set(thread, remote);
  }

  #held(thread: number, ids: readonly TaskId[]): void {
    const remote = this.#threads.get(thread);
    if (remote === undefined) return;
    this.#calls.held(ids);
    this.#calls.moved(ids, remote.workerId);
  }

  #threadLost(message: Extract<ToRun, { type: "thread-lost" }>): void {
    const remote = this.#threads.get(message.thread);
    if (remote === undefined) return;
    this.#threads.delete(message.thread);
    this.#ended.push(remote);
    const { running, unbegun, failure, culprit } = message;
    this.#calls.lost({
      workerId: remote.workerId,
      running,
      unbegun: new Set(unbegun),
      sent: remote.sent,
      failure,
      ...(culprit === undefined ? {} : { culprit }),
    });
  }

  /** From now on nothing of it is passed on. The engine hears of its threads. */
  lose(failure: Failure): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const remote of this.#threads.values()) {
      const { workerId, running, sent } = remote;
      const lost = { workerId, running, sent, failure } as const;
      this.#calls.lost({ ...lost, unbegun: "unknown", isMachineLost: true });
      this.#ended.push(remote);
    }
    this.#threads.clear();
  }

  /** The run is over. */
  close(): void {
    this.send({ type: "end", reason: "over" });
    this.#link.flush();
    this.#isGone = true;
    for (const remote of [...this.#threads.values(), ...this.#ended]) remote.close();
  }
}
