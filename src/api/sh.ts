// `sh`: a task that runs a program. Output lines go to the task's log as they arrive; an exit code other than 0 is a failure.

import { isAbsolute, join } from "node:path";

import { JSON } from "../base/globals.ts";
import { shownValue } from "../base/describe-value.ts";
import { assertKnown, namesOf } from "./known-options.ts";
import { assertOptions, isAbsent, isFunction, isName, isText, option } from "./option.ts";
import type { KeptOutput } from "./program.ts";
import { registry } from "./registry.ts";
import { defineTask, sharedNames, type Task, type TaskOptions } from "./task.ts";
import { needsShell, splitWords } from "../base/shell-words.ts";

type Words = readonly string[];

type ShBase<In, Out> = Omit<TaskOptions<In, Out>, "run" | "env"> & {
  /** The program's working directory, relative to the folder of the pipeline file, which is the default. */
  readonly cwd?: string;
  /** Environment variables, added to those of pipeloom. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The file that the standard output is written to, of any size and as it is, relative to `cwd`. It gets its name when the
   * program has succeeded: until then, and when it fails or is killed, a file of that name stays as it was. Folders that
   * are missing are made. The task returns the path.
   */
  readonly stdout?: string | ((input: In) => string);
};

/** A list is passed to the program word by word. A string is split at blanks outside quotes; nothing in it is expanded. */
type Direct<In> = {
  readonly shell?: false;
  readonly command: string | Words | ((input: In) => Words);
};

/** The line is run by a shell (`/bin/sh`, or `cmd` on Windows). Quote every value that you put into it. */
type ThroughShell<In> = {
  readonly shell: true;
  readonly command: string | ((input: In) => string);
};

type AllOptions = ShBase<never, never> & Direct<never> & { readonly output: unknown };

const names = namesOf<AllOptions>({
  ...sharedNames,
  command: true,
  shell: true,
  output: true,
  cwd: true,
  stdout: true,
});

export type ShOptions<In, Out> = ShBase<In, Out> & (Direct<In> | ThroughShell<In>);

/**
 * Defines a task that runs a program.
 * `output`: what the task returns from the standard output: `"text"`, `"lines"` or `"json"`, of 16 MB at most. Default: `null`.
 * `stdout`: the file that the output goes to; the task then returns its path.
 * On cancel, timeout and failure, the whole process group gets SIGTERM, and SIGKILL within 10 s, 2 s and 2 s. Background
 * processes of a program that succeeds run on until the run ends.
 * @throws TypeError for a command that is empty or needs a shell, RangeError for a wrong option
 */
export function sh<In = void>(
  options: ShOptions<In, string> & {
    readonly stdout: string | ((input: In) => string);
    readonly output?: undefined;
  },
): Task<In, string>;
export function sh<In = void>(
  options: ShOptions<In, null> & { readonly output?: undefined; readonly stdout?: undefined },
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
  assertOptions(options, "sh({ name, command })");
  const { command, shell, cwd, env, output, stdout, ...rest } = options;
  assertKnown(options, names, `task "${options.name}"`);
  const argvFor = argvBuilder(options.name, command, shell);
  checkOptions(options);
  registry.programs.add(options.name);
  return defineTask<In, unknown>(
    {
      ...rest,
      async run(input, ctx) {
        const { runProgram } = registry;
        if (runProgram === undefined) {
          throw new Error("Internal error: a program is started outside a Worker");
        }
        const file = fileFor(options.name, stdout, input, cwd);
        const program = { argv: argvFor(input), cwd, env, keep: output !== undefined, file };
        return runProgram(program, ctx, (kept) => file ?? shaped(kept, output));
      },
    },
    { ...env },
  );
}

