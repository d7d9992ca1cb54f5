// One `pipeloom worker` process: hears which runs there are, joins them, and takes their leases from the queue. This thread runs
// no user code, so locks and heartbeats go on while the threads are busy.

import { hostname } from "node:os";

import { systemClock, type Timer } from "../../../base/clock.ts";
import { enterFolder } from "../../../base/path.ts";
import { crypto, Promise } from "../../../base/globals.ts";
import { pause } from "../../../base/pause.ts";
import type { ModuleRef } from "../../../protocol/messages.ts";
import { noTags } from "../../../protocol/tags.ts";
import {
  beatsKey,
  bundleKey,
  inboxKey,
  keySeconds,
  machineKey,
  runsKey,
  type StreamEntry,
} from "../engine-connection.ts";
import type { LeaseJob, MachineInfo, SharedModule, ToMachine } from "../engine-messages.ts";
import { type LinkName, linkText, packFrame, unpackFrame } from "../frame-codec.ts";
import { queueName, type Taken } from "../lease-queue.ts";
import { isBeat } from "../link.ts";
import { leasesPerSlot } from "../lease-size.ts";
import { packEntry } from "../machine-entry.ts";
import { readTick, type RunTick } from "../run-tick.ts";
import { verifiesLease } from "../lease-signature.ts";
import { BundleFolder } from "./bundle-folder.ts";
import { backMs, LeaseTakers } from "./lease-takers.ts";
import type { MachineOptions } from "./machine-options.ts";
import { MachineSession } from "./machine-session.ts";
import { MachineActivity, type MachineStatus } from "./machine-status.ts";
import {
  endings,
  keptBeats,
  type SessionDeps,
  type SessionEnd,
  silentBeats,
} from "./session-deps.ts";
import { OtherSessions } from "./other-sessions.ts";
import { WorkingFolder } from "./working-folder.ts";

const beatMs = 1_000;
/** Sessions that are over and may yet be heard: their last words are on their way. */
const mostLeft = 1_000;
/** The registry of machines forgets one after this many seconds. */
const registeredSeconds = 5;
/** A lease of a run that is not heard for so long is one of a dead run. */
const strangeMs = 15_000;

type Bundle = Extract<SharedModule, { kind: "bundle" }>;

type Joined = {
  readonly pipeline: string;
  readonly session: MachineSession;
  readonly link: string;
  /** Beats since the run was heard last. */
  silent: number;
  /** The code that it uses, and whose working directory is set for it. */
  bundle: Bundle | undefined;
  /** It has to wait for the working directory. */
  isWaiting: boolean;
};

export class Machine {
  readonly id = `${hostname()}.${process.pid}.${crypto.randomUUID().slice(0, 8)}`;
  readonly #options: MachineOptions;
  readonly #info: MachineInfo;
  /** Undefined until a bundle is needed. */
  #bundles: BundleFolder | undefined;
  readonly #workingFolder = new WorkingFolder(process.cwd(), enterFolder);
  readonly #runs = new Map<string, Joined>();
  readonly #others = new OtherSessions(() =>
    Array.from(this.#runs.values(), (joined) => joined.session),
  );
  /** Sessions that are over, or have another version. */
  readonly #left = new Set<string>();
  readonly #lives = new Map<string, number>();
  /** Runs that have leases in the queue and have not been heard: since when. */
  readonly #strangers = new Map<string, number>();
  readonly #takers: LeaseTakers;
  #beat: Timer | undefined;
  readonly #activity = new MachineActivity();
  #hasOtherKey = false;
  #isLeaving = false;

