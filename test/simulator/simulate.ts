// One simulation: the sessions of a scenario run one after the other on the same file, and each is judged at its end.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { toFailure } from "../../src/base/failure.ts";
import { afterSession, type CodeState, nothingBefore, repeatingKinds, versionsIn } from "./code.ts";
import { buryProcess, empty, type FileContent, readFile } from "./file.ts";
import { noRounds, type Rounds, type Seen } from "./evidence.ts";
import { judge } from "./judge.ts";
import type { Asks, Scenario, Session } from "./scenario.ts";
import { secret, secretName } from "./script.ts";
import { type Resume, SimulatedSession } from "./session.ts";
import { Finding } from "./world.ts";

export type Simulated = {
  /** The first error found; undefined if there is none. */
  readonly finding: string | undefined;
  /** Features that the sessions covered, for statistics. */
  readonly features: ReadonlySet<string>;
  readonly trail: readonly Seen[];
};

/** A folder in memory if the system has one, because simulations do not measure the disk. */
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

class Simulation {
  readonly #scenario: Scenario;
  readonly #folder: string;
  readonly #trail: Seen[];
  readonly #features: Set<string>;
  #before: FileContent | undefined;
  #code: Omit<CodeState, "versions" | "keeps" | "asks">;
  #rounds: Rounds = noRounds;
  /** The session before, if its machines live on. */
  #left: SimulatedSession | undefined;
  #db: string;
  #process = 0;
  #startMs = 0;

  constructor(scenario: Scenario, folder: string, trail: Seen[], features: Set<string>) {
    this.#scenario = scenario;
    this.#folder = folder;
    this.#trail = trail;
    this.#features = features;
    this.#code = nothingBefore(scenario);
    this.#db = this.#path(0);
  }

  run(): void {
    mkdirSync(join(this.#folder, "0"));
    try {
      this.#sessions();
    } catch (thrown) {
      if (!(thrown instanceof Indistinct)) throw thrown;
      this.#features.add("indistinct");
    }
  }

  #sessions(): void {
    for (const session of this.#scenario.sessions) {
      const asks = this.#before === undefined ? undefined : session.asks;
      if (this.#isDone && asks === undefined) return;
      this.#resumed(session, asks);
      if (!this.#scenario.storeTaskStatus) return;
    }
  }

  get #isDone(): boolean {
    return this.#before?.runs.at(-1)?.status === "done";
  }

  #resumed(session: Session, asks: Asks | undefined): void {
    let seen = this.#session(session, [], asks);
    if (hasNothingToRerun(seen.end)) {
      // What the user asks for is not there. Without it, the run is continued if there is anything left to do.
      if (this.#isDone) return;
      seen = this.#session(session, [], undefined);
    }
    const { end } = isLeftToUser(seen.end)
      ? this.#session(session, repeatingKinds(seen.code, seen.before), seen.code.asks)
      : seen;
    if (isLeftToUser(end)) throw new Finding("what the user chose was asked for again");
  }

  /** A dead run is continued automatically; a run that has ended needs `--resume` or `--rerun`. */
  #resume(asks: Asks | undefined): Resume {
    if (asks !== undefined) return "newest";
    const status = this.#before?.runs.at(-1)?.status;
    return status === undefined || status === "running" ? "auto" : "last";
  }

  /** @param keeps kinds whose results the user keeps although their code has changed */
  #session(session: Session, keeps: readonly number[], asks: Asks | undefined): Seen {
    const db = this.#db;
    const code = { ...this.#code, versions: versionsIn(this.#scenario, session), keeps, asks };
    const next = this.#scenario.sessions[this.#scenario.sessions.indexOf(session) + 1];
    const simulated = new SimulatedSession(
      {
        scenario: this.#scenario,
        session,
        db,
        resume: this.#resume(asks),
        startMs: this.#startMs,
        code,
        machinesLiveOn: next !== undefined && haveSameMachines(session, next),
      },
      () => this.#copyOf(db),
      this.#left,
    );
    const end = simulated.run();
    this.#left = simulated.hasLeftMachines ? simulated : undefined;
    if (end.how === "killed") this.#db = this.#path(this.#process);
    const after = existsSync(this.#db) ? this.#read(this.#db) : empty;
    const seen = this.#seen(session, simulated, end, code, after);
    this.#trail.push(seen);
    for (const feature of simulated.features()) this.#features.add(feature);
    this.#features.add(`end: ${end.how}`);
    if (this.#before !== undefined) this.#features.add("resumed");
    if (isLeftToUser(end)) this.#features.add("left to the user");
    if (hasNothingToRerun(end)) this.#features.add("nothing to rerun");
    if (timesCoincide(seen)) throw new Indistinct();
    this.#rounds = judge(seen).rounds;
    this.#startMs = simulated.world.now + 1000;
    this.#before = after.runs.length === 0 ? undefined : after;
    this.#code = seen.codeAfter;
    return seen;
  }

  #seen(
    session: Session,
    { stage, process, disk, left, hasWriterDied }: SimulatedSession,
    end: Seen["end"],
    code: CodeState,
    after: FileContent,
  ): Seen {
    return {
      scenario: this.#scenario,
      session,
      stage,
      events: process.events,
      output: process.output,
      end,
      storeFailed: hasWriterDied || [...disk.happened].some((error) => error !== "SQLITE_BUSY"),
      wasLocked: disk.happened.has("SQLITE_BUSY"),
      before: this.#before,
      code,
      codeAfter: afterSession(code, this.#before, after),
      after,
      rounds: this.#rounds,
      left,
      startedMs: process.startedMs,
      endedMs: process.endedMs,
    };
  }

  #read(db: string): FileContent {
    buryProcess(db);
    return readFile(db);
  }

  #path(number: number): string {
    return join(this.#folder, String(number), "simulated.db");
  }

  /** Copies the files of a dying process in their current state. */
  #copyOf(db: string): void {
    const to = this.#path(++this.#process);
    mkdirSync(join(this.#folder, String(this.#process)));
    for (const suffix of ["", "-wal", "-journal"]) {
      if (existsSync(db + suffix)) copyFileSync(db + suffix, to + suffix);
    }
  }
}

/** Nothing can be said about the session, nor about those after it. */
class Indistinct extends Error {}

/**
 * The judge knows a row by its times. Where a clock was set back, a task that ran again may have begun and ended in the same
 * milliseconds as in an earlier session.
 */
function timesCoincide({ stage, before, after }: Seen): boolean {
  const fresh = after.attempts.slice(before?.attempts.length ?? 0);
  return after.tasks.some(({ id, attempt, started_at: begun, finished_at: ended }) => {
    const old = before?.tasks.find((row) => row.id === id);
    return (
      old?.started_at === begun &&
      old.finished_at === ended &&
      stage.traces.some(({ task }) => task === id) &&
      fresh.some(
        (row) =>
          row.task_id === id &&
          row.attempt === attempt &&
          row.started_at === begun &&
          row.finished_at === ended,
      )
    );
  });
}

const haveSameMachines = (one: Session, other: Session): boolean =>
  one.engine !== undefined &&
  other.engine !== undefined &&
  one.workers === other.workers &&
  one.concurrency === other.concurrency;

const hasNothingToRerun = (end: Seen["end"]): boolean =>
  end.how === "refused" && end.failure.code === "nothing-to-rerun";

const isLeftToUser = (end: Seen["end"]): boolean =>
  end.how === "refused" && end.failure.code === "would-repeat";
