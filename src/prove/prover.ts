// Proves a pipeline: two undisturbed runs, which show what may be compared, then cycles of a run that is killed.

import { basename, dirname } from "node:path";

import { systemClock } from "../base/clock.ts";
import { shownPath } from "../base/path.ts";
import { UserError } from "../cli/user-error.ts";
import { type ComparePlan, DatabasePair, type Side } from "../store/write/database-pair.ts";
import { Cycle, emptyTally, type Tally } from "./proof-cycle.ts";
import { Findings } from "./findings.ts";
import { KillMoments, randomOf } from "./kill-moments.ts";
import {
  contentOf,
  effectOf,
  fileDifference,
  type FileEffect,
  OutsideFiles,
  writtenBetween,
} from "./outside-files.ts";
import { canRecord } from "./write-recorder.ts";
import { type Kill, type Orders, runSession, type SessionEnd } from "./killed-session.ts";
import type { ProofDatabase } from "./proof-database.ts";

type ProofOptions = {
  /** How the run is started; `db` is that of the proof. */
  readonly orders: Omit<Orders, "trace">;
  readonly cycles: number;
  readonly seed: number;
  readonly stopped: AbortSignal;
  readonly onProgress: (progress: ProofProgress) => void;
};

export type ProofProgress = {
  readonly stage:
    | { readonly type: "undisturbed"; readonly run: 1 | 2 }
    | { readonly type: "cycle"; readonly cycle: number; readonly isOver: boolean };
  readonly kills: number;
  readonly cuts: number;
  readonly found: number;
};

export type Proof = {
  readonly cycles: number;
  readonly tally: Readonly<Tally>;
  /** Whether this system can record writes, without which no power is cut. */
  readonly canCutPower: boolean;
  readonly findings: Findings;
  /** See `ComparePlan`. */
  readonly leftOut: readonly string[];
  readonly unequal: readonly string[];
  /** `orders.id`: some cycle has the same rows, numbered by SQLite in another order. */
  readonly renumbered: readonly string[];
  readonly size: { readonly rows: number; readonly tasks: number };
  /** Attempts that have begun in the cycles, and tasks that an undisturbed run has, by name. */
  readonly ran: ReadonlyMap<string, { readonly attempts: number; readonly tasks: number }>;
  /** Files beside the database that each run has written. */
  readonly files: readonly string[];
  /** Those of them whose content differs between two undisturbed runs, or is too large. */
  readonly notCompared: readonly string[];
  /** Files that the first undisturbed run has made, and the second has not written: they are never missing after it. */
  readonly madeOnce: readonly string[];
  /** False: there are too many files to look for those. */
  readonly isWatched: boolean;
  readonly tookMs: number;
};

/** A run takes no longer, also on a busy machine. A timer cannot wait for longer than 2^31 ms. */
const hangMs = (undisturbedMs: number): number =>
  Math.min(60_000 + 20 * undisturbedMs, 2 ** 31 - 1);
/** The two undisturbed runs start in two seconds: a time in whole seconds must differ. */
const minGapMs = 1_100;

const bypassed = (db: string): UserError =>
  new UserError(
    `${basename(db)} was written to, while the run used a copy of it: a task opens it by its name, or another program runs`,
    "to prove on the file itself: --in-place (it is put back at the end)",
  );

function notRepeatable(first: Undisturbed, second: Undisturbed): UserError {
  const failure = second.end.failure ?? first.end.failure;
  return new UserError(
    `nothing is proved: of two undisturbed runs the first ended with exit code ${first.code}, the second with ${second.code}` +
      (failure === undefined ? "" : ` (${failure})`),
    "both began with the same database; did the first leave a file, or something else outside it, that changes the second?",
  );
}

function notUndisturbed({ outcome, errors }: SessionEnd): UserError {
  const how =
    outcome.type === "exited"
      ? `exit code ${outcome.code}`
      : outcome.type === "crashed"
        ? `ended by ${outcome.signal}`
        : outcome.type;
  return new UserError(
    `the pipeline does not run undisturbed (${how})${errors === "" ? "" : `:\n${errors.trim()}`}`,
    "try it with `pipeloom run` first",
  );
}

type Undisturbed = {
  readonly end: SessionEnd;
  /** The exit code. */
  readonly code: number;
  readonly side: Side;
  readonly contents: ReadonlyMap<string, string | undefined>;
  /** Files that were not there before. */
  readonly made: readonly string[];
};

