// Executors on other machines: leases of tasks go to a queue on Redis, machines claim them, and what their threads send comes back
// on a stream. This process decides alone what runs where, and its writer is the only one that writes.
//
// A machine that is silent while Redis works is given up for good: nothing more of its link reaches the writer, and then its
// tasks are given away. So no task is stored twice, whatever Redis loses and whoever comes back.

import { systemClock } from "../../base/clock.ts";
import type { Failure } from "../../base/failure.ts";
import type { AnswerQuery, AskedQuery } from "../../protocol/asked-query.ts";
import { type TaskId, type WorkerId, workerId } from "../../protocol/ids.ts";
import { Mask } from "../../protocol/mask.ts";
import type { RunInfo } from "../../protocol/messages.ts";
import { noTags, type TagSet } from "../../protocol/tags.ts";
import {
  type CreateExecutors,
  type Executors,
  type ExecutorsEvents,
  type ExecutorsOptions,
  machineLost,
  type RunOrigin,
} from "../executors.ts";
import type { SharedModule, ToRun } from "./engine-messages.ts";
import { linkText, type ReceivedFrame } from "./frame-codec.ts";
import { GoneLinks } from "./gone-links.ts";
import { MissingTags } from "./missing-tags.ts";
import { packAnswer, unpackQuery } from "./query-text.ts";
import { type MachineCalls, RemoteMachine } from "./remote-machine.ts";
import { RunOffers } from "./run-offers.ts";
import { RunLeases } from "./run-leases.ts";
import { type PresenceOptions, RunPresence } from "./run-presence.ts";

type Engine = PresenceOptions & {
  /** The most tasks in flight, on all machines together; undefined: as many as they take. */
  readonly mostTasks: number | undefined;
  /** Reads the database. Closed by `closeReader`. */
  readonly answerQuery: AnswerQuery;
  closeReader(): Promise<void>;
};

/** Ticks of this run that came back from Redis while a machine was silent: then it is lost. */
const mostSilentTicks = 5;
/** A machine that has nothing to say is heard every other second. */
const usualTicks = 2;
/** No machine helps: when that is said. */
const aloneTicks = 3;
/** Held by no worker: tasks that wait in the queue. */
const queued = workerId(0);

export const redisExecutors =
  (engine: Engine): CreateExecutors =>
  (options, events) =>
    new RedisExecutors(engine, options, events);

class RedisExecutors implements Executors {
  readonly #engine: Engine;
  readonly #options: ExecutorsOptions;
  readonly #events: ExecutorsEvents;
  readonly #presence: RunPresence;
  readonly #leases: RunLeases;
  /** By link. */
  readonly #machines = new Map<string, RemoteMachine>();
  /** Links of machines that were given up, or have left. */
  readonly #gone = new GoneLinks();
  readonly #missingTags = new MissingTags();
  readonly #offers: RunOffers<RemoteMachine>;
  readonly #calls: MachineCalls;
  #lastWorkerId = 0;
  #hasBegun = false;
  #ticksAlone = 0;
  #isEnding = false;
  #isStopped = false;

