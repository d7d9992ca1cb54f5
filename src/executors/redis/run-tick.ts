// What a run says once a second to all machines: that it lives, and which version it has. Signed. Pure.

import { JSON } from "../../base/globals.ts";
import type { EngineKey } from "./engine-key.ts";

export type RunTick = {
  readonly session: string;
  /** Pipeloom's. */
  readonly version: string;
  readonly pipeline: string;
  /** How many of them have come back to the run: see gone-links.ts. */
  readonly tick: number;
  /** An earlier session of the same run, which has died. */
  readonly ended?: string;
};

const purpose = "tick";

/** Names and values of a stream entry. */
export function packTick(tick: RunTick, key: EngineKey): readonly string[] {
  const body = JSON.stringify(tick);
  return ["b", body, "s", key.sign([purpose, body])];
}

/** Undefined where it was signed with another key. */
export function readTick(fields: readonly string[], key: EngineKey): RunTick | undefined {
  const [, body = "", , signature = ""] = fields;
  return key.verifies([purpose, body], signature) ? (JSON.parse(body) as RunTick) : undefined;
}
