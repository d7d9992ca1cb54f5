// `--engine` of the commands that are about machines.

import { defineFlags } from "../cli/flag-defs.ts";
import { UserError } from "../cli/user-error.ts";
import { engineUrlForm, isCutUrl, isEngineUrl, leftOutForm } from "../protocol/engine-url.ts";
import { takeEngineSecrets } from "../protocol/engine-secrets.ts";
import type { ServerWait } from "../executors/redis/engine-connection.ts";
import type { OpenedEngine } from "../executors/redis/open-engine.ts";

export const { engine: engineFlag } = defineFlags({
  engine: {
    type: "string",
    required: true,
    valueHint: "url",
    description: "the Redis or Valkey where runs and workers meet: redis://host:6379",
    check: checkEngine,
  },
});

/** @throws Error for what is no address of an engine */
export function checkEngine(text: string): void {
  if (!isEngineUrl(text)) throw new Error(`it must be ${engineUrlForm}`);
  if (isCutUrl(text)) throw new Error(`it must be ${leftOutForm}`);
}

/**
 * @param wait see openEngine
 * @throws UserError where it cannot be used
 */
export async function engineNamed(url: string, wait?: ServerWait): Promise<OpenedEngine> {
  takeEngineSecrets();
  // Loaded here: only these commands and `run --engine` need it.
  const { EngineError, openEngine } = await import("../executors/redis/open-engine.ts");
  try {
    return await openEngine(url, wait);
  } catch (thrown) {
    throw thrown instanceof EngineError ? new UserError(thrown.message) : thrown;
  }
}