type OutsideEffects = {
  readonly effects: ReadonlyMap<string, FileEffect>;
  readonly madeOnce: readonly string[];
};

export class Prover {
  readonly #options: ProofOptions;
  readonly #database: ProofDatabase;
  readonly #outside: OutsideFiles;
  readonly #findings = new Findings();
  readonly #ran = new Map<string, number>();
  #lastRun = 0;
  #hangMs: number | undefined;
  readonly #tally = emptyTally();
  readonly #renumbered = new Set<string>();
  /** A cycle was to be recorded, and was not. */
  #isRecorderBroken = false;

  constructor(database: ProofDatabase, options: ProofOptions) {
    this.#database = database;
    this.#options = options;
    const { module } = options.orders;
    const folders = [process.cwd(), ...(module.kind === "file" ? [dirname(module.path)] : [])];
    this.#outside = new OutsideFiles(
      folders,
      (path) => database.isOurs(path) || database.isOriginal(path),
    );
  }

  /** @returns undefined if it was stopped. @throws UserError if the pipeline does not run undisturbed */
  async prove(): Promise<Proof | undefined> {
    const began = systemClock.now();
    this.#database.reset();
    const facts = this.#database.facts(0);
    if (facts.type === "damaged") {
      throw new UserError(`${this.#database.db} is damaged: ${facts.reason}`);
    }
    this.#lastRun = facts.lastRun;
    const first = await this.#undisturbed(1);
    if (first === undefined) return undefined;
    await Bun.sleep(Math.max(0, minGapMs - (systemClock.now() - began)));
    const second = await this.#undisturbed(2);
    if (second === undefined) return undefined;
    if (second.code !== first.code) throw notRepeatable(first, second);
    this.#ran.clear();
    const plan = this.#compared(first.side, second.side, (pair) => pair.plan());
    const effects = new Map(
      [...second.contents].map(([path, content]) => [
        path,
        effectOf([first.contents.get(path), content]),
      ]),
    );
    this.#findings.add("notRepeatable", plan.unequal.length, 0, () => ({
      type: "text",
      text: `${plan.unequal[0]} in two undisturbed runs`,
    }));
    const late = [...first.end.late, ...second.end.late];
    this.#findings.add("lateSends", late.length, 0, () => ({ type: "text", text: late[0] ?? "" }));
    await this.#cycles(first, plan, effects);
    if (this.#isStopped()) return undefined;
    const madeOnce = first.made.filter((path) => !second.contents.has(path));
    return this.#proof(first, plan, { effects, madeOnce }, systemClock.now() - began);
  }

  #proof(
    { end, side }: Undisturbed,
    plan: ComparePlan,
    { effects, madeOnce }: OutsideEffects,
    tookMs: number,
  ): Proof {
    const files = [...effects.keys()];
    const notCompared = files.filter((path) => effects.get(path)?.type === "unknown");
    return {
      cycles: this.#options.cycles,
      tally: this.#tally,
      canCutPower: canRecord && !this.#isRecorderBroken,
      findings: this.#findings,
      leftOut: plan.leftOut,
      unequal: plan.unequal,
      renumbered: [...this.#renumbered],
      size: this.#compared(side, side, (pair) => pair.size(plan)),
      ran: new Map(
        [...end.ran].map(([name, tasks]) => [name, { attempts: this.#ran.get(name) ?? 0, tasks }]),
      ),
      files: files.map(shownPath).toSorted(),
      notCompared: notCompared.map(shownPath).toSorted(),
      madeOnce: madeOnce.map(shownPath).toSorted(),
      isWatched: this.#outside.isWatched,
      tookMs,
    };
  }

  async #cycles(
    { end: { tookMs, events }, code, side }: Undisturbed,
    plan: ComparePlan,
    effects: ReadonlyMap<string, FileEffect>,
  ): Promise<void> {
    this.#hangMs = hangMs(tookMs);
    const moments = new KillMoments(randomOf(this.#options.seed), { tookMs, events });
    for (let number = 1; number <= this.#options.cycles && !this.#isStopped(); number++) {
      this.#report(number, false);
      const contents = new Map([...effects.keys()].map((path) => [path, contentOf(path) ?? ""]));
      const isRecorded = canRecord && moments.isRecorded();
      const recordedBefore = this.#tally.recorded;
      const cycle = new Cycle(number, isRecorded, this.#tally, {
        database: this.#database,
        findings: this.#findings,
        moments,
        session: (kill, isFresh, trace) => this.#session(kill, isFresh, trace),
        code,
        lastRun: this.#lastRun,
        isDurable: this.#options.orders.options.durability !== "normal",
        isStopped: () => this.#isStopped(),
      });
      const run = await cycle.run();
      if (run === undefined || this.#isStopped()) continue;
      this.#isRecorderBroken ||= isRecorded && this.#tally.recorded === recordedBefore;
      const found = { path: this.#database.copy("found"), run };
      this.#compare(number, side, found, plan);
      this.#compareFiles(number, effects, contents);
      this.#report(number, true);
    }
  }

  /** @returns undefined if the proof was stopped */
  async #undisturbed(run: 1 | 2): Promise<Undisturbed | undefined> {
    this.#options.onProgress({ ...this.#progress(), stage: { type: "undisturbed", run } });
    this.#database.reset();
    const before = this.#outside.look();
    const end = await this.#session({ type: "never" }, true, null);
    if (this.#isStopped()) return undefined;
    const { outcome } = end;
    const facts = this.#database.facts(this.#lastRun);
    if (
      outcome.type !== "exited" ||
      facts.type === "damaged" ||
      facts.run === undefined ||
      facts.run.status === "running"
    ) {
      throw notUndisturbed(end);
    }
    if (this.#database.isBypassed) throw bypassed(this.#options.orders.options.db);
    const written = writtenBetween(before, this.#outside.look());
    return {
      end,
      code: outcome.code,
      side: { path: this.#database.copy(`undisturbed-${run}`), run: facts.run.id },
      contents: new Map(written.map((path) => [path, contentOf(path)])),
      made: written.filter((path) => !before.has(path)),
    };
  }

  async #session(kill: Kill, isFresh: boolean, trace: string | null): Promise<SessionEnd> {
    const { orders, stopped } = this.#options;
    const end = await runSession(
      {
        module: orders.module,
        options: { ...orders.options, resume: isFresh ? "fresh" : "auto" },
        trace,
      },
      kill,
      { scratch: this.#database.scratch, hangMs: this.#hangMs, stopped },
    );
    for (const [name, attempts] of end.ran) {
      this.#ran.set(name, (this.#ran.get(name) ?? 0) + attempts);
    }
    return end;
  }

  #compare(cycle: number, undisturbed: Side, found: Side, plan: ComparePlan): void {
    const { tasks, rows, renumbered } = this.#compared(undisturbed, found, (pair) =>
      pair.compare(plan),
    );
    for (const column of renumbered) this.#renumbered.add(column);
    const kinds = [
      ["tasksLost", tasks, tasks.lost],
      ["tasksTwice", tasks, tasks.twice],
      ["tasksChanged", tasks, tasks.changed],
      ["rowsLost", rows, rows.lost],
      ["rowsTwice", rows, rows.twice],
      ["rowsChanged", rows, rows.changed],
    ] as const;
    for (const [name, { first }, count] of kinds) {
      if (first === undefined) continue;
      this.#findings.add(name, count, cycle, () => ({ type: "difference", ...first }));
    }
  }

  #compareFiles(
    cycle: number,
    effects: ReadonlyMap<string, FileEffect>,
    before: ReadonlyMap<string, string>,
  ): void {
    for (const [path, effect] of effects) {
      const differs = fileDifference(path, effect, before.get(path) ?? "", contentOf(path));
      if (differs === undefined) continue;
      this.#findings.add("filesChanged", 1, cycle, () => ({
        type: "file",
        ...differs,
        path: shownPath(path),
      }));
    }
  }

  #compared<Result>(a: Side, b: Side, look: (pair: DatabasePair) => Result): Result {
    using pair = new DatabasePair(a, b);
    return look(pair);
  }

  #progress(): Omit<ProofProgress, "stage"> {
    const { kills, cuts } = this.#tally;
    return { kills, cuts, found: this.#findings.total };
  }

  #report(cycle: number, isOver: boolean): void {
    this.#options.onProgress({
      ...this.#progress(),
      stage: { type: "cycle", cycle, isOver },
    });
  }

  #isStopped(): boolean {
    return this.#options.stopped.aborted;
  }
}
