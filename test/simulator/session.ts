// One session of a scenario: a simulated process, its incidents, and the observations.

import type { Database } from "bun:sqlite";
import { appendFileSync, existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname } from "node:path";

import type { Fingerprints } from "../../src/module/fingerprints.ts";
import { controlPath } from "../../src/protocol/control-file.ts";
import { type CodeState, codeText, fingerprintOf } from "./code.ts";
import { Disk } from "./disk.ts";
import type { Seen } from "./evidence.ts";
import { type Program, SimulatedProcess } from "./process.ts";
import type { EnginePlan, Incident, Scenario, Session } from "./scenario.ts";
import { kindName, pipelineOf } from "./script.ts";
import { Stage } from "./stage.ts";
import { Finding, World } from "./world.ts";

/** Thrown in the writer's code at the statement where the process dies. */
class ProcessKilled extends Error {
  override readonly name = "ProcessKilled";
}

const slowReaderMs = 40;

type Sitting = {
  readonly scenario: Scenario;
  readonly session: Session;
  readonly db: string;
  readonly resume: Resume;
  readonly startMs: number;
  readonly code: CodeState;
  /** Where the run's process is killed. */
  readonly machinesLiveOn: boolean;
};

export type Resume = "auto" | "last" | "newest";

const noSources = async () => new Map<string, string>();

export class SimulatedSession {
  readonly world: World;
  readonly stage: Stage;
  readonly process: SimulatedProcess;
  readonly disk: Disk;
  hasWriterDied = false;
  readonly #scenario: Scenario;
  readonly #session: Session;
  readonly #db: string;
  readonly #resume: Resume;
  readonly #copy: () => void;
  readonly #code: CodeState;
  /** The machines of a run that is killed live on. */
  readonly #machinesLiveOn: boolean;
  #isKilled = false;
  readonly #firstEvent: number;
  #batches = 0;