function checkOptions<In>({
  name,
  cwd,
  env,
  output,
  stdout,
}: ShOptions<In, unknown> & Output): void {
  const what = `task "${name}"`;
  option(cwd, `${what}: cwd`, "the path of a folder", isName);
  option(env, `${what}: env`, "an object of texts", isEnv);
  option(
    output,
    `${what}: output`,
    outputs.map((each) => JSON.stringify(each)).join(", "),
    isOutput,
  );
  option(
    stdout,
    `${what}: stdout`,
    "the path of a file, or a function that returns one",
    (value) => isFunction(value) || isPath(value),
  );
  if (isAbsent(output) || isAbsent(stdout)) return;
  throw new TypeError(
    `${what}: output and stdout exclude each other: the output goes to the file, and the task returns its path; leave one of them out`,
  );
}

type Output = { readonly output?: unknown };

const isPath = (value: unknown): value is string =>
  isText(value) && isName(value) && !value.includes("\0");

/** The path of the file that the output goes to, as a task that reads it can open it. */
function fileFor<In>(
  name: string,
  stdout: ShOptions<In, unknown>["stdout"] | null,
  input: In,
  cwd: string | undefined,
): string | undefined {
  if (isAbsent(stdout)) return undefined;
  const path: unknown = typeof stdout === "function" ? stdout(input) : stdout;
  if (!isPath(path)) {
    throw new TypeError(
      `task "${name}": stdout returned ${shownValue(path)}; it must be the path of a file`,
    );
  }
  return isAbsent(cwd) || isAbsolute(path) ? path : join(cwd, path);
}

const outputs = ["text", "lines", "json"] as const;

const isOutput = (value: unknown): boolean => outputs.some((name) => name === value);

const isEnv = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.values(value).every(isText);

function shaped(stdout: KeptOutput, output: "text" | "lines" | "json" | undefined): unknown {
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
    // A reviver is slow, and few outputs need one.
    return mayHoldLargeNumber.test(json) ? JSON.parse(json, refuseUnsafe) : JSON.parse(json);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyntaxError(`the program's output is not JSON: ${why}`, { cause: thrown });
  }
}

/** Integers above 2^53 have at least 16 digits. */
const mayHoldLargeNumber = /\d{16}/;

function refuseUnsafe(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  if (!/^-?\d+$/.test(source) || Number.isSafeInteger(value)) return value;
  throw new RangeError(
    `the program's output has the integer ${source}, which a JavaScript number cannot hold; let it print it in quotes`,
  );
}

/** A command that does not depend on the input is checked at once. */
function argvBuilder<In>(
  name: string,
  command: ShOptions<In, unknown>["command"],
  shell: boolean | undefined,
): (input: In) => Words {
  if (typeof command === "function") return (input) => argvOf(name, command(input), shell, true);
  const argv = argvOf(name, command, shell);
  return () => argv;
}

function argvOf(
  name: string,
  command: string | Words,
  shell: boolean | undefined,
  isComputed = false,
): Words {
  const what = `task "${name}": command`;
  if (shell === true) {
    if (typeof command !== "string")
      throw new TypeError(`${what} must be one line for a shell, not ${shownValue(command)}`);
    const shellWords =
      process.platform === "win32"
        ? ["cmd", "/d", "/s", "/c", command]
        : ["/bin/sh", "-c", command];
    return checked(shellWords, what);
  }
  if (typeof command !== "string") return checked(command, what);
  if (isComputed) {
    throw new TypeError(
      `${what} must return a list of words, so that an input with a blank in it stays one argument; for a shell line, say shell: true`,
    );
  }
  if (needsShell(command)) {
    throw new TypeError(`${what} uses what only a shell understands: ${command}; say shell: true`);
  }
  return checked(splitWords(command), what);
}

function checked(argv: unknown, what: string): Words {
  if (!Array.isArray(argv)) {
    throw new TypeError(`${what} must be text or a list of words, not ${shownValue(argv)}`);
  }
  return checkedWords(argv, what);
}

function checkedWords(argv: Words, what: string): Words {
  for (const [i, word] of argv.entries()) {
    if (typeof word !== "string")
      throw new TypeError(`${what}: word ${i} must be a string, not ${shownValue(word)}`);
    if (word.includes("\0"))
      throw new TypeError(
        `${what}: word ${i} has a NUL character, where a program's argument ends`,
      );
  }
  if (argv.length === 0 || argv[0] === "") throw new TypeError(`${what} is empty`);
  return argv;
}
