// The environment of a benchmark: the executable, a temporary folder, the size, and functions that run pipelines and
// child programs.

import { Database } from "bun:sqlite";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type ChildOptions, type Measured, runChild } from "./child.ts";
import type { Figure } from "./figure.ts";

export type Benchmark = {
  readonly name: string;
  readonly about: string;
  /** Runs only with `--slow`, or when it is named on the command line. */
  readonly slow?: true;
  run(kit: Kit): Promise<Figure[]>;
};

export type RunMeasured = Measured & {
  /** Duration in `pipeline_runs`, without the start of the program and the final WAL checkpoint. */
  readonly runMs: number;
  readonly db: string;
};

export type ChildMeasured<Said> = Measured & { readonly said: Said };

export type RunOptions = Omit<ChildOptions, "cwd"> & {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly flags?: readonly string[];
  /** Files in pipelines/ that the pipeline imports. */
  readonly beside?: readonly string[];
  /** File name of the database. Default: a new database. */
  readonly db?: string;
};

export class Kit {
  /** The executable under test. */
  readonly exe: string;
  readonly quick: boolean;
  readonly slow: boolean;
  readonly folder = mkdtempSync(join(tmpdir(), "pipeloom-bench-"));
  readonly #say: (line: string) => void;
  #databases = 0;

  constructor(exe: string, size: { quick: boolean; slow: boolean }, say: (line: string) => void) {
    this.exe = exe;
    this.quick = size.quick;
    this.slow = size.slow;
    this.#say = say;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** @returns `full`, or `quick` with `--quick` */
  size(full: number, quick: number): number {
    return this.quick ? quick : full;
  }

  say(line: string): void {
    this.#say(line);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  newDb(): string {
    return `run-${++this.#databases}.db`;
  }

  removeDb(db: string): void {
    for (const end of ["", "-wal", "-shm"]) rmSync(this.path(db + end), { force: true });
  }

  /** Runs `pipeloom run` on a file of pipelines/, copied to a folder without node_modules, as for a user. */
  async run(pipeline: string, options: RunOptions = {}): Promise<RunMeasured> {
    const { params = {}, flags = [], beside = [], db = this.newDb(), ...child } = options;
    const file = `${pipeline}.ts`;
    for (const name of [file, ...beside]) {
      copyFileSync(join(import.meta.dir, "pipelines", name), this.path(name));
    }
    const given = Object.entries(params).flatMap(([key, value]) => ["--param", `${key}=${value}`]);
    const measured = await this.pipeloom(["run", file, "--db", db, ...given, ...flags], child);
    return { ...measured, db, runMs: this.#runMs(db) };
  }

  pipeloom(args: readonly string[], options: Omit<ChildOptions, "cwd"> = {}): Promise<Measured> {
    return runChild([this.exe, ...args], { ...options, cwd: this.folder });
  }

  /** Runs a program of children/ with Bun. Its last output line is JSON, returned as `said`. */
  async child<Said>(
    name: string,
    args: readonly (string | number)[],
    options: Omit<ChildOptions, "cwd"> = {},
  ): Promise<ChildMeasured<Said>> {
    const file = join(import.meta.dir, "children", `${name}.ts`);
    const command = [process.execPath, file, ...args.map(String)];
    const measured = await runChild(command, { ...options, cwd: this.folder });
    const said = JSON.parse(measured.stdout.trim().split("\n").at(-1) ?? "") as Said;
    return { ...measured, said };
  }

  query<T>(db: string, sql: string): T[] {
    using database = new Database(this.path(db), { readonly: true });
    return database.query<T, []>(sql).all();
  }

  #runMs(db: string): number {
    const [run] = this.query<{ started: string; finished: string; status: string }>(
      db,
      "SELECT started_at AS started, finished_at AS finished, status FROM pipeline_runs ORDER BY id DESC LIMIT 1",
    );
    if (run === undefined || run.status !== "done")
      throw new Error(`${db}: the run is not done, but ${run?.status ?? "nowhere"}`);
    return Date.parse(run.finished) - Date.parse(run.started);
  }
}

export const thousands = (value: number): string => Math.round(value).toLocaleString("en-US");
