// Completion candidates for the current word, from the definitions of the commands. The shell scripts ask `__complete` and
// show the answer; they know no command.

import {
  type FlagDef,
  type FlagDefs,
  mayStandAlone,
  type NamedFlag,
  type Positional,
} from "../flag-defs.ts";
import type { CommandEntry, CliDefinition } from "../cli-definition.ts";
import type { Answer, Candidate, Sources } from "./candidates.ts";
import { offeredSpellings, readTyped, type Typed } from "./typed.ts";

/** @param before the words between the program's name and the current word */
export async function answer(
  before: readonly string[],
  current: string,
  { commands, completionSources }: Pick<CliDefinition, "commands" | "completionSources">,
): Promise<Answer> {
  const at = before.findIndex((word) => !word.startsWith("-"));
  const name = before[at];
  if (name === undefined || name === "help")
    return words(rootCandidates(current, commands), current);
  const command = await commands.find((entry) => entry.name === name)?.load();
  if (command === undefined) return words([], current);
  const place = new Place(command.args, before.toSpliced(at, 1), await completionSources());
  return await place.answer(current);
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

/** A position in the arguments of one command. */
class Place {
  readonly #args: FlagDefs;
  readonly #typed: Typed;
  readonly #sources: Sources;

  constructor(args: FlagDefs, before: readonly string[], sources: Sources) {
    this.#args = args;
    this.#typed = readTyped(before, args);
    this.#sources = sources;
  }

  async answer(current: string): Promise<Answer> {
    const { awaiting, flagsEnded, positionals } = this.#typed;
    if (awaiting !== undefined && !(mayStandAlone(awaiting.def) && current.startsWith("-")))
      return await this.#valueOf(awaiting.def, current);
    if (!flagsEnded && current.startsWith("-")) return await this.#flagOrValue(current);
    const next = positionalAt(positionals.length, this.#args);
    return next === undefined ? words([], current) : await this.#valueOf(next, current);
  }

  /** `--db=…` asks for a value, anything else for a flag. */
  async #flagOrValue(current: string): Promise<Answer> {
    const [, flag = "", text = ""] = /^(--[\w-]+=)(.*)$/s.exec(current) ?? [];
    if (flag === "") return words(flagCandidates(this.#typed, this.#args), current);
    const { awaiting } = readTyped([flag.slice(0, -1)], this.#args);
    if (awaiting === undefined) return words([], current);
    const value = await this.#valueOf(awaiting.def, text);
    if (value.kind === "folders") return value;
    const candidates = value.candidates.map((each) => ({ ...each, text: `${flag}${each.text}` }));
    return { ...value, candidates };
  }

  async #valueOf(def: FlagDef, current: string): Promise<Answer> {
    if ("options" in def && def.options !== undefined) {
      const options = def.options.map((text) => ({ text, what: "" }));
      return words(options, current);
    }
    const asked = { def, typed: this.#typed, args: this.#args, current };
    const found = await this.#sources[def.valueHint ?? ""]?.(asked);
    if (found?.kind === "files" || found?.kind === "folders") return found;
    return words(found?.candidates ?? [], current);
  }
}

function positionalAt(index: number, args: FlagDefs): Positional | undefined {
  const all = Object.values(args).filter((def) => def.type === "positional");
  const last = all.at(-1);
  return all[index] ?? (last?.repeat === true ? last : undefined);
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
  return !given.has(key) || isRepeatable(def);
}

const isRepeatable = (def: FlagDef): boolean =>
  (def.type === "boolean" && def.count === true) || (def.type === "string" && def.repeat === true);

function whatOf(spelling: string, def: NamedFlag): string {
  const negative = def.type === "boolean" && spelling.startsWith("--no-");
  return negative ? (def.negativeDescription ?? `do not ${def.description}`) : def.description;
}