  constructor(options: MachineOptions) {
    this.#options = options;
    const { version, threads, slots, tags, connection, key, name } = options;
    const about = { name: name.text, host: hostname(), pid: process.pid, version };
    this.#info = { ...about, threads, slots, tags };
    this.#takers = new LeaseTakers(slots, {
      tags,
      create: (on, most, run) => connection.taker(queueName(key, version, on), most, run),
      run: (job) => this.#run(job),
    });
  }

  start(): void {
    const { connection, say } = this.#options;
    connection.watch({
      reconnected: () => {
        say("info", "connected again");
        for (const { session } of this.#runs.values()) session.resend();
      },
      trouble: (message) => say("warn", `${message}: waiting for it`),
    });
    const inbox = inboxKey(this.id);
    void connection.read(
      { owned: inbox, shared: runsKey },
      {
        entries: (stream, entries) =>
          stream === runsKey ? this.#heardRuns(entries) : this.#heard(entries),
        handled: () => undefined,
      },
    );
    this.#register();
    this.#beat = systemClock.every(beatMs, () => this.#onBeat());
    this.#takers.take(noTags);
  }

  status(): MachineStatus {
    const { isReady } = this.#options.connection;
    return this.#activity.status(this.#info, isReady, [...this.#runs.values()]);
  }

  // ── runs ──

  #heardRuns(entries: readonly StreamEntry[]): void {
    for (const [, fields] of entries) {
      const tick = readTick(fields, this.#options.key);
      if (tick === undefined) this.#otherKey();
      else {
        if (tick.ended !== undefined) this.#runs.get(tick.ended)?.session.suspend("replaced");
        this.#strangers.delete(tick.session);
        const joined = this.#runs.get(tick.session);
        if (joined !== undefined) {
          joined.silent = 0;
          joined.session.wake();
        } else if (!this.#left.has(tick.session) && !this.#isLeaving) {
          this.#join(tick);
        }
      }
    }
  }

  #otherKey(): void {
    if (this.#hasOtherKey) return;
    this.#hasOtherKey = true;
    this.#options.say(
      "warn",
      "a run on this engine has another PIPELOOM_ENGINE_KEY: it gets no help from here",
    );
  }

  #join({ session, version, pipeline, tick: heardAt }: RunTick): void {
    const { say, key, connection, createPool, isShown = false } = this.#options;
    if (version !== this.#info.version) {
      this.#forget(session);
      return say("warn", otherVersion(pipeline, version, this.#info.version));
    }
    const life = (this.#lives.get(session) ?? 0) + 1;
    this.#lives.set(session, life);
    const name: LinkName = { session, machine: this.id, life };
    const deps: SessionDeps = {
      machine: this.#info,
      pipeline,
      heardAt,
      createPool,
      transmit: (frame) => {
        const fields = packFrame("to run", name, frame, key, systemClock.wall());
        if (isBeat(frame)) connection.post("XADD", beatsKey(session), "NOMKSTREAM", "*", ...fields);
        else connection.post("XADD", inboxKey(session), "*", ...fields);
      },
      load: (module) => this.#load(session, pipeline, module),
      asked: (tagSets) => {
        for (const on of tagSets) this.#takers.take(on);
      },
      say,
      ended: (counts) => this.#activity.count(counts),
      isShown,
      over: (reason) => this.#over(session, pipeline, reason),
      measured: () => {
        this.#adjust();
        return { places: this.#takers.places, isShared: this.#runs.size > 1 };
      },
    };
    const joined = new MachineSession(deps, this.#others);
    this.#runs.set(session, {
      pipeline,
      session: joined,
      link: linkText(name),
      silent: 0,
      bundle: undefined,
      isWaiting: false,
    });
    this.#adjust();
    say("info", `works for the run of ${pipeline}`);
  }

  #over(session: string, pipeline: string, reason: SessionEnd): void {
    const joined = this.#runs.get(session);
    this.#runs.delete(session);
    if (joined?.bundle !== undefined) this.#release(joined.bundle);
    if (reason === "replaced" || reason === "silent") this.#others.died(joined?.session.origin);
    if (reason === "over" || reason === "replaced") this.#forget(session);
    const isTrouble = reason === "given up" || reason === "silent";
    // A run says so too when a machine has left it.
    const why = this.#isLeaving && reason === "over" ? "left" : reason;
    this.#options.say(isTrouble ? "warn" : "info", endings[why](pipeline));
    if (reason === "over" && this.#runs.size === 0) this.#options.idle?.();
  }

  #forget(session: string): void {
    this.#lives.delete(session);
    this.#left.add(session);
    const [oldest] = this.#left;
    if (this.#left.size > mostLeft && oldest !== undefined) this.#left.delete(oldest);
  }

  async #load(
    session: string,
    pipeline: string,
    module: SharedModule,
  ): Promise<ModuleRef | undefined> {
    if (module.kind === "builtin") return module;
    const { connection } = this.#options;
    const bundles = (this.#bundles ??= new BundleFolder());
    const found = await bundles.file(module, (hash) => connection.get(bundleKey(hash)));
    if (found === undefined) return undefined;
    await this.#enter(session, pipeline, found.folder);
    // The run may be over by now.
    const joined = this.#runs.get(session);
    if (joined === undefined) this.#release(module);
    else joined.bundle = module;
    return { kind: "file", path: found.path, export: "default" };
  }

  async #enter(session: string, pipeline: string, folder: string | undefined): Promise<void> {
    const joined = this.#runs.get(session);
    const isWaiting = this.#workingFolder.isTaken(folder);
    if (isWaiting) this.#options.say("info", waitsHere(pipeline));
    if (joined !== undefined) joined.isWaiting = isWaiting;
    await this.#workingFolder.enter(folder);
    if (joined !== undefined) joined.isWaiting = false;
  }

  #release(bundle: Bundle): void {
    this.#workingFolder.leave();
    this.#bundles?.release(bundle);
  }

  #heard(entries: readonly StreamEntry[]): void {
    for (const [, fields] of entries) {
      const received = unpackFrame<ToMachine>("to machine", fields, this.#options.key);
      const joined = received === undefined ? undefined : this.#runs.get(received.name.session);
      if (received !== undefined && joined?.link === received.link) {
        joined.session.receive(received.frame, systemClock.wall() - received.at);
      }
    }
  }

  // ── leases ──

  async #run(job: LeaseJob): Promise<Taken> {
    if (!verifiesLease(job, this.#options.key)) return "ended";
    const { session, isWaiting } = this.#runs.get(job.session) ?? {};
    if (isWaiting === true) {
      await pause(backMs);
      return "put back";
    }
    if (session?.isOpen === true) {
      await session.run(job);
      return "ended";
    }
    if (this.#isLeaving || session?.isSuspended === false) return "put back";
    return this.#strange(job.session);
  }

  /** The job may be faster than the run's tick. Of a run that has died, nobody waits for the lease. */
  async #strange(session: string): Promise<Taken> {
    const now = systemClock.now();
    const since = this.#strangers.get(session) ?? now;
    if (this.#left.has(session) || now - since > strangeMs) return "ended";
    this.#strangers.set(session, since);
    await pause(backMs);
    return "put back";
  }

  /** A lease of short tasks is held ahead for each slot. */
  #adjust(): void {
    if (this.#runs.size === 0) return;
    const averages = [...this.#runs.values()].map(({ session }) => session.averageMs);
    const perSlot = Math.min(...averages.map((averageMs) => leasesPerSlot(averageMs)));
    this.#takers.places = perSlot * this.#info.slots;
  }

  // ── beats ──

  #register(): void {
    const { connection, key } = this.#options;
    const entry = packEntry({ ...this.#info, runs: this.#runs.size }, key);
    connection.post("SET", machineKey(this.id), entry, "EX", registeredSeconds);
    connection.post("EXPIRE", inboxKey(this.id), keySeconds);
    this.#options.name.keep();
  }

  #onBeat(): void {
    this.#register();
    for (const { session } of this.#runs.values()) session.beat();
    if (!this.#options.connection.isReady) return;
    const joins = [...this.#runs.values()];
    // Another run waits for the working directory.
    const most = joins.some(({ isWaiting }) => isWaiting) ? silentBeats : keptBeats;
    for (const joined of joins) {
      joined.silent++;
      if (joined.silent > most) joined.session.end("silent");
      else if (joined.silent > silentBeats) joined.session.suspend("silent");
    }
  }

  // ── the end ──

  /** Gives back what has not begun, waits for what runs, and ends. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#takers.pause();
    await Promise.all([...this.#runs.values()].map(({ session }) => session.leave()));
    await this.stop();
  }

  /** Ends all that runs here. The runs notice when this machine is silent. */
  async stop(): Promise<void> {
    systemClock.cancel(this.#beat);
    for (const { session } of this.#runs.values()) session.end("left");
    const { connection, name } = this.#options;
    connection.post("DEL", inboxKey(this.id), machineKey(this.id));
    this.#takers.close();
    name.giveUp();
    this.#bundles?.[Symbol.dispose]();
    await connection.closeSoon();
  }
}

const waitsHere = (pipeline: string): string =>
  `the run of ${pipeline} waits here for the end of another one: its tasks declare files, or those of the other do, and both need the working directory`;

const otherVersion = (pipeline: string, version: string, own: string): string =>
  `the run of ${pipeline} has pipeloom ${version}, and this is ${own}: install the same one`;
