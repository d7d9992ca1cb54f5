// A cycle: the run from its beginning, killed until it is done, and what came of it.

import type { RunFacts } from "../store/write/run-facts.ts";
import type { CountName, FirstFinding, Findings } from "./findings.ts";
import type { Kill, SessionEnd } from "./killed-session.ts";
import type { KillMoments } from "./kill-moments.ts";
import { RecordedDisk } from "./recorded-disk.ts";
import type { ProofDatabase } from "./proof-database.ts";

type CycleDeps = {
  readonly database: ProofDatabase;
  readonly findings: Findings;
  readonly moments: KillMoments;
  /** Starts or continues the run. */
  readonly session: (kill: Kill, isFresh: boolean, trace: string | null) => Promise<SessionEnd>;
  /** The exit code of an undisturbed run. */
  readonly code: number;
  /** Id of the newest run before the cycle. */
  readonly lastRun: number;
  /** Whether an announced task must survive a power cut. */
  readonly isDurable: boolean;
  readonly isStopped: () => boolean;
};

/** What happened in a cycle, or in all of them. */
export type Tally = {
  kills: number;
  cuts: number;
  /** Tasks that were announced, and that a power cut has taken. Only without durability. */
  lostToPower: number;
  /** Processes whose records do not explain what is in the files. */
  unexplained: number;
  /** Processes that have written more than a replay can hold. */
  tooLarge: number;
  /** Processes with records. */
  recorded: number;
};

export const emptyTally = (): Tally => ({
  kills: 0,
  cuts: 0,
  lostToPower: 0,
  unexplained: 0,
  tooLarge: 0,
  recorded: 0,
});

/** A run needs a few. One that never ends is a finding; a power cut may undo a finished run several times. */
const maxSessions = 300;

export class Cycle {
  readonly #deps: CycleDeps;
  readonly #number: number;
  readonly #tally: Tally;
  readonly #disk: RecordedDisk | undefined;
  readonly #announced = new Set<number>();
  /** As the file had them after the last process. */
  #done: RunFacts["done"] = new Map();

  /** @param tally is counted up */
  constructor(number: number, isRecorded: boolean, tally: Tally, deps: CycleDeps) {
    this.#number = number;
    this.#deps = deps;
    this.#tally = tally;
    deps.database.reset();
    this.#disk = isRecorded ? new RecordedDisk(deps.database) : undefined;
  }

  /** @returns the run's id; undefined if it was not brought to its end */
  async run(): Promise<number | undefined> {
    const { moments, isStopped } = this.#deps;
    let facts: RunFacts | undefined;
    for (let ends = 0; ends < maxSessions; ends++) {
      if (isStopped()) return undefined;
      this.#disk?.begin();
      const trace = this.#disk?.trace ?? null;
      const end = await this.#deps.session(moments.next(ends), facts === undefined, trace);
      if (isStopped()) return undefined;
      this.#found("programsLeft", end.programsLeft, "a program ran on after pipeloom had ended");
      if (this.#isFailed(end)) return undefined;
      const isCut = this.#isCut(end);
      if (isCut) this.#tally.cuts++;
      else if (end.outcome.type === "killed") this.#tally.kills++;
      const seen = this.#judge(isCut);
      if (seen === "damaged") return undefined;
      facts = seen;
      if (facts !== undefined && facts.status !== "running") return facts.id;
    }
    this.#found("failed", 1, `the run was not done after ${maxSessions} processes`);
    return undefined;
  }

  #found(name: CountName, count: number, text: string): void {
    this.#deps.findings.add(name, count, this.#number, () => ({ type: "text", text }));
  }

  #isFailed({ outcome, failure, errors }: SessionEnd): boolean {
    const said = failure ?? errors.trim();
    const why = said === "" ? "" : `: ${said}`;
    const wanted = this.#deps.code;
    switch (outcome.type) {
      case "killed":
        return false;
      case "hung":
        this.#found("hangs", 1, "the run did not end");
        return true;
      case "crashed":
        this.#found("failed", 1, `the run was ended by ${outcome.signal}${why}`);
        return true;
      case "exited": {
        const { code } = outcome;
        if (code === wanted) return false;
        const text = `the run ended with exit code ${code}, and an undisturbed one with ${wanted}${why}`;
        this.#found("failed", 1, text);
        return true;
      }
    }
  }

  /** Cuts the power, or not. */
  #isCut({ done }: SessionEnd): boolean {
    const ended = this.#disk?.end() ?? { type: "unknown" };
    if (ended.type !== "unknown") this.#tally.recorded++;
    if (ended.type === "unexplained") this.#tally.unexplained++;
    if (ended.type === "too-large") this.#tally.tooLarge++;
    const { moments } = this.#deps;
    if (this.#disk === undefined || ended.type !== "explained" || !moments.isPowerCut()) {
      for (const id of done) this.#announced.add(id);
      return false;
    }
    // Nobody has seen what was announced after the cut.
    for (const note of this.#disk.cut(moments.random)) {
      for (const id of idsIn(note)) this.#announced.add(id);
    }
    return true;
  }

  #judge(isCut: boolean): RunFacts | undefined | "damaged" {
    const { database, lastRun, isDurable } = this.#deps;
    const facts = database.facts(lastRun);
    if (facts.type === "damaged") {
      this.#found("corrupt", 1, facts.reason);
      return "damaged";
    }
    const { run } = facts;
    const done: RunFacts["done"] = run?.done ?? new Map();
    const promised = isCut ? this.#announced : new Set([...this.#announced, ...this.#done.keys()]);
    const lost = [...promised].filter((id) => !done.has(id));
    for (const id of lost) this.#announced.delete(id);
    if (isCut && !isDurable) this.#tally.lostToPower += lost.length;
    else this.#foundTasks("tasksLost", lost, "lost");
    const twice = [...done].filter(([id, stamp]) => (this.#done.get(id) ?? stamp) !== stamp);
    this.#foundTasks("tasksTwice", [...new Map(twice).keys()], "twice");
    this.#done = done;
    return run;
  }

  #foundTasks(name: CountName, ids: readonly number[], happened: "lost" | "twice"): void {
    const [id] = ids;
    if (id === undefined) return;
    const what: FirstFinding["what"] = { type: "task", id, happened };
    this.#deps.findings.add(name, ids.length, this.#number, () => what);
  }
}

/** Of an announcement: `done 1,2,3`. */
const idsIn = (note: string): number[] => note.slice("done ".length).split(",").map(Number);
