// A machine in the registry: what it says of itself in Redis, signed. Pure.

import { JSON } from "../../base/globals.ts";
import { type EngineKey, signatureChars } from "./engine-key.ts";
import type { MachineInfo } from "./engine-messages.ts";

export type ListedMachine = Omit<MachineInfo, "name" | "tags"> & {
  /** Absent where an earlier version has none. */
  readonly name?: string;
  /** Absent where an earlier version says nothing of them. */
  readonly tags?: readonly string[];
  /** For how many it works. */
  readonly runs: number;
};

const purpose = "machine";

export function packEntry(machine: ListedMachine, key: EngineKey): string {
  const body = JSON.stringify(machine);
  return key.sign([purpose, body]) + body;
}

/** Undefined where it was signed with another key, or not at all. */
export function readEntry(text: string, key: EngineKey): ListedMachine | undefined {
  const [signature, body] = [text.slice(0, signatureChars), text.slice(signatureChars)];
  return key.verifies([purpose, body], signature) ? (JSON.parse(body) as ListedMachine) : undefined;
}
