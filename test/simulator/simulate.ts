// One simulation: the sessions of a scenario, one process after the other over the same file, each judged when it is over.

import type { Database } from "bun:sqlite";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Run } from "../../src/engine/run.ts";
import { controlPath } from "../../src/protocol/control.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import { type Failure, toFailure } from "../../src/protocol/failure.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import type { Reader } from "../../src/reader/query.ts";
import { Disk, withStatementHook } from "./disk.ts";
import { buryProcess, empty, type FileContent, readFile } from "./file.ts";
import { withGlobals } from "./globals.ts";
import { judge, type Seen } from "./judge.ts";
import type { Incident, Scenario, Session } from "./scenario.ts";
import { pipelineOf, secret, secretName } from "./script.ts";
import { Stage } from "./stage.ts";
import { SimulatedTaskThread, simulatedWriterThread } from "./threads.ts";
import { Finding, type VirtualThread, World } from "./world.ts";

/** Thrown where the process died in the middle of the writer's code. */
class ProcessKilled extends Error {
  override readonly name = "ProcessKilled";
}

export type Simulated = {
  /** What it found wrong; undefined when all was right. */
  readonly finding: string | undefined;
  /** What the sessions went through, for the count of what is covered. */
  readonly features: ReadonlySet<string>;
  readonly trail: readonly Seen[];
};

/** In memory where the system has a place for that: a simulation is not about the disk's speed. */
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export function simulate(scenario: Scenario): Simulated {
  const folder = mkdtempSync(join(parent, "pipeloom-simulated-"));
  const trail: Seen[] = [];
  const features = new Set<string>();
  process.env[secretName] = secret;
  try {
    new Simulation(scenario, folder, trail, features).run();
    return { finding: undefined, features, trail };
  } catch (thrown) {
    if (thrown instanceof Finding) return { finding: thrown.message, features, trail };
    const { message, stack } = toFailure(thrown);
    return { finding: `thrown: ${stack ?? message}`, features, trail };
  } finally {
    Reflect.deleteProperty(process.env, secretName);
    rmSync(folder, { recursive: true, force: true });
  }
}

type Resume = "auto" | "last";

class Simulation {
  readonly #scenario: Scenario;
  readonly #folder: string;
  readonly #trail: Seen[];
  readonly #features: Set<string>;
  #before: FileContent | undefined;
  #resume: Resume = "auto";
  #process = 0;
  #startMs = 0;

  constructor(scenario: Scenario, folder: string, trail: Seen[], features: Set<string>) {
    this.#scenario = scenario;
    this.#folder = folder;
    this.#trail = trail;
    this.#features = features;
  }

