// The page of `serve` over databases that a test fills, and what a test says that `serve` knows.

import type { Database } from "bun:sqlite";
import { join } from "node:path";

import { openServePage } from "../../src/page/serve-page.ts";
import type { Served, ServedPipeline, ServedSource } from "../../src/serve/served.ts";
import { rule } from "../serve/rule.ts";
import { SlotCounters } from "../../src/serve/slot-counters.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { options } from "../store/write/options.ts";
import { tempFolder } from "../store/write/temp-folder.ts";
import { repository } from "../support/program.ts";

export type ServeRig = AsyncDisposable & {
  readonly folder: string;
  readonly origin: string;
  readonly link: string;
  /** Says it, and that it has changed. */
  say(change: Partial<Served>): void;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  data<T>(path: string): Promise<T>;
  post(path: string, body: unknown): Promise<Response>;
};

type Options = {
  readonly token?: string;
  readonly metricsToken?: string;
  readonly isReadOnly?: boolean;
  readonly own?: readonly string[];
};

/** @param pipelinesIn gets the folder of the test */
export async function serveRig(
  pipelinesIn: (folder: string) => readonly ServedPipeline[],
  { isReadOnly = false, own, ...tokens }: Options = {},
): Promise<ServeRig> {
  const folder = tempFolder();
  let now: Served = {
    at: Date.now(),
    startedAt: Date.now() - 3_600_000,
    health: "healthy",
    pipelines: pipelinesIn(folder.path),
  };
  const listeners = new Set<() => void>();
  const served: ServedSource = {
    served: () => now,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const page = openServePage({
    served,
    isReadOnly,
    host: "127.0.0.1",
    port: 0,
    names: [],
    token: undefined,
    onEnter: () => {},
    own: own ?? [process.execPath, join(repository, "src/cli.ts")],
    ...tokens,
  });
  const origin = `http://127.0.0.1:${page.port}`;
  const entered = await fetch(page.newLink(), { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  const get: ServeRig["get"] = (path, headers = { cookie }) => fetch(origin + path, { headers });
  return {
    folder: folder.path,
    origin,
    link: page.newLink(),
    say(change) {
      now = { ...now, ...change };
      for (const listener of listeners) listener();
    },
    get,
    data: async <T>(path: string) => (await get(path)).json() as Promise<T>,
    post: (path, body) =>
      fetch(origin + path, {
        method: "POST",
        headers: { cookie, origin, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      await page[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** A pipeline with a schedule, and a database beside its file. */
export function servedPipeline(
  folder: string,
  name: string,
  more: Partial<ServedPipeline> = {},
): ServedPipeline {
  const file = join(folder, `${name.replaceAll(/\W/g, "-")}.ts`);
  return {
    file,
    exportName: null,
    argument: file,
    name,
    db: join(folder, `${name.replaceAll(/\W/g, "-")}.db`),
    schedule: {
      text: "cron 30 2 * * * in Europe/Berlin",
      tz: "Europe/Berlin",
      rule: rule({ when: { kind: "cron", cron: "30 2 * * *" }, tz: "Europe/Berlin" }),
    },
    state: { kind: "ok" },
    trouble: null,
    next: [],
    running: [],
    waiting: null,
    slots: [],
    counts: new SlotCounters().counts,
    ...more,
  };
}

const at = (ms: number): string => new Date(ms).toISOString();

/** Makes the database of a pipeline, if there is none yet, and gives it a run. */
export function addSlotRun(
  path: string,
  pipeline: string,
  status: string,
  slot: number | null,
  seconds = 2,
): void {
  using db: Database & Disposable = openDatabase(options(path));
  const from = slot ?? Date.UTC(2026, 0, 1);
  db.run(
    `INSERT INTO pipeline_runs (pipeline, file, params, status, started_at, finished_at, tasks_total, scheduled_for)
      VALUES (?, ?, '{}', ?, ?, ?, 1, ?)`,
    [
      pipeline,
      path.replace(/db$/, "ts"),
      status,
      at(from),
      status === "running" ? null : at(from + seconds * 1000),
      slot === null ? null : at(slot),
    ],
  );
}

/**
 * Pipelines `etl 1`, `etl 2` … that each have one run.
 * @param like the id of the run that theirs are like; default: the newest
 */
export function addPipelines(path: string, count: number, like: number | null = null): void {
  using db: Database & Disposable = openDatabase(options(path));
  db.run(
    `INSERT INTO pipeline_runs (pipeline, file, params, status, started_at, finished_at, tasks_total, scheduled_for)
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      SELECT 'etl ' || i, file, params, status, started_at, finished_at, 1, scheduled_for FROM n, pipeline_runs
        WHERE id = coalesce(?, (SELECT MAX(id) FROM pipeline_runs))`,
    [count, like],
  );
}
