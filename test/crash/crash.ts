// Kills runs of the executable and checks the database afterwards: user tables row by row, results and states, compared
// with an undisturbed run.

import { Database } from "bun:sqlite";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ownTables } from "../../src/store/own-tables.ts";
import { executable } from "../support/rig.ts";

export const pipelines = [
  "rows",
  "messages",
  "retries",
  "failures",
  "fan-out",
  "stream",
  "programs",
] as const;
/** What `equal-calls` leaves is another thing each time. */
export type PipelineName = (typeof pipelines)[number] | "equal-calls";

const shimSource = join(import.meta.dir, "shim.c");

/** Duration of each test in s: CRASH_S, or the default. */
export const secondsOf = (fallback: number): number => Number(process.env["CRASH_S"] ?? fallback);

/** CRASH_SEED, or a new seed. Printed, so that a failure can be repeated. */
export function seedOf(what: string): number {
  const given = process.env["CRASH_SEED"];
  const seed = given === undefined ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(given);
  if (seed === undefined || !Number.isSafeInteger(seed)) throw new Error(`CRASH_SEED is ${given}`);
  console.log(`${what}: seed ${seed} (CRASH_SEED=${seed} repeats it)`);
  return seed;
}

export const canPreload = process.platform === "linux" && Bun.which("gcc") !== null;

/** The compiled shim, or a reason to skip. */
export function buildShim(folder: string): string {
  const path = join(folder, "shim.so");
  const { exitCode, stderr } = Bun.spawnSync(
    ["gcc", "-shared", "-fPIC", "-O1", "-o", path, shimSource, "-ldl"],
    { stderr: "pipe" },
  );
  if (exitCode !== 0) throw new Error(stderr.toString());
  return path;
}

/** A normal run takes about 1 s. A run that exceeds this limit hangs. */
const hangMs = 60_000;
/** A program that runs on for longer than this after its run outlives the run. */
const outlivesMs = 10_000;

/** How to end a session before its run is done: these signals, one after the other, from a moment on. */
export type Kill = { readonly afterMs: number; readonly signals: readonly NodeJS.Signals[] };

export const sigkill = (afterMs: number): Kill => ({ afterMs, signals: ["SIGKILL"] });

export type End = {
  /** Null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: string | number | null;
  readonly hung: boolean;
  readonly tookMs: number;
  /** Output on stderr. */
  readonly errors: string;
};

/** Contents of the database that must not depend on the number of crashes. */
export type Answer = {
  readonly tables: Readonly<Record<string, readonly string[]>>;
  readonly tasks: readonly string[];
  readonly runs: readonly string[];
};

