// `--help`, made from the definitions alone. Pure: (definitions, width, colour) → text.

import type { Palette } from "../base/palette.ts";
import type { CliCommand, Example } from "./command.ts";
import { commonFlags } from "../commands/common.ts";
import { aliasesOf, isRequiredPositional, kebab } from "./flag-defs.ts";
import type { FlagDef, FlagDefs, Positional } from "./flag-defs.ts";
import { positionalLabel } from "./flags.ts";
import { commandGroups } from "../commands/table.ts";
import type { CommandEntry } from "../commands/table.ts";

export type HelpStyle = { readonly columns: number; readonly colors: Palette };

/** One line of two columns. */
type Row = { readonly label: string; readonly text: string };

/** Lines longer than this are hard to read on a wide screen. */
const maxColumns = 100;
const minColumns = 40;
const maxLabel = 28;

const widthOf = (style: HelpStyle): number =>
  Math.min(Math.max(style.columns, minColumns), maxColumns);

const wrap = (text: string, width: number): string[] => Bun.wrapAnsi(text, width).split("\n");

/** How wide the first column must be; labels that are too wide for one do not count. */
const columnOf = (rows: readonly Row[]): number =>
  Math.max(0, ...rows.map((row) => Bun.stringWidth(row.label)).filter((w) => w <= maxLabel));

/** Two columns; a label too wide for its column stands on a line of its own. */
function table(rows: readonly Row[], width: number, p: Palette, column = columnOf(rows)): string[] {
  const indent = " ".repeat(column + 4);
  return rows.flatMap(({ label, text }) => {
    const [first = "", ...more] = wrap(text, width - indent.length);
    const pad = column - Bun.stringWidth(label);
    const styled = `  ${p.cyan(label)}`;
    const head = pad < 0 ? [styled, indent + first] : [`${styled}${" ".repeat(pad)}  ${first}`];
    return [...head, ...more.map((line) => indent + line)].map((line) => line.trimEnd());
  });
}

const section = (title: string, lines: readonly string[], p: Palette): string[] =>
  lines.length === 0 ? [] : ["", p.bold(title), ...lines];

// ── pipeloom --help ────────────────────────────────────────────────────────────────────────────────────

const start: readonly Example[] = [
  { line: "pipeloom demo -n 10", what: "see it work" },
  { line: "pipeloom run etl.ts", what: "run a file of tasks; again, to continue a dead run" },
];

/** A small terminal's rows, less the prompt's. */
const maxRootLines = 23;

/** Fits 80 columns and 24 rows, with up to fourteen commands. */
export function renderRootHelp(
  entries: readonly CommandEntry[],
  version: string,
  style: HelpStyle,
): string {
  const p = style.colors;
  const width = widthOf(style);
  const lines = [
    `${p.bold("pipeloom")} ${p.dim(version)}  Many tasks at once, each state and row in one SQLite file`,
    "",
    `${p.bold("Usage")} pipeloom <command> [flags]`,
    ...groups(entries, width, p),
    ...section("Examples", table(start.map(exampleRow), width, p), p),
    "",
    ...wrap("pipeloom <command> --help shows its flags; pipeloom --version the build", width),
  ];
  return `${withoutBlanks(lines, maxRootLines).join("\n")}\n`;
}

/** Takes blank lines out, the last ones first, until there are no more than `max` lines. */
function withoutBlanks(lines: readonly string[], max: number): string[] {
  const kept = [...lines];
  for (let at = kept.length - 1; at >= 0 && kept.length > max; at--) {
    if (kept[at] === "") kept.splice(at, 1);
  }
  return kept;
}

const exampleRow = ({ line, what }: Example): Row => ({ label: line, text: what });

/** All groups share one column, so that the summaries align. */
function groups(entries: readonly CommandEntry[], width: number, p: Palette): string[] {
  const column = Math.max(0, ...entries.map((entry) => entry.name.length));
  return commandGroups.flatMap((group) => {
    const mine = entries.filter((entry) => entry.group === group);
    const rows = mine.map(({ name, summary }) => ({ label: name.padEnd(column), text: summary }));
    return rows.length === 0 ? [] : [p.bold(group), ...table(rows, width, p)];
  });
}

// ── pipeloom <command> --help ──────────────────────────────────────────────────────────────────────────

