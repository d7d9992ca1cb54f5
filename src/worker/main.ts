// The entry of a worker thread. It gives the host the functions of rooms that the host may not import.

import * as pipeloom from "../index.ts";
import { registry } from "../api/registry.ts";
import { loadModule, providePackage } from "../module/load-module.ts";
import { useRecordedSources } from "../module/sources.ts";
import { builtins } from "../examples/builtins.ts";
import type { FromWorker, ToWorker } from "../protocol/messages.ts";
import { askQuery, type QueryAnswer } from "../protocol/asked-query.ts";
import type { LogLevel } from "../protocol/status.ts";
import { privatePort } from "../protocol/private-port.ts";
import { endlessBusyHandler } from "../store/busy-handler.ts";
import { openReader, type Reader } from "../store/read/reader.ts";
import { systemClock, threadCpuMs } from "../base/clock.ts";
import { Host } from "./host.ts";
import { threadGlobals } from "./thread-globals.ts";

declare const self: Worker;

const exit = process.exit.bind(process);
providePackage(pipeloom);

let reader: Reader | undefined;
let isClosed = false;

function readerOf(db: string | null, post: (message: FromWorker) => void): Reader {
  if (db === null) {
    throw new Error(
      "a task cannot read a database in memory (ctx.query, ctx.state): only the writer sees it; give the run a file with --db",
    );
  }
  if (isClosed) throw new Error("ctx.query: the run is over, and its database is being closed");
  const say = (level: LogLevel, line: string): void => post({ type: "output", level, line });
  return (reader ??= openReader(db, endlessBusyHandler(db, say)));
}

function rowsOf(answer: QueryAnswer): unknown[] {
  if (answer.status === "rows") return answer.rows;
  const { name, message, code } = answer.failure;
  throw Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
}

function closeReader(): void {
  isClosed = true;
  reader?.close();
  reader = undefined;
}

privatePort(self, (port) => {
  const post = (message: FromWorker): void => port.postMessage(message);
  const host = new Host({
    post,
    load: async (boot) => {
      useRecordedSources(boot.sources);
      await loadModule(boot.module, builtins);
    },
    closeReader,
    query: ({ db, queries }, sql, params) =>
      queries === undefined
        ? readerOf(db, post).query(sql, params)
        : rowsOf(askQuery(queries, { sql, params })),
    exit,
    globals: threadGlobals,
    clock: systemClock,
    cpuMs: threadCpuMs,
  });
  registry.isInTask = () => host.isInTask;
  port.onmessage = ({ data }) => host.receive(data as ToWorker);
});
