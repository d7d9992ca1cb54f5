// From the arguments to an exit code: finds the command, loads it, runs it, and says what went wrong.

import { runCommand } from "citty";
import { failureLine, toFailure } from "../base/failure.ts";
import type { Failure } from "../base/failure.ts";
import { version, versionLine } from "../version.ts";
import { colorLevel, type Palette, paletteOf } from "../base/palette.ts";
import { visibleText } from "../base/text.ts";
import { commonFlags } from "../commands/common.ts";
import { spellingsOf, tokenize } from "./flag-tokens.ts";
import { quote } from "./flag-values.ts";
import { renderCommandHelp, renderRootHelp } from "./help.ts";
import type { HelpStyle } from "./help.ts";
import { ReaderLeft } from "./stdout.ts";
import { didYouMean, nearest } from "./suggest.ts";
import type { CommandEntry } from "../commands/table.ts";
import { UsageError } from "./usage-error.ts";
import { UserError } from "./user-error.ts";

/** The part of a stream that is used here; `process.stdout` is one. */
export type Output = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

export type Surroundings = {
  readonly commands: readonly CommandEntry[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** @returns the exit code: the command's own, 2 for wrong usage, 1 for anything else that was thrown */
export async function main(args: readonly string[], around: Surroundings): Promise<number> {
  let name: string | undefined;
  try {
    const split = splitCommand(args);
    name = split.name;
    return await dispatch(name, split.rest, around);
  } catch (thrown) {
    return explain(thrown, name, around);
  }
}

/** What may stand before the command. Common flags are then read as the command's: `pipeloom -q run etl.ts`. */
const leadingFlags = spellingsOf({
  ...commonFlags,
  help: { type: "boolean", alias: "h", description: "" },
  version: { type: "boolean", alias: "V", description: "" },
});

function splitCommand(args: readonly string[]): { name: string | undefined; rest: string[] } {
  for (const token of tokenize(args, leadingFlags)) {
    if (token.kind === "positional") return { name: token.text, rest: args.toSpliced(token.at, 1) };
  }
  return { name: undefined, rest: [...args] };
}

/** `--help` and `--version` count wherever they stand, up to `--`. */
function asksFor(args: readonly string[], ...names: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => names.includes(arg));
}

async function dispatch(
  name: string | undefined,
  rest: string[],
  around: Surroundings,
): Promise<number> {
  if (name === "help")
    return await showHelp(
      rest.find((arg) => !arg.startsWith("-")),
      around,
    );
  if (name === "__complete") return await completeWords(rest, around);
  if (asksFor(rest, "--help", "-h")) return await showHelp(name, around, rest);
  if (asksFor(rest, "--version", "-V")) return say(around.stdout, `${versionLine}\n`, 0);
  if (name === undefined) return say(around.stderr, rootHelp(around.stderr, around), 2);
  const command = await findCommand(name, around.commands).load();
  const { result } = await runCommand(command.citty, { rawArgs: rest });
  // citty drops what is thrown when it is null or undefined: no exit code, then, is not a success.
  if (typeof result !== "number") throw new Error(`${name} ended without an exit code`);
  return result;
}

/** What the shells' scripts ask at a pressed Tab; see completion/complete.ts. */
async function completeWords(args: readonly string[], around: Surroundings): Promise<number> {
  const { complete } = await import("../commands/completion/complete.ts");
  return say(around.stdout, await complete(args, around.commands), 0);
}

function say(to: Output, text: string, code: number): number {
  to.write(text);
  return code;
}

// ── help ───────────────────────────────────────────────────────────────────────────────────────────────

const colorsFor = (to: Output, env: Surroundings["env"]): Palette =>
  paletteOf(colorLevel(env, to.isTTY === true));

const styleFor = (to: Output, { env }: Surroundings): HelpStyle => ({
  columns: to.columns ?? 80,
  colors: colorsFor(to, env),
});

const rootHelp = (to: Output, around: Surroundings): string =>
  renderRootHelp(around.commands, version, styleFor(to, around));

async function showHelp(
  name: string | undefined,
  around: Surroundings,
  rest: readonly string[] = [],
): Promise<number> {
  const { stdout } = around;
  if (name === undefined) return say(stdout, rootHelp(stdout, around), 0);
  const entry = findCommand(name, around.commands);
  const command = await entry.load();
  stdout.write(renderCommandHelp(command, entry.summary, styleFor(stdout, around)));
  // A file that cannot be loaded is an error below the help, not in its place.
  return say(stdout, (await command.moreHelp?.(rest)) ?? "", 0);
}

function findCommand(name: string, commands: readonly CommandEntry[]): CommandEntry {
  const found = commands.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`unknown command ${quote(name)}`, commandHint(name, commands));
}

function commandHint(name: string, commands: readonly CommandEntry[]): string | undefined {
  if (/\.[cm]?[jt]sx?(:\w+)?$/.test(name)) return `to run a pipeline file: pipeloom run ${name}`;
  if (name === "version") return didYouMean("--version");
  return didYouMean(
    nearest(
      name,
      commands.map((entry) => entry.name),
    ),
  );
}

// ── what went wrong ────────────────────────────────────────────────────────────────────────────────────

function explain(thrown: unknown, name: string | undefined, around: Surroundings): number {
  // Nothing is wrong: `| head -1` has what it wanted.
  if (thrown instanceof ReaderLeft) return 0;
  const p = colorsFor(around.stderr, around.env);
  if (thrown instanceof UsageError) {
    return say(around.stderr, complaint(thrown, p, whereToLook(name, around.commands)), 2);
  }
  if (thrown instanceof UserError) return say(around.stderr, complaint(thrown, p), 1);
  return say(around.stderr, internalError(thrown, p), 1);
}

function whereToLook(name: string | undefined, commands: readonly CommandEntry[]): string {
  if (name === undefined) return "a command's flags come after its name; see pipeloom --help";
  const known = commands.some((entry) => entry.name === name);
  return known ? `see pipeloom ${name} --help` : "see pipeloom --help";
}

function complaint(error: UsageError | UserError, p: Palette, where?: string): string {
  const hints = [error.hint, where].filter((line) => line !== undefined);
  const lines = [`${p.red("error:")} ${visibleText(error.message)}`, ...hints.map(indented)];
  return `${lines.join("\n")}\n`;
}

const indented = (text: string): string => `  ${visibleText(text).replaceAll("\n", "\n  ")}`;

const internalError = (thrown: unknown, p: Palette): string =>
  `${p.red("Internal error:")} ${visibleText(trace(toFailure(thrown)))}\n` +
  `This is a bug in pipeloom. Please report it with the lines above and this one:\n` +
  `  ${versionLine}, Bun ${Bun.version}, ${process.platform} ${process.arch}\n`;

const trace = (failure: Failure): string =>
  (failure.stack ?? failureLine(failure)) +
  (failure.cause === undefined ? "" : `\ncaused by: ${trace(failure.cause)}`);
