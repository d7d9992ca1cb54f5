// A run whose tasks run on other machines: the parts of other rooms that its executors need. Loaded only with `engine`.

import { hostname } from "node:os";

import { toFailure } from "./base/failure.ts";
import type { RunOptions } from "./engine/run-options.ts";
import { listMachines, openEngine } from "./executors/redis/open-engine.ts";
import { redisExecutors } from "./executors/redis/redis-executors.ts";
import { bundleOf } from "./module/code-bundle.ts";
import type { AskedQuery, QueryAnswer } from "./protocol/asked-query.ts";
import type { ModuleRef } from "./protocol/messages.ts";
import type { LogLevel } from "./protocol/status.ts";
import { endlessBusyHandler } from "./store/busy-handler.ts";
import { openReader, type Reader } from "./store/read/reader.ts";
import { version } from "./version.ts";

type EngineOptions = {
  readonly url: string;
  readonly module: ModuleRef;
  /** Its name. */
  readonly pipeline: string;
  readonly db: string;
  readonly concurrency: number | undefined;
  readonly say: (level: LogLevel, line: string) => void;
};

/** @throws EngineError, LoadError */
export async function engineOf({
  url,
  module,
  pipeline,
  db,
  concurrency,
  say,
}: EngineOptions): Promise<Pick<RunOptions, "cores" | "createExecutors">> {
  const bundle = module.kind === "file" ? await bundleOf(module.path) : undefined;
  const { connection, key, notice } = await openEngine(url);
  if (notice !== undefined) say("info", notice);
  const machines = await listMachines(connection.commands);
  const reads = new DatabaseReads(db, say);
  return {
    // Machines may come and go: these are the threads that are there when the run begins.
    cores: Math.max(
      1,
      machines.reduce((sum, { threads }) => sum + threads, 0),
    ),
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
}

/** `ctx.query` of tasks on other machines: this process has the database. */
class DatabaseReads {
  readonly #db: string;
  readonly #say: EngineOptions["say"];
  #reader: Reader | undefined;
  #isClosed = false;

  constructor(db: string, say: EngineOptions["say"]) {
    this.#db = db;
    this.#say = say;
  }

  async answer({ sql, params }: AskedQuery): Promise<QueryAnswer> {
    try {
      const rows = this.#opened.query(sql, params as Parameters<Reader["query"]>[1]);
      return { status: "rows", rows };
    } catch (thrown) {
      return { status: "error", failure: toFailure(thrown) };
    }
  }

  get #opened(): Reader {
    if (this.#isClosed) {
      throw new Error("ctx.query: the run is over, and its database is being closed");
    }
    if (this.#db === ":memory:") {
      throw new Error(
        "a task cannot read a database in memory (ctx.query, ctx.state): only the writer sees it; give the run a file with --db",
      );
    }
    return (this.#reader ??= openReader(this.#db, endlessBusyHandler(this.#db, this.#say)));
  }

  close(): void {
    this.#isClosed = true;
    this.#reader?.close();
    this.#reader = undefined;
  }
}
