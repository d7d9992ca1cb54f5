// A program that a task has started: its output, its end, and the end of all that it has started in turn.

import { statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

import { systemClock } from "../base/clock.ts";
import { Promise } from "../base/globals.ts";
import type { TaskContext } from "./context.ts";
import type { ProgramEntry } from "../protocol/shared/programs.ts";
import { groupRuns, signalGroup, untilGroupEnds } from "../base/process-group.ts";
import { ProgramOutput } from "./program-output.ts";
import { registry } from "./registry.ts";

/** The program could not be started, or ended badly. `code`: its exit code, or the signal that ended it. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export type ProgramOptions = {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  /** Whether its standard output is the task's result. */
  readonly keep: boolean;
};

/**
 * How long after SIGTERM the group gets SIGKILL. A cancel and a timeout leave a task 10 s and 2 s, and its end must be
 * recorded within them.
 */
const graceMs = { cancel: 9_500, timeout: 1_500, failure: 2_000 };
/** SIGKILL ends a process at once, unless it waits in the kernel. */
const killedMs = 1_000;
/** After the program's own end its output is read until none has come for so long, and not for longer than all rounds. */
const quietMs = 200;
const mostRounds = 10;
/** How often is looked whether a background process still runs. */
const lookMs = 1_000;

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

/**
 * Runs a program to its end.
 * @param use makes the result of its standard output; what it throws is the task's failure
 * @throws CommandError
 */
export async function runProgram<T>(
  options: ProgramOptions,
  ctx: TaskContext,
  use: (stdout: ProgramOutput) => T,
): Promise<T> {
  ctx.signal.throwIfAborted();
  const program = new Program(options, ctx);
  try {
    await program.ended();
    const result = use(program.stdout);
    program.leaveRunning();
    return result;
  } catch (error) {
    await program.end(graceMs.failure);
    throw error;
  } finally {
    program.close();
  }
}

