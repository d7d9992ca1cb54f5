// The programs that the page has started, newest first. Ended ones stay for a while, so that a tab that was closed finds them.

import type { JobBrief } from "../contract-actions.ts";
import { pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import { triggerVariable } from "../../protocol/page-variables.ts";
import { Job, type Program } from "./job.ts";

/** Ended ones that are kept. */
const maxEnded = 30;

/** Where its runs are: several databases may be shown by one page. */
type JobDatabase = {
  /** Null: the page shows one. */
  readonly id: number | null;
  /** Undefined as long as it has none of the process. */
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

type Known = { readonly job: Job; readonly database: JobDatabase | undefined; run: number | null };

export class Jobs {
  readonly #own: readonly string[];
  readonly #jobs = new Map<number, Known>();
  #last = 0;

  /** @param own the words that start pipeloom */
  constructor(own: readonly string[]) {
    this.#own = own;
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
    this.#jobs.set(job.id, { job, database, run: run ?? null });
    this.#forget();
    return job;
  }

  get(id: number): Job | undefined {
    return this.#jobs.get(id)?.job;
  }

  /** @throws ReaderError where the database of the job's run cannot be read */
  briefOf(job: Job): JobBrief {
    const { id, title, command, isRun, startedAt, ended, pid } = job;
    const known = this.#jobs.get(id);
    const database = known?.database?.id ?? null;
    const run = known?.run ?? known?.database?.runOf(pid, startedAt) ?? null;
    if (known !== undefined) known.run = run;
    return { id, title, command, isRun, startedAt, ended, database, run };
  }

  get newestFirst(): readonly Job[] {
    return [...this.#jobs.values()].map(({ job }) => job).toReversed();
  }

  #forget(): void {
    const ended = this.newestFirst.filter((job) => job.ended !== null);
    for (const { id } of ended.slice(maxEnded)) this.#jobs.delete(id);
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The environment of the page's server, without what is only for that: user code runs in it. */
export function childEnv(): Record<string, string> {
  const { PIPELOOM_UI_TOKEN: _, PIPELOOM_METRICS_TOKEN: __, NO_COLOR: ___, ...env } = process.env;
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
