// The text of `--help`, from the definitions alone. Pure: (definitions, width, colours) → text.

import type { Palette } from "../base/palette.ts";
import type { CliCommand, Example, HelpRow as Row, HelpTable } from "./command.ts";
import {
  aliasesOf,
  type FlagDef,
  isRequiredPositional,
  kebab,
  mayStandAlone,
  type NamedFlag,
  type Positional,
  positionalLabel,
  takesValue,
  valueName,
} from "./flag-defs.ts";
import type { CliDefinition } from "./cli-definition.ts";

export type HelpStyle = { readonly columns: number; readonly colors: Palette };

/** Lines longer than this are hard to read on a wide screen. */
const maxColumns = 100;
const minColumns = 40;
const maxLabel = 28;

const widthOf = (style: HelpStyle): number =>
  Math.min(Math.max(style.columns, minColumns), maxColumns);

const wrap = (text: string, width: number): string[] => Bun.wrapAnsi(text, width).split("\n");

/** Width of the first column, without the labels that are too wide for a column. */
const columnOf = (rows: readonly Row[]): number =>
  Math.max(0, ...rows.map((row) => Bun.stringWidth(row.label)).filter((w) => w <= maxLabel));

/** Two columns. A label that is too wide for its column gets its own line. */
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

export const renderTable = ({ title, rows }: HelpTable, style: HelpStyle): string =>
  `${[...(title === "" ? [] : [style.colors.bold(title)]), ...table(rows, widthOf(style), style.colors)].join("\n")}\n`;

// ── the program ────────────────────────────────────────────────────────────────────────────────────────

/** The rows of a small terminal, without the prompt's row. */
const maxRootLines = 23;

/** Fits 80 columns and 24 rows, with up to fourteen lines for commands. */
export function renderRootHelp(cli: CliDefinition, style: HelpStyle): string {
  const { name, version, description } = cli;
  const p = style.colors;
  const width = widthOf(style);
  const lines = [
    `${p.bold(name)} ${p.dim(version)}  ${description}`,
    "",
    `${p.bold("Usage")} ${name} <command> [flags]`,
    ...groups(cli, width, p),
    ...section("Examples", table(cli.examples.map(exampleRow), width, p), p),
    "",
    ...wrap(`${name} <command> --help shows its flags; ${name} --version the build`, width),
  ];
  return `${withoutBlanks(lines, maxRootLines).join("\n")}\n`;
}

/** Removes blank lines, the last ones first, until there are at most `max` lines. */
function withoutBlanks(lines: readonly string[], max: number): string[] {
  const kept = [...lines];
  for (let at = kept.length - 1; at >= 0 && kept.length > max; at--) {
    if (kept[at] === "") kept.splice(at, 1);
  }
  return kept;
}

const exampleRow = ({ line, what }: Example): Row => ({ label: line, text: what });

/** All groups share one column, so that the summaries align. */
function groups({ groups: titles, commands }: CliDefinition, width: number, p: Palette): string[] {
  const column = Math.max(0, ...commands.map((entry) => entry.name.length));
  return titles.flatMap((group) => {
    const mine = commands.filter((entry) => entry.group === group);
    const brief = mine.filter(({ isBrief }) => isBrief === true).map(({ name }) => name);
    const rows = [
      ...mine
        .filter(({ isBrief }) => isBrief !== true)
        .map(({ name, summary }) => ({ label: name, text: summary })),
      ...(brief.length === 0 ? [] : [{ label: "and", text: brief.join(", ") }]),
    ];
    return rows.length === 0 ? [] : [p.bold(group), ...table(rows, width, p, column)];
  });
}

// ── a command ──────────────────────────────────────────────────────────────────────────────────────────

type CommandText = {
  readonly usage: string;
  readonly positionals: readonly Row[];
  readonly own: readonly Row[];
  readonly common: readonly Row[];
};

/** What its definitions say of a command. */
export function describeCommand(
  { meta, args }: CliCommand,
  { name, commonFlags }: Pick<CliDefinition, "name" | "commonFlags">,
): CommandText {
  const isCommon = ([key, def]: [string, FlagDef]): boolean => commonFlags[key] === def;
  const all = Object.entries(args);
  const positionals = all.filter(isPositionalEntry);
  return {
    usage: [name, meta.name, ...usage(positionals), "[flags]"].join(" "),
    positionals: positionals.map(positionalRow),
    own: all.filter((entry) => !isCommon(entry)).flatMap(flagRows),
    common: [...all.filter(isCommon).flatMap(flagRows), helpRow],
  };
}

export function renderCommandHelp(
  command: CliCommand,
  cli: Pick<CliDefinition, "name" | "commonFlags">,
  style: HelpStyle,
): string {
  const p = style.colors;
  const width = widthOf(style);
  const { meta } = command;
  const { usage: line, positionals, own, common } = describeCommand(command, cli);
  const column = columnOf([...own, ...common]);
  const lines = [
    ...wrap(`${meta.description}.`, width),
    ...(meta.details === undefined ? [] : ["", ...wrap(meta.details, width)]),
    "",
    `${p.bold("Usage")} ${line}`,
    ...section("Arguments", table(positionals, width, p), p),
    ...section("Flags", table(own, width, p, column), p),
    ...section("Common flags", table(common, width, p, column), p),
    ...section("Examples", examples(meta.examples, width, p), p),
  ];
  return `${lines.join("\n")}\n`;
}

const helpRow: Row = { label: "-h, --help", text: "this text" };

const isPositionalEntry = (entry: [string, FlagDef]): entry is [string, Positional] =>
  entry[1].type === "positional";

const usage = (positionals: readonly [string, Positional][]): string[] =>
  positionals.map(([key, def]) => {
    const dots = def.repeat === true ? "…" : "";
    const label = positionalLabel(key, def);
    return isRequiredPositional(def) ? `${label}${dots}` : `[${label.slice(1, -1)}${dots}]`;
  });

const positionalRow = ([key, def]: [string, Positional]): Row => ({
  label: positionalLabel(key, def),
  text: withNotes(def.description, [
    def.options && `one of ${def.options.join(", ")}`,
    def.default && `default: ${def.default}`,
  ]),
});

/** A flag that is on by default is shown in its useful form: `--no-wal`. */
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
function valuePart(def: NamedFlag): string {
  if (!takesValue(def)) return "";
  const value = valueName(def);
  if (mayStandAlone(def)) return ` [${value}]`;
  return def.type === "enum" && def.valueHint === undefined ? ` ${value}` : ` <${value}>`;
}

type Note = string | false | undefined;

function notesOf(def: NamedFlag): Note[] {
  if (!takesValue(def)) return [];
  const fallback = def.defaultHint ?? def.default;
  return [
    def.required === true && "required",
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