  run(): void {
    let db = this.#path(0);
    mkdirSync(join(this.#folder, "0"));
    for (const session of this.#scenario.sessions) {
      const startedMs = this.#startMs;
      const process = new Process(this.#scenario, session, db, this.#resume, this.#startMs, () =>
        this.#copyOf(db),
      );
      const end = process.run();
      this.#startMs = process.world.now + 1000;
      if (end.how === "killed") db = this.#path(this.#process);
      const after = existsSync(db) ? this.#read(db) : empty;
      const seen: Seen = {
        scenario: this.#scenario,
        session,
        stage: process.stage,
        events: process.events,
        output: process.output,
        end,
        diskFailed: [...process.disk.happened].some((code) => code !== "SQLITE_BUSY"),
        wasLocked: process.disk.happened.has("SQLITE_BUSY"),
        before: this.#before,
        after,
        left: process.left,
        startedMs,
        endedMs: process.endedMs,
      };
      this.#trail.push(seen);
      process.count(this.#features, end.how, this.#before !== undefined);
      judge(seen);
      const status = after.runs.at(-1)?.status;
      if (status === "done" || !this.#scenario.storeTaskStatus) return;
      // A dead one is found by itself; one that has ended is asked for.
      this.#resume = status === undefined || status === "running" ? "auto" : "last";
      this.#before = after.runs.length === 0 ? undefined : after;
    }
  }

  #read(db: string): FileContent {
    buryProcess(db);
    return readFile(db);
  }

  #path(number: number): string {
    return join(this.#folder, String(number), "simulated.db");
  }

  /** The files of a process that dies, as they are at this instant. */
  #copyOf(db: string): void {
    const to = this.#path(++this.#process);
    mkdirSync(join(this.#folder, String(this.#process)));
    for (const suffix of ["", "-wal", "-journal"]) {
      if (existsSync(db + suffix)) copyFileSync(db + suffix, to + suffix);
    }
  }
}

/** One process: a main thread, a writer, and task threads. */
class Process {
  readonly world: World;
  readonly stage: Stage;
  readonly events: RunEvent[] = [];
  readonly output: string[] = [];
  readonly disk: Disk;
  left: readonly string[] = [];
  endedMs = 0;
  readonly #scenario: Scenario;
  readonly #session: Session;
  readonly #db: string;
  readonly #resume: Resume;
  readonly #copy: () => void;
  readonly #readers: Reader[] = [];
  readonly #writer: VirtualThread;
  #threads = 0;
  #isStarted = false;
  #isKilled = false;
  #run: Run | undefined;
  #summary: RunSummary | undefined;
  #refused: Failure | undefined;

  constructor(
    scenario: Scenario,
    session: Session,
    db: string,
    resume: Resume,
    startMs: number,
    copy: () => void,
  ) {
    this.#scenario = scenario;
    this.#session = session;
    this.#db = db;
    this.#resume = resume;
    this.#copy = copy;
    this.world = new World(scenario.seed, scenario.pace, startMs);
    this.stage = new Stage(this.world, scenario, session);
    this.#writer = this.world.thread("writer");
    this.disk = new Disk(
      session.incidents.flatMap((incident) => (incident.what === "disk" ? [incident.fault] : [])),
    );
  }

  run(): Seen["end"] {
    const { world } = this;
    try {
      withStatementHook(
        (db, sql, when) => this.#statement(db, sql, when),
        () =>
          withGlobals(
            world,
            (isOver, giveRoom) => this.#block(isOver, giveRoom),
            () => this.#perform(),
          ),
      );
    } finally {
      for (const reader of this.#readers) reader.close();
    }
    if (world.finding !== undefined) throw world.finding;
    if (this.#isKilled) return { how: "killed" };
    if (this.#refused !== undefined) return { how: "refused", failure: this.#refused };
    if (this.#summary === undefined)
      throw new Finding(
        `it hangs: nothing is left to do, and the run has not ended${this.#where()}`,
      );
    this.left = readdirSync(join(this.#db, "..")).filter((name) => name !== "simulated.db");
    return { how: "summary", summary: this.#summary };
  }

  #where(): string {
    const last = this.events.slice(-3).map((event) => JSON.stringify(event).slice(0, 120));
    return `; the last events: ${last.join(" ")}`;
  }

  #perform(): void {
    const { world } = this;
    for (const incident of this.#session.incidents) this.#plan(incident);
    world.schedule(world.main, "self", 0, () => this.#start());
    world.run(() => this.#summary !== undefined || this.#refused !== undefined);
    // What goes on after the end must not throw either.
    if (!world.isDead) world.run(() => false);
  }

  #start(): void {
    const { pipeline, handles } = pipelineOf(this.#scenario, this.#session, this.stage);
    const { workers, concurrency, failFast } = this.#session;
    const run = new Run({
      pipeline,
      module: { kind: "builtin", name: "simulated" },
      writer: {
        db: this.#db,
        wal: this.#scenario.wal,
        durability: "normal",
        storeTaskStatus: this.#scenario.storeTaskStatus,
      },
      params: { salt: 1 },
      resume: this.#resume,
      workers,
      concurrency,
      failFast,
      cores: workers,
      spawnTaskWorker: () => this.#spawn(),
      spawnWriter: () => simulatedWriterThread(this.world, this.#writer, handles),
      onEvents: (events) => this.#announced(events),
      onOutput: (level, line) => this.output.push(`${level}: ${line}`),
    });
    this.#run = run;
    this.#isStarted = true;
    void this.#follow(run);
  }

  async #follow(run: Run): Promise<void> {
    try {
      this.#summary = await run.start();
      this.endedMs = this.world.now;
      this.stage.hooksUnderWayAtEnd = this.stage.hooksUnderWay;
    } catch (thrown) {
      this.#refused = toFailure(thrown);
    }
  }

  #announced(events: readonly RunEvent[]): void {
    if (this.world.isDead) return;
    for (const event of events) {
      this.events.push(event);
      if (event.type === "task-finished" || event.type === "task-retrying")
        this.stage.announced(event);
    }
  }

  #spawn(): SimulatedTaskThread {
    const number = this.#threads++;
    const deaths = this.#session.incidents.flatMap((incident) =>
      incident.what === "death" && incident.thread === number ? [incident.death] : [],
    );
    const thread = new SimulatedTaskThread(this.world, `thread ${number}`, deaths[0], {
      dispatched: (assignments) => this.stage.dispatched(assignments),
      ended: (ended) => this.stage.threadEnded(ended),
      opened: (reader) => this.#readers.push(reader),
    });
    this.stage.spawned(thread);
    return thread;
  }

  /** A task thread that waits for room: the writer gives it, and main must not keep the writer from it. */
  #block(isOver: () => boolean, giveRoom: () => void): void {
    const { world } = this;
    const others = [this.#writer, world.main].filter((thread) => thread !== world.current);
    if (world.block(others, isOver)) return;
    // Its code still has to come to an end, though without an effect.
    if (world.isDead || !world.current.isAlive) return giveRoom();
    world.fail("a thread waits for room, and the writer has nothing left to do");
  }

  // ── incidents ──

  #plan(incident: Incident): void {
    switch (incident.what) {
      case "cancel":
        return this.#at(incident.atEvent, () =>
          // A signal's handler runs on the main thread when that comes to it.
          this.world.schedule(this.world.main, "", 0, () => this.#run?.stop(incident.urgent)),
        );
      case "asked":
        return this.#at(incident.atEvent, () => this.#ask(incident.urgent));
      case "clock":
        return this.#at(incident.atEvent, () => this.world.jumpClock(incident.byMs));
      case "kill":
        return this.#at(incident.atEvent, () => this.#kill());
      case "kill-at-statement":
      case "death":
      case "disk":
        return;
    }
  }

  #at(event: number, work: () => void): void {
    this.world.atEvent(event, work);
  }

  #ask(isUrgent: boolean): void {
    const started = this.events[0];
    if (started?.type !== "run-started") return;
    const path = controlPath(realpathSync(this.#db), started.run);
    if (existsSync(path)) appendFileSync(path, isUrgent ? "urgent\n" : "cancel\n");
  }

  #kill(): void {
    if (this.#isKilled || !this.#isStarted) return;
    this.#isKilled = true;
    this.world.isDead = true;
    this.#copy();
  }

  #statement(db: Database, sql: string, when: "before" | "after"): void {
    if (this.world.current !== this.#writer || this.world.isDead) return;
    if (when === "before") this.disk.before(db, sql);
    const { statements } = this.disk;
    for (const incident of this.#session.incidents) {
      if (incident.what !== "kill-at-statement") continue;
      if (incident.atStatement !== statements || incident.when !== when) continue;
      this.#kill();
      throw new ProcessKilled();
    }
  }

  // ── what was covered ──

  count(features: Set<string>, end: string, isResumed: boolean): void {
    features.add(`end: ${end}`);
    features.add(`form: ${this.#scenario.form}`);
    if (isResumed) features.add("resumed");
    for (const { what } of this.#session.incidents) features.add(`incident: ${what}`);
    for (const code of this.disk.happened) features.add(`disk: ${code}`);
    for (const event of this.events) {
      features.add(
        event.type === "task-finished" ? `task: ${event.status}` : `event: ${event.type}`,
      );
    }
    for (const trace of this.stage.traces) {
      for (const { op } of this.#scenario.kinds[trace.kind]?.steps ?? [])
        features.add(`step: ${op}`);
      if (trace.cursor !== undefined) features.add("began at a cursor");
      if (trace.isLost) features.add("lost with its thread");
      if (trace.attempt > 1) features.add("second attempt");
    }
  }
}