/** @param summary the command's line in the table, without a full stop */
export function renderCommandHelp(command: CliCommand, summary: string, style: HelpStyle): string {
  const p = style.colors;
  const width = widthOf(style);
  const shown = Object.entries(command.args).filter(([, def]) => def.hidden !== true);
  const positionals = shown.filter(isPositionalEntry);
  const flags = shown.filter((entry) => !isPositionalEntry(entry));
  const own = flags.filter(([key, def]) => !isCommon(key, def)).flatMap(flagRows);
  const common = [...flags.filter(([key, def]) => isCommon(key, def)).flatMap(flagRows), helpRow];
  const column = columnOf([...own, ...common]);
  const lines = [
    ...wrap(`${summary}.`, width),
    ...(command.details === undefined ? [] : ["", ...wrap(command.details, width)]),
    "",
    `${p.bold("Usage")} ${usage(command.name, positionals)}`,
    ...section("Arguments", table(positionals.map(positionalRow), width, p), p),
    ...section("Flags", table(own, width, p, column), p),
    ...section("Common flags", table(common, width, p, column), p),
    ...section("Examples", examples(command.examples, width, p), p),
  ];
  return `${lines.join("\n")}\n`;
}

const helpRow: Row = { label: "-h, --help", text: "this text" };

const isPositionalEntry = (entry: [string, FlagDef]): entry is [string, Positional] =>
  entry[1].type === "positional";

const isCommon = (key: string, def: FlagDef): boolean => (commonFlags as FlagDefs)[key] === def;

function usage(name: string, positionals: readonly [string, Positional][]): string {
  const words = positionals.map(([key, def]) => {
    const dots = def.repeat === true ? "…" : "";
    const label = positionalLabel(key, def);
    return isRequiredPositional(def) ? `${label}${dots}` : `[${label.slice(1, -1)}${dots}]`;
  });
  return ["pipeloom", name, ...words, "[flags]"].join(" ");
}

const positionalRow = ([key, def]: [string, Positional]): Row => ({
  label: positionalLabel(key, def),
  text: withNotes(def.description, [
    def.options && `one of ${def.options.join(", ")}`,
    def.default && `default: ${def.default}`,
  ]),
});

/** A flag that is on by default is shown as what one would type: `--no-wal`. */
function flagRows([key, def]: [string, FlagDef]): Row[] {
  if (def.type === "positional") return [];
  const long = `--${kebab(key)}`;
  if (def.type === "boolean" && def.default === true) {
    const text = def.negativeDescription ?? `do not ${def.description}`;
    return [{ label: `    --no-${kebab(key)}`, text }];
  }
  const shorts = aliasesOf(def).filter((alias) => !alias.startsWith("--"));
  const longs = aliasesOf(def).filter((alias) => alias.startsWith("--"));
  const names = [
    ...shorts,
    def.type === "boolean" && def.threeState ? `--[no-]${kebab(key)}` : long,
  ];
  const indent = shorts.length === 0 ? "    " : "";
  const notes = [...notesOf(def), longs.length > 0 && `also ${longs.join(", ")}`];
  return [
    {
      label: `${indent}${names.join(", ")}${valuePart(def)}`,
      text: withNotes(def.description, notes),
    },
  ];
}

/** ` <n>`, ` [run-id]`, ` table|json`; nothing for flags without a value. */
function valuePart(def: Exclude<FlagDef, Positional>): string {
  if (def.type === "boolean" || def.type === "count") return "";
  if (def.type === "enum")
    return ` ${def.valueHint ? `<${def.valueHint}>` : def.options.join("|")}`;
  const hint = def.valueHint ?? (def.type === "string" ? "text" : "n");
  const optional = def.type === "integer" && def.optionalValue === true;
  return optional ? ` [${hint}]` : ` <${hint}>`;
}

type Note = string | false | undefined;

function notesOf(def: Exclude<FlagDef, Positional>): Note[] {
  if (def.type === "boolean" || def.type === "count") return [];
  const value = "default" in def && def.default !== undefined ? String(def.default) : undefined;
  const fallback = def.defaultHint ?? value;
  return [
    "required" in def && "required",
    def.type === "string" && def.repeat === true && "repeatable",
    fallback !== undefined && `default: ${fallback}`,
  ];
}

function withNotes(description: string, notes: readonly Note[]): string {
  const given = notes.filter((note) => typeof note === "string" && note !== "");
  return given.length === 0 ? description : `${description} (${given.join("; ")})`;
}

const examples = (list: readonly Example[], width: number, p: Palette): string[] =>
  list.flatMap(({ line, what }) => [
    `  ${p.cyan(line)}`,
    ...wrap(what, width - 6).map((text) => `      ${text}`),
  ]);
