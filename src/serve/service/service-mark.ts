// A line in each file that `service install` writes: whose file it is, and what it runs, so that `service status` need not read the
// quoting of each manager back. Pure.

import { JSON } from "../../base/globals.ts";
import type { ServiceSpec } from "./service-spec.ts";

const mark = "pipeloom service:";
const markVersion = 1;

export type MarkedService = Pick<ServiceSpec, "command" | "folder">;

/** One line of ASCII without dashes: no XML comment may have two. */
export function markLine({ command, folder }: MarkedService): string {
  const json = JSON.stringify({ version: markVersion, command, folder });
  return `${mark} ${json.replaceAll(/[^ -,./0-~]/g, escapedUnits)}`;
}

const escapedUnits = (text: string): string =>
  text
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");

/** Undefined for a file that `service install` has not written. */
export function markedService(text: string): MarkedService | undefined {
  const [, json = "null"] = /pipeloom service: (\{.*\})/.exec(text) ?? [];
  try {
    const value: unknown = JSON.parse(json);
    return isMarked(value) ? { command: value.command, folder: value.folder } : undefined;
  } catch {
    return undefined;
  }
}

function isMarked(value: unknown): value is MarkedService {
  if (typeof value !== "object" || value === null) return false;
  const command: unknown = Reflect.get(value, "command");
  return (
    Array.isArray(command) &&
    command.length > 0 &&
    command.every((word) => typeof word === "string") &&
    typeof Reflect.get(value, "folder") === "string"
  );
}