class Program {
  readonly stdout: ProgramOutput;
  readonly #stderr: ProgramOutput;
  readonly #options: ProgramOptions;
  readonly #ctx: TaskContext;
  readonly #child: Child;
  readonly #entry: ProgramEntry;
  #ending: Promise<void> | undefined;
  #isLeftRunning = false;
  readonly #abort = (): void => {
    const { reason } = this.#ctx.signal;
    const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
    void this.end(isTimeout ? graceMs.timeout : graceMs.cancel);
  };

  /** @throws CommandError when it cannot be started */
  constructor(options: ProgramOptions, ctx: TaskContext) {
    this.#options = options;
    this.#ctx = ctx;
    this.#entry = newEntry();
    const child = start(options, ctx, this.#entry);
    this.#child = child;
    ctx.signal.addEventListener("abort", this.#abort, { once: true });
    this.stdout = new ProgramOutput(child.stdout, options.keep, writerTo(ctx, "stdout"));
    this.#stderr = new ProgramOutput(child.stderr, false, writerTo(ctx, "stderr"));
  }

  /** Resolves when it has ended well and its output is read. */
  async ended(): Promise<void> {
    const read = Promise.all([this.stdout.end, this.#stderr.end]);
    // Output that is refused ends the wait at once: the program may go on for hours.
    await Promise.race([this.#child.exited, read.then(() => this.#child.exited)]);
    // What it has started says its last words while it is being ended.
    if (this.#ctx.signal.aborted || this.#child.exitCode !== 0) await this.end(graceMs.failure);
    const isRead = await this.#readRest(read);
    this.#ctx.signal.throwIfAborted();
    judge(this.#options.argv, this.#child, this.#stderr.lastLine);
    if (!isRead) this.#stopKeeping();
  }

  /** @returns whether the output has come to its end */
  async #readRest(read: Promise<unknown>): Promise<boolean> {
    const isRead = read.then(() => true);
    for (let round = 0; round < mostRounds; round++) {
      const before = this.#bytesRead;
      if (await Promise.race([isRead, Bun.sleep(quietMs).then(() => false)])) return true;
      // The thread may have been busy all the time, and the timer be due before the pipe was looked at.
      await new Promise<void>((resolve) => systemClock.soon(resolve));
      if (this.#bytesRead === before) return false;
    }
    return false;
  }

  get #bytesRead(): number {
    return this.stdout.bytes + this.#stderr.bytes;
  }

  /** Goes on reading, for a background process without a reader would end at its next line. */
  #stopKeeping(): void {
    this.stdout.discard();
    this.#stderr.discard();
    this.#ctx.log.warn(
      `${shown(this.#options.argv)} has ended, but a background process of it holds its output; what that writes from now on is not kept`,
    );
  }

  /** Ends the whole group, once: SIGTERM, and SIGKILL when that has not ended it in time. */
  end(withinMs: number): Promise<void> {
    this.#ending ??= this.#endGroup(withinMs);
    return this.#ending;
  }

  async #endGroup(withinMs: number): Promise<void> {
    const { pid, exited } = this.#child;
    const isLeaderGone = this.#child.exitCode !== null || this.#child.signalCode !== null;
    if (isLeaderGone && !groupRuns(pid)) return;
    signalGroup(pid, "SIGTERM");
    const wholeGroup = exited.then(() => untilGroupEnds(pid, withinMs));
    if (await Promise.race([wholeGroup, Bun.sleep(withinMs).then(() => false)])) return;
    signalGroup(pid, "SIGKILL");
    await Promise.race([exited, Bun.sleep(killedMs)]);
  }

  /** What it has started in the background may serve later tasks; main ends it with the run. */
  leaveRunning(): void {
    const { pid } = this.#child;
    if (!groupRuns(pid)) return;
    this.#isLeftRunning = true;
    // Once it is gone its number may become another's.
    const timer = systemClock.every(lookMs, () => {
      if (groupRuns(pid)) return;
      systemClock.cancel(timer);
      this.#entry.ended();
    });
    timer.unref();
  }

  close(): void {
    this.#ctx.signal.removeEventListener("abort", this.#abort);
    if (this.#isLeftRunning) return;
    this.stdout.discard();
    this.#stderr.discard();
    this.#entry.ended();
  }
}

/** Whoever ends this thread ends the program too. */
function newEntry(): ProgramEntry {
  const { onProgram } = registry;
  if (onProgram === undefined) throw outsideWorker();
  return onProgram();
}

const outsideWorker = (): Error =>
  new Error("Internal error: a program is started outside a Worker");

function writerTo(ctx: TaskContext, stream: "stdout" | "stderr"): (text: string) => void {
  const { onProgramText } = registry;
  if (onProgramText === undefined) throw outsideWorker();
  return (text) => onProgramText(ctx, stream, text);
}

function start(options: ProgramOptions, ctx: TaskContext, entry: ProgramEntry): Child {
  try {
    const child = spawn(options, ctx);
    entry.started(child.pid);
    return child;
  } catch (thrown) {
    entry.ended();
    throw notStarted(String(options.argv[0]), options.cwd, thrown);
  }
}

function spawn({ argv, cwd, env }: ProgramOptions, ctx: TaskContext): Child {
  return Bun.spawn([...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // A group of its own, so that all it starts ends with it, and that Ctrl-C reaches it once: through pipeloom.
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
}

function notStarted(program: string, cwd: string | undefined, thrown: unknown): CommandError {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown";
  const where = cwd === undefined ? undefined : wrongFolder(cwd);
  const why =
    where ??
    wrongFile(program, cwd, code) ??
    reasons[code] ??
    (thrown instanceof Error ? thrown.message : String(thrown));
  return new CommandError(`cannot start "${program}": ${why}`, code);
}

/** Of a program that is given by its path. */
function wrongFile(program: string, cwd: string | undefined, code: string): string | undefined {
  if (!/[/\\]/.test(program)) return undefined;
  const path = isAbsolute(program) ? program : join(cwd ?? process.cwd(), program);
  const kind = kindOf(path);
  if (kind === "folder") return `${path} is a folder; give the path of a program in it`;
  if (code === "EACCES")
    return `${path} is not executable; make it so (chmod +x), or give it to what runs it, like ["sh", "${program}"]`;
  if (code !== "ENOENT") return undefined;
  return kind === "file"
    ? `what ${path} names in its first line (#!), or as its loader, does not exist`
    : `${path} does not exist; check the path`;
}

function kindOf(path: string): "folder" | "file" | undefined {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch {
    return undefined;
  }
}

/** The system says of a wrong working directory what it says of a wrong program. */
function wrongFolder(cwd: string): string | undefined {
  const kind = kindOf(cwd);
  if (kind === "folder") return undefined;
  return `its cwd "${cwd}" ${kind === "file" ? "is not a directory" : "does not exist"}`;
}

const reasons: Readonly<Record<string, string | undefined>> = {
  ENOENT: "no such program; check its spelling, its path and PATH",
  EACCES: "it is not executable (chmod +x makes it so)",
  ENOEXEC: "it is neither a program for this machine nor a script with a #! line",
  E2BIG: "its arguments and environment are too long for the system; pass them in a file",
};

function judge(argv: readonly string[], child: Child, complaint: string): void {
  const tail = complaint === "" ? "" : `: ${complaint}`;
  if (child.signalCode !== null) {
    const code = String(child.signalCode);
    throw new CommandError(`${shown(argv)} was ended by ${code}${tail}`, code);
  }
  if (child.exitCode === 0) return;
  const code = String(child.exitCode);
  throw new CommandError(`${shown(argv)} exited with code ${code}${tail}`, code);
}

const maxShown = 80;

function shown(argv: readonly string[]): string {
  const [program, flag, script] = argv;
  const line =
    program === "/bin/sh" && flag === "-c" && script !== undefined ? script : argv.join(" ");
  const [first = ""] = line.split("\n", 1);
  return `"${first.length > maxShown || first !== line ? `${first.slice(0, maxShown)}…` : first}"`;
}
