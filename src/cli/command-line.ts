// From the arguments to an exit code: finds the command, loads it, runs it, and prints what went wrong.

import { failureLine, toFailure } from "../base/failure.ts";
import type { Failure } from "../base/failure.ts";
import { colorLevel, type Palette, paletteOf } from "../base/palette.ts";
import { environmentProblem } from "../base/limits.ts";
import { visibleText } from "../base/text.ts";
import { type CliCommand, runCliCommand } from "./command.ts";
import type { FlagDefs } from "./flag-defs.ts";
import { positionalsOf, spellingsOf } from "./flag-tokens.ts";
import { quote } from "./flag-values.ts";
import { renderCommandHelp, renderRootHelp, renderTable } from "./help.ts";
import type { HelpStyle } from "./help.ts";
import { type CliDefinition, rootCommand, type SubCommands } from "./cli-definition.ts";
import { ReaderLeft } from "./stdout.ts";
import { strictTokens } from "./strict-tokens.ts";
import { didYouMean, nearest } from "../base/suggest.ts";
import { UsageError } from "./usage-error.ts";
import { UserError } from "./user-error.ts";

/** The used part of a stream; `process.stdout` is one. */
export type Output = {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  write(text: string): unknown;
};

type MainIo = {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** @returns the exit code: the command's own, 2 for wrong usage, 1 for anything else that is thrown */
export async function runCommandLine(
  args: readonly string[],
  cli: CliDefinition,
  io: MainIo,
): Promise<number> {
  return await new CommandLine(cli, io).run(args);
}

class CommandLine {
  readonly #cli: CliDefinition;
  readonly #io: MainIo;
  readonly #flags: FlagDefs;
  readonly #commands: SubCommands;

  constructor(cli: CliDefinition, io: MainIo) {
    const root = rootCommand(cli);
    this.#cli = cli;
    this.#io = io;
    this.#flags = root.args;
    this.#commands = root.subCommands;
  }

  async run(args: readonly string[]): Promise<number> {
    let name: string | undefined;
    try {
      const split = this.#split(args);
      name = split.name;
      return await this.#dispatch(name, split.rest);
    } catch (thrown) {
      return this.#explain(thrown, name);
    }
  }

  /** Common flags before the command belong to the command: `pipeloom -q run etl.ts`. */
  #split(args: readonly string[]): { name: string | undefined; rest: string[] } {
    for (const token of strictTokens(args, spellingsOf({ ...this.#flags, ...builtIn }))) {
      if (token.kind === "positional")
        return { name: token.text, rest: args.toSpliced(token.at, 1) };
    }
    return { name: undefined, rest: [...args] };
  }

  async #dispatch(name: string | undefined, rest: readonly string[]): Promise<number> {
    const { stdout, stderr } = this.#io;
    if (name === "help") return await this.#showHelp(positionalsOf(rest, this.#flags)[0]);
    if (name === "__complete") return say(stdout, await this.#complete(rest), 0);
    if (asksFor(rest, "--help", "-h")) return await this.#showHelp(name, rest);
    if (asksFor(rest, "--version", "-V")) return say(stdout, `${this.#cli.versionLine}\n`, 0);
    if (name === undefined) return say(stderr, this.#rootHelp(stderr), 2);
    return await runCliCommand(await this.#load(name), rest);
  }

  /** Answers the shell scripts of completion. */
  async #complete(args: readonly string[]): Promise<string> {
    const { complete } = await import("./completion/complete.ts");
    return await complete(args, this.#cli);
  }

  /** @throws UsageError */
  async #load(name: string): Promise<CliCommand> {
    const load = Object.hasOwn(this.#commands, name) ? this.#commands[name] : undefined;
    if (load !== undefined) return await load();
    throw new UsageError(`unknown command ${quote(name)}`, this.#hintFor(name));
  }

  #hintFor(name: string): string | undefined {
    if (name === "version") return didYouMean("--version");
    return this.#cli.hintFor(name) ?? didYouMean(nearest(name, Object.keys(this.#commands)));
  }

  // ── help ─────────────────────────────────────────────────────────────────────────────────────────────

  #styleFor(to: Output): HelpStyle {
    return { columns: to.columns ?? 80, colors: this.#colorsFor(to) };
  }

  #colorsFor(to: Output): Palette {
    return paletteOf(colorLevel(this.#io.env, to.isTTY === true));
  }

  #rootHelp(to: Output): string {
    return renderRootHelp(this.#cli, this.#styleFor(to));
  }

  async #showHelp(name: string | undefined, rest: readonly string[] = []): Promise<number> {
    const { stdout } = this.#io;
    if (name === undefined) return say(stdout, this.#rootHelp(stdout), 0);
    const command = await this.#load(name);
    const style = this.#styleFor(stdout);
    const help = renderCommandHelp(command, this.#cli, style);
    try {
      const own = await command.argumentsHelp?.(rest);
      return say(stdout, own === undefined ? help : `${renderTable(own, style)}\n${help}`, 0);
    } catch (thrown) {
      // A file that cannot be loaded: the command has help all the same.
      stdout.write(help);
      throw thrown;
    }
  }

  // ── errors ───────────────────────────────────────────────────────────────────────────────────────────

  #explain(thrown: unknown, name: string | undefined): number {
    // `| head -1` has read enough.
    if (thrown instanceof ReaderLeft) return 0;
    const { stderr } = this.#io;
    const p = this.#colorsFor(stderr);
    if (thrown instanceof UsageError)
      return say(stderr, complaint(thrown, p, this.#whereToLook(name, thrown.hint)), 2);
    if (thrown instanceof UserError) return say(stderr, complaint(thrown, p), thrown.exitCode);
    const problem = environmentProblem(thrown);
    if (problem !== undefined) return say(stderr, complaint(new UserError(problem), p), 1);
    return say(stderr, internalError(thrown, this.#cli, p), 1);
  }

  #whereToLook(name: string | undefined, hint: string | undefined): string | undefined {
    if (hint?.includes("--help") === true) return undefined;
    const program = this.#cli.name;
    if (name === undefined) return `a command's flags come after its name; see ${program} --help`;
    return `see ${program} ${Object.hasOwn(this.#commands, name) ? `${name} ` : ""}--help`;
  }
}

/** Flags of the command line itself, allowed before the command too. */
const builtIn: FlagDefs = {
  help: { type: "boolean", alias: "h", description: "" },
  version: { type: "boolean", alias: "V", description: "" },
};

/** `--help` and `--version` count anywhere before `--`. */
function asksFor(args: readonly string[], ...names: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => names.includes(arg));
}

function say(to: Output, text: string, code: number): number {
  to.write(text);
  return code;
}

function complaint(error: UsageError | UserError, p: Palette, where?: string): string {
  const hints = [error.hint, where].filter((line) => line !== undefined);
  const lines = [`${p.red("error:")} ${visibleText(error.message)}`, ...hints.map(indented)];
  return `${lines.join("\n")}\n`;
}

const indented = (text: string): string => `  ${visibleText(text).replaceAll("\n", "\n  ")}`;

const internalError = (thrown: unknown, { name, versionLine }: CliDefinition, p: Palette): string =>
  `${p.red("Internal error:")} ${visibleText(trace(toFailure(thrown)))}\n` +
  `This is a bug in ${name}. Please report it with the lines above and this one:\n` +
  `  ${versionLine}, Bun ${Bun.version}, ${process.platform} ${process.arch}\n`;

const trace = (failure: Failure): string =>
  (failure.stack ?? failureLine(failure)) +
  (failure.cause === undefined ? "" : `\ncaused by: ${trace(failure.cause)}`);
