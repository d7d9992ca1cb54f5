// What completion finds outside the definitions: files, the runs of a database, the parameters of a file. Quick, silent,
// and never by running the user's code: Tab must not start anything.

import { systemClock } from "../../base/clock.ts";
import { Date } from "../../base/globals.ts";
import { openReader } from "../../store/read/reader.ts";
import { plural } from "../../base/text.ts";
import { runId } from "../../protocol/ids.ts";
import { taskWords } from "../../store/task-names.ts";
import { relativeTime } from "../../base/relative-time.ts";
import type { Answer, Candidate, Sources } from "../../cli/completion/candidates.ts";
import type { FlagDef, FlagDefs } from "../../cli/flag-defs.ts";
import type { Typed } from "../../cli/completion/typed.ts";
import { databaseOf } from "../default-db.ts";

const files = (...extensions: string[]): Answer => ({ kind: "files", extensions, candidates: [] });

/** A `file` argument is a pipeline, a `file` flag is any file. */
export const completionSources: Sources = {
  file: ({ def }) =>
    def.type === "positional"
      ? files("ts", "mts", "cts", "tsx", "js", "mjs", "cjs", "jsx")
      : files(),
  "csv-files": () => files("csv", "tsv", "txt", "gz"),
  folder: () => ({ kind: "folders" }),
  db: () => files("db", "sqlite", "sqlite3", "db3"),
  "run-id": ({ typed, args }) => ({
    kind: "words",
    candidates: recentRuns(dbOf(typed, args)),
  }),
  pipeline: ({ typed, args }) => ({ kind: "words", candidates: pipelinesOf(dbOf(typed, args)) }),
  "run-id|task": ({ typed, args, current }) => ({
    kind: "words",
    candidates: [
      ...recentRuns(dbOf(typed, args)),
      ...storedTasks(dbOf(typed, args), undefined, current),
    ],
  }),
  "stored-task": ({ typed, args, current }) => ({
    kind: "words",
    candidates: storedTasks(dbOf(typed, args), runOf(typed), current),
  }),
  task: async ({ typed }) => ({
    kind: "words",
    candidates: (await tasksIn(typed.positionals[0])).map((text) => ({ text, what: "" })),
  }),
  "name=value": async ({ typed }) => ({ kind: "words", candidates: await paramsOfLine(typed) }),
};

const dbOf = ({ given }: Typed, args: FlagDefs): string | undefined =>
  given.get("db")?.at(-1) ?? defaultOf(args["db"]);

const defaultOf = (def: FlagDef | undefined): string | undefined =>
  def?.type === "string" ? def.default : undefined;

/** The parameters of the file on the line, without those that the line has already. */
async function paramsOfLine({ positionals, given }: Typed): Promise<Candidate[]> {
  const [file] = positionals;
  if (file === undefined) return [];
  const taken = new Set(given.get("param")?.map((text) => text.split("=")[0]));
  const all = await paramsIn(file);
  return all
    .filter(({ name }) => !taken.has(name))
    .map(({ name, fallback }) => ({ text: `${name}=`, what: fallback }));
}

const maxRuns = 30;

/** Newest first; empty when there is no database, or it has no runs. */
export function recentRuns(db?: string): Candidate[] {
  try {
    using reader = openReader(databaseOf(db, true));
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

/** `logs 12`, `--run 12`. */
const runOf = ({ positionals, given }: Typed): number | undefined =>
  [...positionals, ...(given.get("run") ?? [])].filter((word) => /^\d+$/.test(word)).map(Number)[0];

/** Of the last run, where none is given. */
function storedTasks(
  db: string | undefined,
  run: number | undefined,
  beginning: string,
): Candidate[] {
  try {
    using reader = openReader(databaseOf(db, true));
    const [last] = reader.query("SELECT MAX(id) AS id FROM pipeline_runs");
    return taskWords(reader, runId(run ?? Number(last?.["id"])), beginning).map((text) => ({
      text,
      what: "",
    }));
  } catch {
    return [];
  }
}

/** The one that ran last comes first. */
function pipelinesOf(db?: string): Candidate[] {
  try {
    using reader = openReader(databaseOf(db, true));
    const rows = reader.query(
      "SELECT pipeline, COUNT(*) AS runs, MAX(started_at) AS last FROM pipeline_runs GROUP BY pipeline ORDER BY MAX(id) DESC",
    );
    return rows.map((row) => ({
      text: String(row["pipeline"]),
      what: `${plural(Number(row["runs"]), "run")}, the last ${ago(String(row["last"]))}`,
    }));
  } catch {
    return [];
  }
}

const ago = (startedAt: string): string => relativeTime(Date.parse(startedAt), systemClock.wall());

type FoundParam = { readonly name: string; readonly fallback: string };

/** The keys of the object after `params` in a pipeline file: its defaults, or the fields of a schema. */
const paramsIn = async (file: string): Promise<FoundParam[]> => paramsOf(await codeOf(file));

/** The names of the tasks that a pipeline file defines in the usual form. */
async function tasksIn(file: string | undefined): Promise<string[]> {
  const code = file === undefined ? "" : await codeOf(file);
  const named = code.matchAll(/\b(?:task|sh)\(\{\s*name:\s*(["'`])([^"'`$]+)\1/g);
  return Array.from(named, ([, , name = ""]) => name);
}

/** Without comments and types; empty for a file that does not parse. */
async function codeOf(file: string): Promise<string> {
  try {
    const path = file.replace(/(\.[cm]?[jt]sx?):[A-Za-z_$][\w$]*$/, "$1");
    return new Bun.Transpiler({ loader: "tsx" }).transformSync(await Bun.file(path).text());
  } catch {
    return "";
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

/** The parts of an object literal. `from` is after its opening brace. */
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
