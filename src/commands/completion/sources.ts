// What completion finds outside of the definitions: runs in a database, parameters in a file. Quick, silent, and never by
// running the user's code: a pressed Tab must not start anything.

import { systemClock } from "../../base/clock.ts";
import { Date } from "../../base/globals.ts";
import { openReader } from "../../store/read/reader.ts";
import { relativeTime } from "../../base/relative-time.ts";
import { databaseOf } from "../default-db.ts";
import type { Candidate } from "./answer.ts";

const maxRuns = 30;

/** Newest first; nothing when there is no such database, or it is no such database. */
export function recentRuns(db?: string): Candidate[] {
  try {
    using reader = openReader(databaseOf(db));
    const rows = reader.query(
      "SELECT id, pipeline, status, started_at FROM pipeline_runs ORDER BY id DESC LIMIT ?",
      [maxRuns],
    );
    return rows.map((row) => ({
      text: String(row["id"]),
      what: `${String(row["pipeline"])}, ${String(row["status"])}, ${ago(String(row["started_at"]))}`,
    }));
  } catch {
    return [];
  }
}

const ago = (startedAt: string): string => relativeTime(Date.parse(startedAt), systemClock.wall());

export type FoundParam = { readonly name: string; readonly fallback: string };

/** The keys of what follows `params` in a pipeline file: an object of defaults, or of a schema's fields. */
export async function paramsIn(file: string): Promise<FoundParam[]> {
  try {
    const path = file.replace(/(\.[cm]?[jt]sx?):[A-Za-z_$][\w$]*$/, "$1");
    const text = await Bun.file(path).text();
    // Away with comments and types. What does not parse has no parameters to offer.
    return paramsOf(new Bun.Transpiler({ loader: "tsx" }).transformSync(text));
  } catch {
    return [];
  }
}

/** @param code JavaScript without comments */
export function paramsOf(code: string): FoundParam[] {
  const found = /\bparams\s*[:=]\s*(?:[\w$.]+\(\s*)*\{/.exec(code);
  if (found === null) return [];
  const parts = splitAtCommas(code, found.index + found[0].length);
  return parts.flatMap((part) => {
    const [, quoted, bare, rest = ""] =
      /^\s*(?:["']([^"']+)["']|([\w$]+))\s*(:[^]*)?$/.exec(part) ?? [];
    const name = quoted ?? bare;
    return name === undefined ? [] : [{ name, fallback: shown(rest.slice(1)) }];
  });
}

const shown = (value: string): string => {
  const line = value.trim().replaceAll(/\s+/g, " ");
  return line.length <= 40 ? line : `${line.slice(0, 39)}…`;
};

/** The parts of an object literal, from behind its brace to the brace that closes it. */
function splitAtCommas(code: string, from: number): string[] {
  const parts: string[] = [];
  let start = from;
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    const char = code[at] ?? "";
    if ("\"'`".includes(char)) at = endOfString(code, at);
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char) && depth-- === 0) return [...parts, code.slice(start, at)];
    else if (char === "," && depth === 0) {
      parts.push(code.slice(start, at));
      start = at + 1;
    }
  }
  return [];
}

function endOfString(code: string, start: number): number {
  let at = start + 1;
  while (at < code.length && code[at] !== code[start]) at += code[at] === "\\" ? 2 : 1;
  return at;
}
