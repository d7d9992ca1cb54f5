// The way to an engine: its address and key are checked, and its Redis must not throw leases away.

import type { Redis } from "ioredis";

import { toFailure } from "../../base/failure.ts";
import { engineUrlForm, isEngineUrl, shownEngine } from "../../protocol/engine-url.ts";
import { engineSecret, keyVariable, passwordVariable } from "../../protocol/engine-secrets.ts";
import { EngineConnection, machineKey, type ServerWait } from "./engine-connection.ts";
import { EngineKey } from "./engine-key.ts";
import { type ListedMachine, readEntry } from "./machine-entry.ts";

/** What a person can fix: the address, the key, or how Redis is set up. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

export type OpenedEngine = {
  readonly connection: EngineConnection;
  readonly key: EngineKey;
  /** What is not as it should be, and does no harm. */
  readonly notice: string | undefined;
};

/** `XTRIM … MINID` came with it. */
const leastVersion = "6.2.0";

/**
 * @param wait where Redis does not answer, it is waited for
 * @throws EngineError; the reason of `wait.signal` when it is aborted
 */
export async function openEngine(url: string, wait?: ServerWait): Promise<OpenedEngine> {
  if (!isEngineUrl(url)) {
    // It may hold a password: it is not repeated.
    throw new EngineError(`the engine must be ${engineUrlForm}`);
  }
  let connection: EngineConnection | undefined;
  try {
    const key = EngineKey.from(engineSecret(keyVariable));
    connection = await EngineConnection.open(url, engineSecret(passwordVariable), wait);
    const notice = await checkServer(connection.commands, shownEngine(url));
    return { connection, key, notice };
  } catch (thrown) {
    connection?.close();
    if (wait?.signal?.aborted === true) throw thrown;
    throw thrown instanceof EngineError ? thrown : new EngineError(toFailure(thrown).message);
  }
}

/** @returns a notice, where Redis keeps nothing on disk */
async function checkServer(redis: Redis, shown: string): Promise<string | undefined> {
  const info = await redis.info();
  const valueOf = (name: string): string | undefined =>
    new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const version = valueOf("redis_version") ?? "";
  if (Bun.semver.order(version, leastVersion) < 0) {
    throw new EngineError(`${shown} is Redis ${version}; ${leastVersion} or later is needed`);
  }
  if (valueOf("role") === "slave") {
    throw new EngineError(`${shown} is a read-only replica; give the address of its master`);
  }
  if (valueOf("redis_mode") === "cluster" || valueOf("cluster_enabled") === "1") {
    throw new EngineError(`${shown} is a cluster; a single Redis is needed, with replicas or not`);
  }
  const policy = valueOf("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction") {
    throw new EngineError(
      `${shown} has the maxmemory-policy ${policy}: it would throw away tasks when its memory is full; set it to noeviction, e.g. with CONFIG SET maxmemory-policy noeviction, and in its configuration`,
    );
  }
  const isKept = valueOf("aof_enabled") === "1" || (await hasSnapshots(redis));
  return isKept
    ? undefined
    : `${shown} keeps nothing on disk: when it ends, the tasks on their way wait until it is back, and are sent again`;
}

/** A server that does not let us ask is taken for one that is set up well. */
async function hasSnapshots(redis: Redis): Promise<boolean> {
  try {
    const [, save = ""] = await redis.config("GET", "save");
    return save !== "";
  } catch {
    return true;
  }
}

/** The machines with this key that have said something in the last seconds. */
export async function listMachines(
  { commands }: EngineConnection,
  key: EngineKey,
): Promise<readonly ListedMachine[]> {
  const keys: string[] = [];
  let cursor = "0";
  do {
    const [next, found] = await commands.scan(cursor, "MATCH", machineKey("*"), "COUNT", 1000);
    keys.push(...found);
    cursor = next;
  } while (cursor !== "0");
  if (keys.length === 0) return [];
  const texts = await commands.mget(...keys);
  return texts.flatMap((text) => (text === null ? [] : (readEntry(text, key) ?? [])));
}