const userTables = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
  AND name NOT IN (${ownTables.map((name) => `'${name}'`).join(", ")}) ORDER BY name`;

const hasRuns = (db: Database): boolean =>
  db.query("SELECT 1 FROM sqlite_schema WHERE name = 'task_runs'").get() !== null;

export class CrashSite implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "pipeloom-crash-")));
  readonly db = join(this.path, "crash.db");
  readonly #file: string;
  readonly #flags: readonly string[];
  readonly #where: readonly string[];

  /** @param where the tasks run: flags */
  constructor(
    pipeline: PipelineName,
    flags: readonly string[] = [],
    where: readonly string[] = ["-w", "2"],
  ) {
    this.#file = join(import.meta.dir, "pipelines", `${pipeline}.ts`);
    this.#flags = flags;
    this.#where = where;
  }

  get folderName(): string {
    return basename(this.path);
  }

  /** Deletes the database and the files beside it. */
  clear(): void {
    for (const name of readdirSync(this.path)) {
      if (name.startsWith("crash.db")) rmSync(join(this.path, name));
    }
  }

  /** One `pipeloom run`. @param flags besides those of the site */
  async run(
    kill?: Kill,
    env: Record<string, string> = {},
    flags: readonly string[] = [],
  ): Promise<End> {
    const began = performance.now();
    const child = Bun.spawn(
      [
        executable,
        ...["run", this.#file, "--db", this.db, "-q"].concat(this.#where, this.#flags, flags),
      ],
      {
        cwd: this.path,
        // Inherited by all that the run starts.
        env: { ...process.env, CRASH_SITE: this.path, ...env },
        stdout: "ignore",
        stderr: "pipe",
      },
    );
    let hung = false;
    const hangs = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, hangMs);
    const kills = setTimeout(() => {
      for (const signal of kill?.signals ?? []) child.kill(signal);
    }, kill?.afterMs ?? hangMs);
    const errors = await new Response(child.stderr).text();
    await child.exited;
    clearTimeout(hangs);
    clearTimeout(kills);
    const tookMs = performance.now() - began;
    return { code: child.exitCode, signal: child.signalCode, hung, tookMs, errors };
  }

  /** Processes that the last session has started and that have not ended with it. Empty except on Linux. */
  async survivors(): Promise<string[]> {
    const until = performance.now() + outlivesMs;
    for (;;) {
      const found = processesIn(this.path);
      if (found.length === 0 || performance.now() > until) return found;
      await Bun.sleep(10);
    }
  }

  answer(): Answer {
    return this.#look((db) => {
      const lines = (sql: string): string[] =>
        db
          .query(sql)
          .all()
          .map((row) => JSON.stringify(row))
          .toSorted();
      const integrity = lines("PRAGMA integrity_check").join(" ");
      if (integrity !== '{"integrity_check":"ok"}')
        throw new Error(`the file is damaged: ${integrity}`);
      const names = db.query<{ name: string }, []>(userTables).all();
      return {
        tables: Object.fromEntries(
          names.map(({ name }) => [name, lines(`SELECT * FROM "${name}"`)]),
        ),
        // The error of a skipped task has the id of another, and ids depend on the sessions. A stack has paths of the machine.
        tasks: lines(
          "SELECT name, key, status, result, CASE status WHEN 'skipped' THEN NULL ELSE json_remove(error, '$.stack') END FROM task_runs",
        ),
        runs: lines("SELECT id, status, error FROM pipeline_runs"),
      };
    });
  }

  /** Ids of the tasks that are `done` in the file. */
  done(): Set<number> {
    const sql = "SELECT id FROM task_runs WHERE status = 'done'";
    return this.#look(
      (db) =>
        new Set((hasRuns(db) ? db.query<{ id: number }, []>(sql).all() : []).map(({ id }) => id)),
    );
  }

  /** Of the only run; undefined if there is none yet. */
  get status(): string | undefined {
    const sql = "SELECT status FROM pipeline_runs";
    if (!existsSync(this.db)) return undefined;
    return this.#look((db) =>
      hasRuns(db) ? db.query<{ status: string }, []>(sql).get()?.status : undefined,
    );
  }

  /** Whether the run is complete: the next one would be a new run. */
  get isOver(): boolean {
    return this.status === "done" || this.status === "error";
  }

  /** Begins with a stored database. */
  load(path: string): void {
    this.clear();
    copyFileSync(path, this.db);
  }

  /** Queries a copy, because opening a dead run's database changes it and creates files beside it. */
  #look<Result>(read: (db: Database) => Result): Result {
    const copy = mkdtempSync(join(this.path, "copy-"));
    for (const name of readdirSync(this.path)) {
      if (/^crash\.db(?:-wal|-journal)?$/.test(name))
        copyFileSync(this.file(name), join(copy, name));
    }
    try {
      using db = new Database(join(copy, "crash.db"));
      return read(db);
    } finally {
      rmSync(copy, { recursive: true });
    }
  }

  /** Files that a complete run must not leave behind. */
  leftovers(): string[] {
    return readdirSync(this.path).filter((name) => name.startsWith("crash.db-"));
  }

  get exists(): boolean {
    return existsSync(this.db);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Command lines of the processes that were started in this folder by a run of a `CrashSite`. */
function processesIn(folder: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      if (!environment.includes(`CRASH_SITE=${folder}`)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
    } catch {
      // It has ended, or is another user's.
      return [];
    }
  });
}

/** The first differing lines: `- ` for a missing line, `+ ` for an extra one. */
export function difference(wanted: Answer, found: Answer): string[] {
  const tables = new Set([...Object.keys(wanted.tables), ...Object.keys(found.tables)]);
  return [
    ...[...tables].flatMap((table) =>
      differentLines(table, wanted.tables[table] ?? [], found.tables[table] ?? []),
    ),
    ...differentLines("task", wanted.tasks, found.tasks),
    ...differentLines("run", wanted.runs, found.runs),
  ].slice(0, 10);
}

function differentLines(
  what: string,
  wanted: readonly string[],
  found: readonly string[],
): string[] {
  const surplus = new Map<string, number>();
  for (const line of found) surplus.set(line, (surplus.get(line) ?? 0) + 1);
  for (const line of wanted) surplus.set(line, (surplus.get(line) ?? 0) - 1);
  return [...surplus].flatMap(([line, count]) =>
    count === 0 ? [] : [`${count > 0 ? "+" : "-"} ${what}: ${line}`],
  );
}

/** The end of an undisturbed run, and what it leaves in the database. */
export async function undisturbed(
  pipeline: PipelineName,
  flags: readonly string[] = [],
): Promise<{ answer: Answer; tookMs: number; code: number }> {
  using site = new CrashSite(pipeline, flags);
  const { code, tookMs, errors } = await site.run();
  if (code === null || !site.isOver) {
    throw new Error(`${pipeline}, undisturbed: exit ${code}: ${errors}`);
  }
  return { answer: site.answer(), tookMs, code };
}
