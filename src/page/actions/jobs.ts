// The programs that the page has started, newest first. Ended ones stay for a while, so that a tab that was closed finds them.

import { type Clock, systemClock } from "../../base/clock.ts";
import type { JobBrief } from "../contract-actions.ts";
import { pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import { triggerVariable } from "../../protocol/page-variables.ts";
import { environmentOfChildren } from "../../protocol/server-variables.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import { Job, type Program } from "./job.ts";

/** Ended ones that are kept. */
const maxEnded = 30;

/** So long, a database that could not be read is not asked again: one that is locked holds up everything for 250 ms. */
const restMs = 5_000;

/** Where its runs are: several databases may be shown by one page. */
type JobDatabase = {
  /** Null: the page shows one. */
  readonly id: number | null;
  /** Undefined as long as it has none of the process. @throws ReaderError */
  runOf(pid: number, startedAt: number): number | undefined;
};

type Start = {
  readonly title: string;
  readonly words: readonly string[];
  readonly cwd: string;
  /** JSON text for standard input, and as it is shown, with secrets masked. */
  readonly params?: { readonly text: string; readonly shown: string } | undefined;
  /** The run that it works on, where that is known before. */
  readonly run?: number;
  /** Absent: it works on no run. */
  readonly database?: JobDatabase;
};

type Known = {
  readonly job: Job;
  readonly database: JobDatabase | undefined;
  /** Undefined: the database may still get it. Null: it has none. */
  run: number | null | undefined;
};

export class Jobs {
  readonly #own: readonly string[];
  readonly #jobs = new Map<number, Known>();
  readonly #clock: Pick<Clock, "now">;
  /** Databases that could not be read, and until when they are left alone. */
  readonly #resting = new WeakMap<JobDatabase, number>();
  #last = 0;

  /** @param own the words that start pipeloom */
  constructor(own: readonly string[], clock: Pick<Clock, "now"> = systemClock) {
    this.#own = own;
    this.#clock = clock;
  }

  /** @throws Error with a `code` where no process can be started */
  start({ title, words, cwd, params, run, database }: Start): Job {
    const command = pipeloomCommand(...words);
    const shown = params === undefined ? command : `echo ${quoted(params.shown)} | ${command}`;
    const env = { ...childEnv(), FORCE_COLOR: "1", [triggerVariable]: "page" };
    const program: Program = { own: this.#own, words, cwd, env, stdin: params?.text };
    const isRun = words[0] === "run";
    const job = new Job(this.#last + 1, { title, command: shown, isRun }, program);
    this.#last = job.id;
    this.#jobs.set(job.id, { job, database, run });
    this.#forget();
    return job;
  }

  get(id: number): Job | undefined {
    return this.#jobs.get(id)?.job;
  }

  briefOf(job: Job): JobBrief {
    const { id, title, command, isRun, startedAt, ended } = job;
    const known = this.#jobs.get(id);
    const database = known?.database?.id ?? null;
    const run = (known === undefined ? undefined : this.#runOf(known)) ?? null;
    return { id, title, command, isRun, startedAt, ended, database, run };
  }

  get newestFirst(): readonly Job[] {
    return [...this.#jobs.values()].map(({ job }) => job).toReversed();
  }

  #runOf(known: Known): Known["run"] {
    const { job, database, run } = known;
    if (run !== undefined || database === undefined) return run;
    if (this.#clock.now() < (this.#resting.get(database) ?? 0)) return undefined;
    // Before the database is asked: what a process that has ended has not written, it never writes.
    const hasEnded = job.ended !== null;
    try {
      const found = database.runOf(job.pid, job.startedAt);
      return (known.run = found ?? (hasEnded ? null : undefined));
    } catch (thrown) {
      // The programs of the other databases, and what this one prints, are shown all the same.
      if (!(thrown instanceof ReaderError)) throw thrown;
      this.#resting.set(database, this.#clock.now() + restMs);
      return undefined;
    }
  }

  #forget(): void {
    const ended = this.newestFirst.filter((job) => job.ended !== null);
    for (const { id } of ended.slice(maxEnded)) this.#jobs.delete(id);
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The page decides whether there are colours. */
export function childEnv(): Record<string, string> {
  const { NO_COLOR: _, ...env } = environmentOfChildren(process.env);
  return env;
}
