// `sh`: a task that runs a program. Its output lines are the task's log as they come; its exit code is the verdict.

import { JSON } from "../base/globals.ts";
import { runProgram } from "./program.ts";
import type { ProgramOutput } from "./program-output.ts";
import { type Task, task, type TaskOptions } from "./task.ts";
import { needsShell, splitWords } from "../base/shell-words.ts";

type Words = readonly string[];

type ShBase<In, Out> = Omit<TaskOptions<In, Out>, "run"> & {
  /** The program's working directory. Default: pipeloom's. */
  readonly cwd?: string;
  /** Laid over pipeloom's own environment. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Words go to the program as they are; a string is split at blanks outside quotes, and nothing in it is expanded. */
type Direct<In> = {
  readonly shell?: false;
  readonly command: string | Words | ((input: In) => Words);
};

/** The line goes to a shell (`/bin/sh`, or `cmd` on Windows): what is spliced into it must be quoted by the author. */
type ThroughShell<In> = {
  readonly shell: true;
  readonly command: string | ((input: In) => string);
};

export type ShOptions<In, Out> = ShBase<In, Out> & (Direct<In> | ThroughShell<In>);

/**
 * Defines a task that runs a program.
 * `output`: what the task yields of its standard output: `"text"`, `"lines"`, `"json"`; default nothing.
 * On cancel, on timeout and when it fails, its whole process group gets SIGTERM, and SIGKILL if it has not ended within 10,
 * 2 and 2 s. What it leaves running in the background when it ends well is ended with the run.
 */
export function sh<In = void>(
  options: ShOptions<In, null> & { readonly output?: undefined },
): Task<In, null>;
export function sh<In = void>(
  options: ShOptions<In, string> & { readonly output: "text" },
): Task<In, string>;
export function sh<In = void>(
  options: ShOptions<In, string[]> & { readonly output: "lines" },
): Task<In, string[]>;
export function sh<In = void, Out = unknown>(
  options: ShOptions<In, Out> & { readonly output: "json" },
): Task<In, Out>;
export function sh<In>(
  options: ShOptions<In, unknown> & { readonly output?: "text" | "lines" | "json" | undefined },
): Task<In, unknown> {
  const { command, shell, cwd, env, output, ...rest } = options;
  const fixed = typeof command === "function" ? undefined : argvOf(options.name, command, shell);
  return task<In>({
    ...rest,
    async run(input, ctx) {
      const made = typeof command === "function" ? command(input) : undefined;
      const argv = made === undefined ? (fixed ?? []) : argvOf(options.name, made, shell, true);
      const keep = output !== undefined;
      return runProgram({ argv, cwd, env, keep }, ctx, (stdout) => shaped(stdout, output));
    },
  });
}

function shaped(stdout: ProgramOutput, output: "text" | "lines" | "json" | undefined): unknown {
  switch (output) {
    case undefined:
      return null;
    case "text":
      return stdout.text();
    case "lines": {
      const lines = stdout.text().split(/\r?\n/);
      return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
    }
    case "json":
      return parsed(stdout.text());
  }
}

function parsed(text: string): unknown {
  const json = text.replace(/^\ufeff/, "");
  try {
    // A reviver is slow, and hardly any output needs it.
    return mayHoldLargeNumber.test(json) ? JSON.parse(json, refuseUnsafe) : JSON.parse(json);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyntaxError(`the program's output is not JSON: ${why}`, { cause: thrown });
  }
}

/** Integers beyond 2^53 have 16 digits and more. */
const mayHoldLargeNumber = /\d{16}/;

function refuseUnsafe(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  if (!/^-?\d+$/.test(source) || Number.isSafeInteger(value)) return value;
  throw new RangeError(
    `the program's output has the integer ${source}, which a JavaScript number cannot hold; let it print it in quotes`,
  );
}

function argvOf(
  name: string,
  command: string | Words,
  shell: boolean | undefined,
  made = false,
): Words {
  const what = `task "${name}": command`;
  if (shell === true) {
    if (typeof command !== "string")
      throw new TypeError(`${what} must be one line for a shell, not a list`);
    const shellWords =
      process.platform === "win32"
        ? ["cmd", "/d", "/s", "/c", command]
        : ["/bin/sh", "-c", command];
    return checked(shellWords, what);
  }
  if (typeof command !== "string") return checked(command, what);
  if (made) {
    throw new TypeError(
      `${what} must return a list of words, so that an input with a blank in it stays one argument; for a shell line, say shell: true`,
    );
  }
  if (needsShell(command)) {
    throw new TypeError(`${what} uses what only a shell understands: ${command}; say shell: true`);
  }
  return checked(splitWords(command), what);
}

function checked(argv: Words, what: string): Words {
  for (const [i, word] of argv.entries()) {
    if (typeof word !== "string")
      throw new TypeError(`${what}: word ${i} is ${typeof word}, not a string`);
    if (word.includes("\0"))
      throw new TypeError(
        `${what}: word ${i} has a NUL character, where a program's argument ends`,
      );
  }
  if (argv.length === 0 || argv[0] === "") throw new TypeError(`${what} is empty`);
  return argv;
}
