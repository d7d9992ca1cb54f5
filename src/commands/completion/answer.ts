// What fits at the place that is being typed. The shells' scripts ask `pipeloom __complete` and show what it says, so all
// that is known about commands stays in their definitions.

import type { CliCommand } from "../../cli/command.ts";
import type { FlagDef, FlagDefs, Positional } from "../../cli/flag-defs.ts";
import type { NamedDef } from "../../cli/flag-tokens.ts";
import type { CommandEntry } from "../table.ts";
import { paramsIn, recentRuns } from "./sources.ts";
import { mayStandAlone, offeredSpellings, readTyped, takesValue } from "./typed.ts";
import type { Typed } from "./typed.ts";

export type Candidate = { readonly text: string; readonly what: string };

/** The shell knows its files best: quoting, `~`, folders. Extensions without a dot; none means any. */
export type Answer =
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] }
  | {
      readonly kind: "files";
      readonly extensions: readonly string[];
      readonly candidates: readonly Candidate[];
    }
  | { readonly kind: "folders" };

/** @param before the words between `pipeloom` and the current one */
export async function answer(
  before: readonly string[],
  current: string,
  commands: readonly CommandEntry[],
): Promise<Answer> {
  const at = before.findIndex((word) => !word.startsWith("-"));
  const name = before[at];
  if (name === undefined || name === "help")
    return words(rootCandidates(current, commands), current);
  const command = await commands.find((entry) => entry.name === name)?.load();
  if (command === undefined) return words([], current);
  return inCommand(command, before.toSpliced(at, 1), current);
}

const words = (candidates: readonly Candidate[], current: string): Answer => ({
  kind: "words",
  candidates: candidates.filter(({ text }) => text.startsWith(current)),
});

const helpFlag: Candidate = { text: "--help", what: "what it does, and its flags" };

function rootCandidates(current: string, commands: readonly CommandEntry[]): Candidate[] {
  if (current.startsWith("-"))
    return [helpFlag, { text: "--version", what: "which build this is" }];
  return commands.map(({ name, summary }) => ({ text: name, what: summary }));
}

async function inCommand(
  { args }: CliCommand,
  before: readonly string[],
  current: string,
): Promise<Answer> {
  const typed = readTyped(before, args);
  const { awaiting } = typed;
  if (awaiting !== undefined && !(mayStandAlone(awaiting.def) && current.startsWith("-"))) {
    return valueOf(awaiting.def, current, typed, args);
  }
  if (!typed.flagsEnded && current.startsWith("-")) return flagOrValue(current, typed, args);
  const next = positionalAt(typed.positionals.length, args);
  return next === undefined ? words([], current) : positional(next, current, typed, args);
}

function positionalAt(index: number, args: FlagDefs): Positional | undefined {
  const all = Object.values(args).filter((def) => def.type === "positional");
  const last = all.at(-1);
  return all[index] ?? (last?.repeat === true ? last : undefined);
}

// ── flags ──────────────────────────────────────────────────────────────────────────────────────────────

/** `--db=…` asks for a value, anything else for a flag. */
async function flagOrValue(current: string, typed: Typed, args: FlagDefs): Promise<Answer> {
  const [, flag = "", text = ""] = /^(--[\w-]+=)(.*)$/s.exec(current) ?? [];
  if (flag === "") return words(flagCandidates(typed, args), current);
  const { awaiting } = readTyped([flag.slice(0, -1)], args);
  if (awaiting === undefined) return words([], current);
  const value = await valueOf(awaiting.def, text, typed, args);
  if (value.kind === "folders") return value;
  const candidates = value.candidates.map((each) => ({ ...each, text: `${flag}${each.text}` }));
  return { ...value, candidates };
}

function flagCandidates(typed: Typed, args: FlagDefs): Candidate[] {
  const wanted = Object.entries(args).filter(([key, def]) => isWanted(key, def, typed));
  const flags = wanted.flatMap(([key, def]) =>
    def.type === "positional"
      ? []
      : offeredSpellings(key, def).map((text) => ({ text, what: whatOf(text, def) })),
  );
  return [...flags, helpFlag];
}

function isWanted(key: string, def: FlagDef, { given }: Typed): boolean {
  if ("hidden" in def && def.hidden) return false;
  return !given.has(key) || isRepeatable(def);
}

const isRepeatable = (def: FlagDef): boolean =>
  def.type === "count" || (def.type === "string" && def.repeat === true);

function whatOf(spelling: string, def: NamedDef): string {
  const negative = def.type === "boolean" && spelling.startsWith("--no-");
  return negative ? (def.negativeDescription ?? `do not ${def.description}`) : def.description;
}

// ── values ─────────────────────────────────────────────────────────────────────────────────────────────

const pipelineFiles: Answer = {
  kind: "files",
  extensions: ["ts", "mts", "cts", "tsx", "js", "mjs", "cjs", "jsx"],
  candidates: [],
};
const anyFile: Answer = { kind: "files", extensions: [], candidates: [] };
const databases: Answer = {
  kind: "files",
  extensions: ["db", "sqlite", "sqlite3", "db3"],
  candidates: [],
};

async function positional(
  def: Positional,
  current: string,
  typed: Typed,
  args: FlagDefs,
): Promise<Answer> {
  if (def.options !== undefined) return words(plain(def.options), current);
  if (def.valueHint === "file") return pipelineFiles;
  return hinted(def.valueHint, current, typed, args);
}

async function valueOf(
  def: NamedDef,
  current: string,
  typed: Typed,
  args: FlagDefs,
): Promise<Answer> {
  if (!takesValue(def)) return words(plain(["true", "false"]), current);
  if (def.type === "enum") return words(plain(def.options), current);
  return hinted("valueHint" in def ? def.valueHint : undefined, current, typed, args);
}

async function hinted(
  hint: string | undefined,
  current: string,
  typed: Typed,
  args: FlagDefs,
): Promise<Answer> {
  if (hint === "file") return anyFile;
  if (hint === "folder") return { kind: "folders" };
  if (hint === "db") return databases;
  if (hint === "run-id") return words(runs(typed, args), current);
  return words(hint === "name=value" ? await params(typed) : [], current);
}

const runs = ({ given }: Typed, args: FlagDefs): Candidate[] =>
  recentRuns(given.get("db")?.at(-1) ?? defaultOf(args["db"]));

const plain = (options: readonly string[]): Candidate[] =>
  options.map((text) => ({ text, what: "" }));

const defaultOf = (def: FlagDef | undefined): string | undefined =>
  def?.type === "string" && def.repeat !== true ? def.default : undefined;

/** Those of the file that is named on the line, without the ones that are given already. */
async function params({ positionals, given }: Typed): Promise<Candidate[]> {
  const [file] = positionals;
  if (file === undefined) return [];
  const taken = new Set(given.get("param")?.map((text) => text.split("=")[0]));
  const all = await paramsIn(file);
  return all
    .filter(({ name }) => !taken.has(name))
    .map(({ name, fallback }) => ({ text: `${name}=`, what: fallback }));
}
