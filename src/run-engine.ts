// A run whose tasks run on other machines: the parts of other rooms that its executors need. Loaded only with `engine`.

import { hostname } from "node:os";

import { systemClock } from "./base/clock.ts";
import { Promise } from "./base/globals.ts";
import { plural } from "./base/text.ts";
import { assertNever } from "./base/unreachable.ts";
import type { RunOptions } from "./engine/run-options.ts";
import type { ListedMachine } from "./executors/redis/machine-entry.ts";
import { listMachines, openEngine } from "./executors/redis/open-engine.ts";
import { redisExecutors } from "./executors/redis/redis-executors.ts";
import { bundleFiles } from "./module/bundle-files.ts";
import { bundleOf } from "./module/code-bundle.ts";
import type {
  AskedQuery,
  FromQueryThread,
  QueryAnswer,
  ToQueryThread,
} from "./protocol/asked-query.ts";
import { shownEngine } from "./protocol/engine-url.ts";
import type { ModuleRef, ModuleSource } from "./protocol/messages.ts";
import type { LogLevel } from "./protocol/status.ts";
import { spawnQueries, type Thread } from "./spawn.ts";
import { version } from "./version.ts";

type EngineOptions = {
  readonly url: string;
  readonly module: ModuleRef;
  /** The module's files as the main thread loaded them. */
  readonly sources: readonly ModuleSource[];
  /** Its name. */
  readonly pipeline: string;
  /** Of the pipeline file. */
  readonly folder: string;
  /** The `files` of its tasks. */
  readonly files: readonly string[];
  readonly db: string;
  readonly concurrency: number | undefined;
  readonly say: (level: LogLevel, line: string) => void;
  /** Waits no longer for a Redis that does not answer. */
  readonly signal: AbortSignal | undefined;
};

/** @throws EngineError, LoadError */
export async function engineOf({
  url,
  module,
  sources,
  pipeline,
  folder,
  files,
  db,
  concurrency,
  say,
  signal,
}: EngineOptions): Promise<Pick<RunOptions, "cores" | "createExecutors" | "engine">> {
  const code = module.kind === "file" ? await bundleOf(module.path, sources) : undefined;
  if (code !== undefined && code.natives.length > 0) say("warn", withNatives(code.natives));
  const bundle = code === undefined ? undefined : { ...code, files: bundleFiles(folder, files) };
  const waiting = (message: string): void => say("warn", `${message}; the run waits for it`);
  const { connection, key, notice } = await openEngine(url, { waiting, signal });
  const reads = new DatabaseReads(db, say);
  const engine = { shown: shownEngine(url), stop: () => connection.close() };
  try {
    if (notice !== undefined) say("info", notice);
    const machines = await listMachines(connection, key);
    if (machines.some(isOther)) say("warn", otherVersions(machines));
    return {
      engine,
      cores: threadsOf(machines),
      createExecutors: redisExecutors({
        connection,
        key,
        version,
        pipeline,
        runName: `${hostname()} ${db}`,
        bundle,
        mostTasks: concurrency,
        answerQuery: (query) => reads.answer(query),
        closeReader: () => reads.close(),
      }),
    };
  } catch (thrown) {
    engine.stop();
    throw thrown;
  }
}

const withNatives = (names: readonly string[]): string =>
  `native code of packages does not go to other machines: what needs that of ${names.join(", ")} fails there`;

const isOther = (machine: ListedMachine): boolean => machine.version !== version;

/** Machines may come and go: these are the threads that are there when the run begins. */
function threadsOf(machines: readonly ListedMachine[]): number {
  const helping = machines.filter((machine) => !isOther(machine));
  return Math.max(
    1,
    helping.reduce((sum, { threads }) => sum + threads, 0),
  );
}

function otherVersions(machines: readonly ListedMachine[]): string {
  const others = machines.filter(isOther);
  const versions = [...new Set(others.map((machine) => machine.version))].join(", ");
  const are = others.length === 1 ? "has" : "have";
  return `${plural(others.length, "worker")} of this engine ${are} pipeloom ${versions}, and this run has ${version}: no help comes from there; install the same version on both sides, e.g. with pipeloom upgrade`;
}

/** How long a query may go on when the run is over. */
const closeMs = 1_000;

/** `ctx.query` of tasks on other machines: a thread of this process reads the database. */
class DatabaseReads {
  readonly #db: string;
  readonly #say: EngineOptions["say"];
  readonly #asked = new Map<number, (answer: QueryAnswer) => void>();
  #lastNumber = 0;
  #thread: Thread | undefined;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<void>();

  constructor(db: string, say: EngineOptions["say"]) {
    this.#db = db;
    this.#say = say;
  }

  async answer(asked: AskedQuery): Promise<QueryAnswer> {
    if (this.#isClosed) {
      return failed("ctx.query: the run is over, and its database is being closed");
    }
    if (this.#db === ":memory:") return failed(inMemory);
    this.#thread ??= this.#start();
    const number = ++this.#lastNumber;
    const { promise, resolve } = Promise.withResolvers<QueryAnswer>();
    this.#asked.set(number, resolve);
    this.#post(this.#thread, { type: "query", number, db: this.#db, asked });
    return promise;
  }

  #post(thread: Thread, message: ToQueryThread): void {
    thread.postMessage(message);
  }

  #start(): Thread {
    const thread = spawnQueries();
    thread.onmessage = (event) => this.#receive(event.data as FromQueryThread);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#say("error", `the thread that reads the database has failed: ${event.message}`);
    };
    thread.addEventListener("close", () => {
      for (const resolve of this.#asked.values()) {
        resolve(failed("ctx.query: the thread that reads the database has ended"));
      }
      this.#asked.clear();
      this.#thread = undefined;
      this.#closed.resolve();
    });
    return thread;
  }

  #receive(message: FromQueryThread): void {
    switch (message.type) {
      case "answer":
        this.#asked.get(message.number)?.(message.answer);
        this.#asked.delete(message.number);
        return;
      case "output":
        return this.#say(message.level, message.line);
      case "closed":
        return this.#closed.resolve();
      default:
        assertNever(message);
    }
  }

  /** SQLite removes its files when the last connection closes, and that must be the writer's: resolves when this one has. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#isClosed = true;
    if (thread === undefined) return;
    this.#post(thread, { type: "close" });
    const late = systemClock.after(closeMs, () => this.#closed.resolve());
    await this.#closed.promise;
    systemClock.cancel(late);
    thread.terminate();
  }
}

const failed = (message: string): QueryAnswer => ({
  status: "error",
  failure: { name: "Error", message },
});

const inMemory =
  "a task cannot read a database in memory (ctx.query, ctx.state): only the writer sees it; give the run a file with --db";