  /** @param copy copies the files when the process dies */
  constructor(
    { scenario, session, db, resume, startMs, code, machinesLiveOn }: Sitting,
    copy: () => void,
    before?: SimulatedSession,
  ) {
    this.#machinesLiveOn = machinesLiveOn;
    this.#code = code;
    this.#scenario = scenario;
    this.#session = session;
    this.#db = db;
    this.#resume = resume;
    this.#copy = copy;
    this.world = before?.world ?? new World(scenario.seed, scenario.pace, startMs);
    this.#firstEvent = this.world.events;
    this.stage = new Stage(this.world, scenario, session, before?.stage);
    this.process = new SimulatedProcess(this.world, this.#program(), before?.process);
    this.disk = new Disk(
      session.incidents.flatMap((incident) => (incident.what === "disk" ? [incident.fault] : [])),
    );
  }

  /** @throws Finding */
  run(): Seen["end"] {
    for (const incident of this.#session.incidents) this.#plan(incident);
    this.process.run();
    const { summary, refused, events } = this.process;
    if (this.#isKilled) return { how: "killed" };
    if (refused !== undefined) return { how: "refused", failure: refused };
    if (summary !== undefined) return { how: "summary", summary };
    const last = events.slice(-3).map((event) => JSON.stringify(event).slice(0, 120));
    throw new Finding(
      `it hangs: nothing is left to do, and the run has not ended; the last events: ${last.join(" ")}`,
    );
  }

  /** Other files in the database's folder. */
  get left(): string[] {
    return readdirSync(dirname(this.#db)).filter((name) => name !== "simulated.db");
  }

  #program(): Program {
    const { stage } = this;
    return {
      load: () => this.#load(),
      deathOf: (thread) => this.#deathOf(thread),
      onStatement: (db, sql, when) => this.#statement(db, sql, when),
      onEvent: (event) => {
        if (event.type === "task-started") stage.started(event.id, event.attempt);
        if (event.type === "task-finished" || event.type === "task-retrying") {
          stage.announced(event);
        }
      },
      onDispatch: (assignments) => stage.dispatched(assignments),
      onThread: (thread) => stage.spawned(thread),
      onThreadEnd: (thread) => stage.threadEnded(thread),
      ...(this.#engine === undefined ? {} : { engine: this.#engine }),
      onGivenUp: (threads) => stage.givenUp(threads),
      onGoOn: (...gone) => stage.goOn(...gone),
      onStop: () => {
        stage.isStopped = true;
      },
      onEnd: () => {
        stage.hooksUnderWayAtEnd = stage.hooksUnderWay;
      },
    };
  }

  get #engine(): EnginePlan | undefined {
    const { engine, workers, concurrency } = this.#session;
    if (engine === undefined) return undefined;
    const slots = Math.ceil(concurrency / workers);
    const { latencyMs } = engine;
    return {
      machines: workers,
      threads: Math.min(slots, 2),
      slots,
      mostTasks: concurrency,
      latencyMs,
    };
  }

  #load(): ReturnType<Program["load"]> {
    const { pipeline, handles } = pipelineOf(this.#scenario, this.#session, this.stage);
    const { workers, concurrency, failFast } = this.#session;
    const { wal, storeTaskStatus } = this.#scenario;
    return {
      handles,
      options: {
        pipeline,
        writer: { db: this.#db, wal, durability: "normal", storeTaskStatus },
        params: { salt: 1 },
        resume: this.#resume,
        workers,
        concurrency,
        failFast,
        inputs: this.#scenario.inputs ?? "short",
        cores: workers,
        code: codeText(this.#code.versions),
        tasks: this.#scenario.kinds.map((_, kind) => kindName(kind)),
        fingerprints: () => Promise.resolve(this.#fingerprints()),
        reruns: {
          keep: this.#code.keeps.map(kindName),
          rerun: (this.#code.asks?.rerun ?? []).map(kindName),
          titles: [],
          failed: this.#code.asks?.failed ?? false,
          downstream: this.#code.asks?.downstream ?? false,
        },
        behind: () => this.#behind(),
      },
    };
  }

  #fingerprints(): Fingerprints {
    const { versions } = this.#code;
    const prints = versions.map(
      (version, kind) => [kindName(kind), fingerprintOf(kind, version)] as const,
    );
    const none = {
      sources: noSources,
      unseen: [],
      unknown: new Set<string>(),
      params: new Map(),
      packages: new Map(),
    };
    return { byTask: new Map(prints), coarse: undefined, ...none };
  }

  /** A slow reader: every third batch of events takes some time. */
  #behind(): Promise<void> | undefined {
    if (this.#scenario.isReadSlowly !== true || ++this.#batches % 3 !== 0) return undefined;
    return new Promise((resolve) => setTimeout(resolve, slowReaderMs));
  }

  // ── incidents ──

  #plan(incident: Incident): void {
    switch (incident.what) {
      case "cancel":
        return this.world.atEvent(this.#firstEvent + incident.atEvent, () => {
          this.process.stop(incident.urgent);
        });
      case "asked":
        return this.world.atEvent(this.#firstEvent + incident.atEvent, () =>
          this.#ask(incident.urgent),
        );
      case "clock":
        return this.world.atEvent(this.#firstEvent + incident.atEvent, () =>
          this.world.jumpClock(incident.byMs),
        );
      case "kill":
        return this.#killAt(this.#firstEvent + incident.atEvent, incident.whileBusy === true);
      case "writer-death":
        return this.world.atEvent(this.#firstEvent + incident.atEvent, () => {
          this.hasWriterDied ||= this.process.endWriter();
        });
      case "engine":
        return this.world.atEvent(this.#firstEvent + incident.atEvent, () =>
          this.process.engine?.befall(incident),
        );
      case "kill-at-statement":
      case "death":
      case "disk":
        return;
    }
  }

  #killAt(event: number, whileBusy: boolean): void {
    this.world.atEvent(event, () => {
      if (!whileBusy || this.stage.isBusy) this.#kill();
      else this.#killAt(this.world.events + 1, true);
    });
  }

  #ask(isUrgent: boolean): void {
    const started = this.process.events[0];
    if (started?.type !== "run-started") return;
    const path = controlPath(realpathSync(this.#db), started.run);
    if (existsSync(path)) appendFileSync(path, isUrgent ? "urgent\n" : "cancel\n");
  }

  #deathOf(thread: number): ReturnType<NonNullable<Program["deathOf"]>> {
    for (const incident of this.#session.incidents) {
      if (incident.what === "death" && incident.thread === thread) return incident.death;
    }
    return undefined;
  }

  /** @param mayLive within a statement, the writer's code cannot be left */
  #kill(mayLive = true): void {
    if (this.#isKilled || !this.process.isStarted) return;
    this.#isKilled = true;
    this.#copy();
    if (this.#machinesLiveOn && mayLive) this.process.die();
    else this.world.isDead = true;
  }

  /** The process was killed, and its machines were not. */
  get hasLeftMachines(): boolean {
    const { summary, refused } = this.process;
    return this.#isKilled && !this.world.isDead && summary === undefined && refused === undefined;
  }

  #statement(db: Database, sql: string, when: "before" | "after"): void {
    if (when === "before") this.disk.before(db, sql);
    for (const incident of this.#session.incidents) {
      if (incident.what !== "kill-at-statement") continue;
      if (incident.atStatement !== this.disk.statements || incident.when !== when) continue;
      this.#kill(false);
      throw new ProcessKilled();
    }
  }

  // ── what was covered ──

  *features(): Generator<string> {
    yield `form: ${this.#scenario.form}`;
    if (this.stage.goneOn.size > 0) yield "goes on in another session";
    if (this.hasLeftMachines) yield "machines without a run";
    if (this.#session.engine !== undefined) yield "engine";
    for (const incident of this.#session.incidents) {
      const { what } = incident;
      yield what === "engine" ? `engine: ${incident.fault}` : `incident: ${what}`;
    }
    if (this.#code.asks !== undefined) {
      const { rerun, failed, downstream } = this.#code.asks;
      if (rerun.length > 0) yield "rerun: of kinds";
      if (failed) yield "rerun: of what failed";
      if (downstream) yield "rerun: downstream";
    }
    for (const code of this.disk.happened) yield `disk: ${code}`;
    for (const event of this.process.events) {
      yield event.type === "task-finished" ? `task: ${event.status}` : `event: ${event.type}`;
    }
    for (const { kind, cursor, isLost, attempt } of this.stage.traces) {
      for (const { op } of this.#scenario.kinds[kind]?.steps ?? []) yield `step: ${op}`;
      if (cursor !== undefined) yield "began at a cursor";
      if (isLost) yield "lost with its thread";
      if (attempt > 1) yield "second attempt";
    }
  }
}
