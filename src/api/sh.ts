// `sh`: a task that runs a program. Its output lines are the task's log as they come; its exit code is the verdict.

import type { TaskContext } from "./context.ts";
import { signalGroup } from "./process-group.ts";
import { registry } from "./registry.ts";
import { type Task, task, type TaskOptions } from "./task.ts";
import { needsShell, splitWords } from "./words.ts";

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

/** The program could not be started, or ended badly. `code`: its exit code, or the signal that ended it. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** How long a program may take to end after SIGTERM. */
const termGraceMs = 1000;
/** What `output` may hold: it travels as the task's result. */
const maxOutputChars = 16 * 1024 * 1024;

/**
 * Defines a task that runs a program.
 * `output`: what the task yields of its standard output: `"text"`, `"lines"`, `"json"`; default nothing.
 * On cancel and timeout its whole process group gets SIGTERM, and SIGKILL a second later.
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
      const text = await runProgram(argv, { cwd, env, keep: output !== undefined }, ctx);
      return shaped(text, output);
    },
  });
}

function shaped(text: string, output: "text" | "lines" | "json" | undefined): unknown {
  switch (output) {
    case undefined:
      return null;
    case "text":
      return text;
    case "lines":
      return text
        .split("\n")
        .filter((line, index, lines) => line !== "" || index < lines.length - 1);
    case "json":
      return JSON.parse(text) as unknown;
  }
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
    return process.platform === "win32"
      ? ["cmd", "/d", "/s", "/c", command]
      : ["/bin/sh", "-c", command];
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
  const wrong = argv.findIndex((word) => typeof word !== "string" || word.includes("\0"));
  if (wrong >= 0)
    throw new TypeError(`${what}: word ${wrong} is ${typeof argv[wrong]}, not a string`);
  if (argv.length === 0 || argv[0] === "") throw new TypeError(`${what} is empty`);
  return argv;
}

type ProgramOptions = {
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly keep: boolean;
};

/** Runs it to its end; the text is its standard output, if it is to be kept. */
async function runProgram(argv: Words, options: ProgramOptions, ctx: TaskContext): Promise<string> {
  const child = start(argv, options, ctx);
  registry.onChild?.(child.pid, true);
  const end = (): void => void endGroup(child);
  ctx.signal.addEventListener("abort", end, { once: true });
  if (ctx.signal.aborted) end();
  try {
    const [text, complaints] = await Promise.all([
      readLines(child.stdout, options.keep, (line) => ctx.log.info(line)),
      readLines(child.stderr, false, (line) => ctx.log.warn(line)),
      child.exited,
    ]);
    ctx.signal.throwIfAborted();
    judge(argv, child, complaints.last);
    return text.kept;
  } finally {
    ctx.signal.removeEventListener("abort", end);
    registry.onChild?.(child.pid, false);
  }
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

function start(argv: Words, { cwd, env }: ProgramOptions, ctx: TaskContext): Child {
  try {
    return Bun.spawn([...argv], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // A group of its own, so that all it starts ends with it.
      detached: process.platform !== "win32",
      env: {
        ...process.env,
        PIPELOOM_RUN: String(ctx.run.id),
        PIPELOOM_TASK: ctx.task.name,
        PIPELOOM_ATTEMPT: String(ctx.attempt),
        ...env,
      },
      ...(cwd === undefined ? undefined : { cwd }),
    });
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CommandError(`cannot start "${argv[0]}": ${reason}`, "ENOENT");
  }
}

/** Passes each line on; remembers the last, and the whole text if asked to. */
async function readLines(
  stream: ReadableStream<Uint8Array>,
  keep: boolean,
  line: (line: string) => void,
): Promise<{ kept: string; last: string }> {
  const decoder = new TextDecoder();
  let rest = "";
  let kept = "";
  let last = "";
  const take = (text: string): void => {
    if (keep) kept += text;
    if (kept.length > maxOutputChars)
      throw new RangeError("the program's output is larger than 16 MB");
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const each of lines) emit(each);
  };
  const emit = (raw: string): void => {
    const text = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (text.trim() !== "") last = text;
    line(text);
  };
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
  take(decoder.decode());
  if (rest !== "") emit(rest);
  return { kept, last };
}

function judge(argv: Words, child: Child, complaint: string): void {
  const what = shown(argv);
  const tail = complaint === "" ? "" : `: ${complaint}`;
  if (child.signalCode !== null) {
    throw new CommandError(
      `${what} was ended by ${child.signalCode}${tail}`,
      String(child.signalCode),
    );
  }
  if (child.exitCode !== 0) {
    throw new CommandError(
      `${what} exited with code ${child.exitCode}${tail}`,
      String(child.exitCode),
    );
  }
}

const maxShown = 80;

function shown(argv: Words): string {
  const line = argv[0] === "/bin/sh" && argv[1] === "-c" ? (argv[2] ?? "") : argv.join(" ");
  const first = line.split("\n")[0] ?? "";
  return `"${first.length > maxShown || first !== line ? `${first.slice(0, maxShown)}…` : first}"`;
}

async function endGroup(child: Child): Promise<void> {
  signalGroup(child.pid, "SIGTERM");
  const ended = await Promise.race([
    child.exited.then(() => true),
    Bun.sleep(termGraceMs).then(() => false),
  ]);
  // Also when the leader has ended: what it started may still run.
  if (!ended || process.platform !== "win32") signalGroup(child.pid, "SIGKILL");
}