  constructor(engine: Engine, options: ExecutorsOptions, events: ExecutorsEvents) {
    this.#engine = engine;
    this.#options = options;
    this.#events = events;
    this.#presence = new RunPresence(engine);
    const { session } = this.#presence;
    this.#leases = new RunLeases(
      { ...engine, session },
      {
        machines: () => this.#machines.values(),
        take: (most, idle, on) => events.take(queued, most, idle, on),
        readyOn: (on) => events.readyOn(on),
        returned: (ids) => this.#returned(ids),
      },
    );
    this.#offers = new RunOffers({
      runName: engine.runName,
      tagSets: () => [...this.#missingTags.asked, noTags],
      mask: Mask.of(options.secrets, process.env),
      take: (most, on) => events.take(queued, most, most, on),
      lease: (machine, tasks, on) => this.#leases.takeUp(machine, tasks, on),
      setAside: (tasks, on) => this.#leases.setAside(tasks, on),
      moved: (ids, worker) => events.moved(ids, worker),
      say: (line) => events.output("info", line),
    });
    this.#calls = this.#machineCalls();
  }

  start(): void {
    this.#presence.start({
      frame: (received) => this.#heard(received),
      handled: () => {
        this.#lookForTags();
        this.#events.toppedUp();
      },
      ownTick: () => this.#ownTick(),
      beat: () => {
        for (const machine of this.#machines.values()) machine.beat();
      },
      reconnected: () => {
        for (const machine of this.#machines.values()) machine.resend();
        this.#leases.reconnected();
      },
      trouble: (message) => this.#events.output("warn", `${message}; the run waits for it`),
    });
  }

  begin(run: RunInfo, origin: RunOrigin = { beganAt: 0, isResumed: false }): void {
    this.#hasBegun = true;
    void this.#presence.replaceEarlier(run.id);
    this.#offers.begin(run, origin);
    for (const machine of this.#machines.values()) this.#offers.tell(machine);
  }

  // ── leases ──

  get #hasMachines(): boolean {
    return this.#machines.values().some(({ slots }) => slots > 0);
  }

  #lookForTags(): void {
    this.#missingTags.look(() => this.#machines.values().filter(({ slots }) => slots > 0));
  }

  get missingTags(): readonly TagSet[] {
    return this.#missingTags.sets;
  }

  dispatch(ready: number): void {
    if (!this.#hasBegun || this.#isEnding) return;
    for (const on of this.#events.tagSets()) if (this.#missingTags.ask(on)) this.#leases.open(on);
    if (this.#offers.settle()) this.#leases.dispatch(ready);
  }

  takeBackAll(): TaskId[] {
    return this.#leases.takeBackAll();
  }

  #returned(ids: readonly TaskId[]): void {
    if (ids.length > 0) this.#events.returned(ids);
  }

  // ── machines ──

  #heard({ link, name, frame }: ReceivedFrame<ToRun>): void {
    if (this.#gone.has(link)) {
      return this.#presence.end(name, this.#isEnding ? "over" : "given up");
    }
    const machine = this.#machines.get(link) ?? new RemoteMachine(name, this.#calls);
    this.#machines.set(link, machine);
    machine.receive(frame);
  }

  #machineCalls(): MachineCalls {
    const events = this.#events;
    return {
      attach: (port) => events.attach(port),
      moved: (ids, worker) => events.moved(ids, worker),
      lost: (worker) => events.lost(worker),
      output: (level, line) => events.output(level, line),
      broken: (failure) => events.broken(failure),
      nextWorkerId: () => workerId(++this.#lastWorkerId),
      transmit: (name, frame) => this.#presence.transmit(name, frame),
      joined: (machine, heardAt) => this.#joined(machine, heardAt),
      claim: (machine, lease) => this.#leases.claim(machine, lease),
      leaseEnded: (machine, lease, averageMs) => this.#leases.ended(machine, lease, averageMs),
      held: (ids) => this.#leases.hold(ids),
      gaveBack: (machine, ids) => {
        this.#leases.gaveBack(machine, ids);
        this.#returned(ids);
      },
      offered: (machine, offers) => this.#offers.offered(machine, offers),
      bundleWanted: (machine) => {
        this.#presence.shareCode();
        this.#boot(machine);
      },
      query: (machine, query, asked) => void this.#answer(machine, query, asked),
      left: (machine) => this.#lose(machine, hasLeft, "over"),
    };
  }

  async #answer(machine: RemoteMachine, query: number, asked: string): Promise<void> {
    const answer = await this.#engine.answerQuery(unpackQuery<AskedQuery>(asked));
    machine.send({ type: "answer", query, answer: packAnswer(answer) });
  }

  #joined(machine: RemoteMachine, heardAt: number): void {
    const { name } = machine;
    if (this.#gone.mayBe(heardAt, this.#presence.ticks)) {
      return this.#lose(machine, old, "given up");
    }
    if (this.#isEnding) return this.#lose(machine, lostFailure("the run ends"), "over");
    // The machine has begun another life: nothing of the one before is running any more.
    for (const other of this.#machines.values()) {
      if (other === machine || other.name.machine !== name.machine) continue;
      this.#lose(other, lostFailure(`the worker on ${machine.shown} was cut off`), "given up");
    }
    this.#ticksAlone = 0;
    this.#boot(machine);
    this.#offers.tell(machine);
  }

  #boot(machine: RemoteMachine): void {
    const { secrets, maxInput: most, hasLabels } = this.#options;
    const tagSets = this.#missingTags.asked;
    const maxInput = Number.isFinite(most) ? most : null;
    const module = this.#sharedModule;
    machine.send({ type: "boot", module, secrets, maxInput, hasLabels, tagSets });
  }

  get #sharedModule(): SharedModule {
    const { module } = this.#options;
    if (module.kind === "builtin") return module;
    const { bundle } = this.#engine;
    if (bundle === undefined) throw new Error(`Internal error: no bundle of ${module.path}`);
    const { hash, name, files } = bundle;
    return {
      kind: "bundle",
      hash,
      name,
      ...(files === undefined ? {} : { files: files.hash }),
    };
  }

  /** Nothing of this link counts any more. Its tasks are given away only now. */
  #lose(machine: RemoteMachine, failure: Failure, reason: "over" | "given up"): void {
    this.#machines.delete(linkText(machine.name));
    this.#gone.add(machine.name, this.#presence.ticks);
    this.#offers.lose(machine);
    const left = this.#leases.lose(machine);
    machine.lose(failure);
    this.#returned(left);
    this.#presence.end(machine.name, reason);
  }

  /** Silence is measured in the run's own ticks, so no outage of Redis counts. */
  #ownTick(): void {
    this.#gone.forget(this.#presence.ticks);
    this.#offers.tick();
    for (const machine of this.#machines.values()) {
      // The end of a link whose beginning was forgotten.
      if (machine.info === undefined && ++machine.namelessTicks > mostSilentTicks) {
        this.#lose(machine, old, "given up");
        continue;
      }
      if (++machine.silentTicks <= mostSilentTicks) continue;
      const message = `the worker on ${machine.shown} has been silent for ${mostSilentTicks} s`;
      this.#events.output("warn", `${message}; its tasks run elsewhere`);
      this.#lose(machine, lostFailure(message), "given up");
    }
    if (this.#hasMachines) this.#leases.tick();
    else if (++this.#ticksAlone === aloneTicks && !this.#isEnding) {
      this.#events.output("warn", alone);
    }
    this.#lookForTags();
    if (this.#isEnding) return;
    for (const line of this.#missingTags.tick((on) => this.#leases.readyOn(on))) {
      this.#events.output("warn", line);
    }
  }

  // ── state and end ──

  get isQuiet(): boolean {
    return (
      this.#hasMachines &&
      !this.#offers.isWaiting &&
      this.#leases.isIdle &&
      this.missingTags.every((on) => this.#events.readyOn(on) === 0)
    );
  }

  whereIs(id: TaskId, worker: WorkerId): "running" | "held" | "elsewhere" {
    const { machine, found } = this.#find(worker) ?? {};
    const [, remote] = found ?? [];
    if (remote?.running.includes(id) !== true) return "elsewhere";
    // Of a machine that is not heard, the task may have ended: its thread is not to be ended for it.
    const isHeard = this.#engine.connection.isReady && (machine?.silentTicks ?? 0) <= usualTicks;
    return remote.isHeld || !isHeard ? "held" : "running";
  }

  #find(worker: WorkerId) {
    for (const machine of this.#machines.values()) {
      const found = machine.thread(worker);
      if (found !== undefined) return { machine, found };
    }
    return undefined;
  }

  /** Nothing begins any more. */
  #end(): void {
    this.#isEnding = true;
    this.#leases.end();
  }

  cancel(): void {
    this.#end();
    for (const machine of this.#machines.values()) machine.send({ type: "cancel" });
  }

  kill(worker: WorkerId, failure: Failure): void {
    const { machine, found } = this.#find(worker) ?? {};
    if (found !== undefined) machine?.send({ type: "kill", thread: found[0], failure });
  }

  /** No machine is waited for: what they still send is dropped. */
  killAll(failure: Failure): void {
    this.#end();
    systemClock.soon(() => {
      if (this.#isStopped) return;
      this.#returned(this.takeBackAll());
      for (const machine of this.#machines.values()) this.#lose(machine, failure, "over");
      this.#events.toppedUp();
    });
  }

  async closeReaders(): Promise<void> {
    this.#end();
    await this.#engine.closeReader();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#end();
    this.#leases.stop();
    for (const machine of this.#machines.values()) machine.close();
    void this.#engine.closeReader();
    this.#presence.stop();
  }
}

const lostFailure = (message: string): Failure => ({ name: machineLost, message });
const old = lostFailure("its link is one of long ago");
const hasLeft = lostFailure("its machine has left");
const alone =
  "no worker has joined the run; on each machine that is to help, with the same PIPELOOM_ENGINE_KEY: pipeloom worker --engine <url>";
