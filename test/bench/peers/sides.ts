// What is measured: each peer under two promises, so that none is compared with one that promises less.

import { join } from "node:path";

import { type Measured, runChild } from "../child.ts";
import type { Kit } from "../kit.ts";
import { findPostgres, findRedis, nodeOf } from "./install.ts";
import { Server } from "./servers.ts";

/** What survives: with `power`, whatever was reported as done; with `process`, that only while the machine runs on. */
export type Promised = "power" | "process";

export type Work = { readonly tasks: number; readonly rows: number };

export type Sample = {
  /** From the first task enqueued to the last one stored as done: without the start of the program. */
  readonly ms: number;
  /** The whole command. */
  readonly wallMs: number;
  /** Peak of the program, and of its server if it has one. */
  readonly peakMb: number;
};

export type Side = {
  readonly peer: PeerName;
  readonly promised: Promised;
  /** The peer's database is where its tasks can store rows. */
  readonly hasRows: boolean;
  measure(work: Work): Promise<Sample>;
};

export const peerNames = ["pipeloom", "graphile-worker", "BullMQ", "plainjob"] as const;
export type PeerName = (typeof peerNames)[number];

const bothPromises = ["power", "process"] as const;

export function pipeloom(kit: Kit): Side[] {
  return bothPromises.map((promised) => ({
    peer: "pipeloom",
    promised,
    hasRows: true,
    async measure({ tasks, rows }) {
      const flags = ["--workers", "2", "--durability", promised === "power" ? "full" : "normal"];
      const params = rows === 0 ? { tasks } : { tasks, rows: tasks * rows, unit: rows };
      const name = rows === 0 ? "noop" : "rows";
      const run = await kit.run(name, { params, flags, beside: ["item.ts"] });
      const [done] = kit.query<{ count: number }>(
        run.db,
        "SELECT COUNT(*) AS count FROM task_runs WHERE status = 'done'",
      );
      if (done?.count !== tasks) throw new Error(`${done?.count} of ${tasks} tasks are done`);
      if (rows > 0) {
        const [stored] = kit.query<{ count: number }>(
          run.db,
          "SELECT COUNT(*) AS count FROM items",
        );
        if (stored?.count !== tasks * rows) throw new Error(`${stored?.count} rows are stored`);
      }
      kit.removeDb(run.db);
      return { ms: run.runMs, wallMs: run.wallMs, peakMb: run.peakMb };
    },
  }));
}

export function plainjob(kit: Kit, folder: string): Side[] {
  return bothPromises.map((promised) => ({
    peer: "plainjob",
    promised,
    hasRows: true,
    async measure(work) {
      const db = kit.newDb();
      const given = { ...work, db: kit.path(db), synced: promised === "power" };
      const sample = await runProgram(folder, [process.execPath, "plainjob.mjs"], given);
      kit.removeDb(db);
      return sample;
    },
  }));
}

type Start = (started: AsyncDisposableStack) => Promise<Side[]>;

/** @returns the sides of the servers that this machine has; `missing` says what the others need */
export async function served(
  kit: Kit,
  folder: string,
  wanted: (peer: PeerName) => boolean,
  started: AsyncDisposableStack,
): Promise<{ sides: Side[]; missing: string[] }> {
  const sides: Side[] = [];
  const missing: string[] = [];
  const starts: readonly (readonly [PeerName, Start])[] = [
    ["graphile-worker", (stack) => onPostgres(kit, folder, stack)],
    ["BullMQ", (stack) => onRedis(kit, folder, stack)],
  ];
  for (const [peer, start] of starts) {
    if (!wanted(peer)) continue;
    try {
      sides.push(...(await start(started)));
    } catch (error) {
      missing.push(`${peer}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { sides, missing };
}

async function onPostgres(kit: Kit, folder: string, started: AsyncDisposableStack) {
  const program = findPostgres();
  if (program === undefined) {
    throw new Error("there is no `postgres` (apt-get install postgresql)");
  }
  const server = started.use(await Server.postgres(program, kit.path("pg")));
  return bothPromises.map((promised) => graphile(folder, server, promised));
}

async function onRedis(kit: Kit, folder: string, started: AsyncDisposableStack): Promise<Side[]> {
  const program = findRedis();
  if (program === undefined) {
    throw new Error("there is no `redis-server` (apt-get install redis-server)");
  }
  const sides: Side[] = [];
  for (const promised of bothPromises) {
    const sync = promised === "power" ? "always" : "everysec";
    const server = started.use(await Server.redis(program, kit.path(sync), sync));
    sides.push(bullmq(folder, server, promised));
  }
  return sides;
}

function graphile(folder: string, server: Server, promised: Promised): Side {
  const connection = {
    host: server.folder,
    user: "postgres",
    database: "postgres",
    options: `-c synchronous_commit=${promised === "power" ? "on" : "off"}`,
  };
  return {
    peer: "graphile-worker",
    promised,
    hasRows: true,
    measure: (work) =>
      runProgram(folder, [nodeOf(folder), "graphile.mjs"], { ...work, connection }, server),
  };
}

function bullmq(folder: string, server: Server, promised: Promised): Side {
  const connection = { path: join(server.folder, "redis.sock") };
  return {
    peer: "BullMQ",
    promised,
    hasRows: false,
    measure: (work) =>
      runProgram(folder, [nodeOf(folder), "bullmq.mjs"], { ...work, connection }, server),
  };
}

async function runProgram(
  folder: string,
  command: readonly string[],
  given: object,
  server?: Server,
): Promise<Sample> {
  let serverMb = 0;
  const look = (): void => {
    serverMb = Math.max(serverMb, server?.memoryMb() ?? 0);
  };
  const timer = setInterval(look, 250);
  // graphile-worker otherwise prints a line for each job.
  const options = { cwd: folder, env: { NO_LOG_SUCCESS: "1" } };
  let measured: Measured;
  try {
    measured = await runChild([...command, JSON.stringify(given)], options);
    look();
  } finally {
    clearInterval(timer);
  }
  const last = measured.stdout.trim().split("\n").at(-1) ?? "";
  const { ms } = JSON.parse(last) as { ms: number };
  return { ms, wallMs: measured.wallMs, peakMb: measured.peakMb + serverMb };
}
