// Runs a program for a task (`sh`): its output, its end, and the end of every process that it has started in turn.

import type { TaskContext } from "../../api/context.ts";
import {
  CommandError,
  type KeptOutput,
  type ProgramOptions,
  type RunProgram,
} from "../../api/program.ts";
import { systemClock } from "../../base/clock.ts";
import { Promise } from "../../base/globals.ts";
import { groupRuns, signalGroup, untilGroupEnds } from "../../base/process-group.ts";
import type { ProgramEntry } from "../../protocol/shared/programs.ts";
import type { ProgramReaper } from "./program-reaper.ts";
import { OutputFile } from "./output-file.ts";
import { ProgramOutput } from "./program-output.ts";
import { type Child, startProgram } from "./start-program.ts";

type ProgramDeps = {
  /** Loaded with the first program. */
  reaper(): Promise<ProgramReaper>;
  readonly workerId: number;
  /** Output of a program; its lines become the task's log. */
  write(ctx: TaskContext, stream: "stdout" | "stderr", text: string): void;
  /** CPU time of a program that has ended, with the processes that it has waited for, ms. */
  used(ctx: TaskContext, cpuMs: number): void;
};

/** Time from SIGTERM to SIGKILL. A cancel gives a task 10 s and a timeout 2 s; the end must be recorded within them. */
const graceMs = { cancel: 9_500, timeout: 1_500, failure: 2_000 };
/** SIGKILL ends a process at once, unless it waits in the kernel. */
const killedMs = 1_000;
/** After the program's own end, its output is read until it has been silent for this long, in at most `maxRounds` rounds. */
const quietMs = 200;
const maxRounds = 10;
/** Poll interval for background processes that the program has left. */
const pollMs = 1_000;

export const programRunner =
  (deps: ProgramDeps): RunProgram =>
  async (options, ctx, use) => {
    const reaper = await deps.reaper();
    ctx.signal.throwIfAborted();
    const file = options.file === undefined ? undefined : new OutputFile(options.file, ctx);
    try {
      return await runToEnd(new Program(options, ctx, deps, reaper, file), use);
    } finally {
      file?.drop();
    }
  };

async function runToEnd<Result>(
  program: Program,
  use: (stdout: KeptOutput) => Result,
): Promise<Result> {
  try {
    const result = use(await program.output());
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
  readonly #stdout: ProgramOutput;
  readonly #stderr: ProgramOutput;
  readonly #options: ProgramOptions;
  readonly #ctx: TaskContext;
  readonly #child: Child;
  readonly #file: OutputFile | undefined;
  readonly #entry: ProgramEntry;
  readonly #used: (cpuMs: number) => void;
  #ending: Promise<void> | undefined;
  #isLeftRunning = false;
  readonly #abort = (): void => {
    const { reason } = this.#ctx.signal;
    const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
    void this.end(isTimeout ? graceMs.timeout : graceMs.cancel);
  };

  /** @throws CommandError when the program cannot be started */
  constructor(
    options: ProgramOptions,
    ctx: TaskContext,
    deps: ProgramDeps,
    reaper: ProgramReaper,
    file: OutputFile | undefined,
  ) {
    this.#file = file;
    this.#options = options;
    this.#ctx = ctx;
    this.#used = (cpuMs) => deps.used(ctx, cpuMs);
    this.#entry = reaper.enter(deps.workerId, (line) => ctx.log.warn(line));
    this.#child = start(this.#entry, () =>
      startProgram(options, ctx, reaper.env, file?.descriptor ?? "pipe"),
    );
    const { stdout, stderr } = this.#child;
    ctx.signal.addEventListener("abort", this.#abort, { once: true });
    const stream = stdout instanceof ReadableStream ? stdout : new Blob().stream();
    this.#stdout = new ProgramOutput(stream, options.keep, (text) =>
      deps.write(ctx, "stdout", text),
    );
    this.#stderr = new ProgramOutput(stderr, false, (text) => deps.write(ctx, "stderr", text));
  }

  /** The standard output, once the program has succeeded and its output has been read. */
  async output(): Promise<KeptOutput> {
    const read = Promise.all([this.#stdout.end, this.#stderr.end]);
    // Output that is refused ends the wait at once: the program may run for hours more.
    await Promise.race([this.#child.exited, read.then(() => this.#child.exited)]);
    // Its child processes may still write while they are being ended.
    if (this.#ctx.signal.aborted || this.#child.exitCode !== 0) await this.end(graceMs.failure);
    const isRead = await this.#readRest(read);
    this.#ctx.signal.throwIfAborted();
    assertSuccess(this.#options.argv, this.#child, this.#stderr.lastLine);
    if (!isRead) this.#stopKeeping();
    this.#keepFile();
    return this.#stdout;
  }

  #keepFile(): void {
    if (this.#file === undefined) return;
    this.#file.keep();
    if (!groupRuns(this.#child.pid)) return;
    this.#ctx.log.warn(
      `${shown(this.#options.argv)} has ended, but a process that it left in the background may still write to ${this.#options.file}; let the program wait for it`,
    );
  }

  /** @returns whether both streams have ended */
  async #readRest(read: Promise<unknown>): Promise<boolean> {
    const isRead = read.then(() => true);
    for (let round = 0; round < maxRounds; round++) {
      const before = this.#bytesRead;
      if (await Promise.race([isRead, Bun.sleep(quietMs).then(() => false)])) return true;
      // After a busy stretch of this thread the timer may fire before the pipe is polled.
      await new Promise<void>((resolve) => systemClock.soon(resolve));
      if (this.#bytesRead === before) return false;
    }
    return false;
  }

  get #bytesRead(): number {
    return this.#stdout.bytes + this.#stderr.bytes;
  }

  /** Reading goes on: without a reader, a background process would be ended by SIGPIPE at its next line. */
  #stopKeeping(): void {
    this.#stdout.discard();
    this.#stderr.discard();
    this.#ctx.log.warn(
      `${shown(this.#options.argv)} has ended, but a process that it left in the background holds its output; further output is not kept`,
    );
  }

  /** Ends the whole process group, once: SIGTERM, then SIGKILL if it still runs after `withinMs`. */
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

  /** Background processes may serve later tasks. The main thread ends them with the run. */
  leaveRunning(): void {
    const { pid } = this.#child;
    if (!groupRuns(pid)) return;
    this.#isLeftRunning = true;
    // The entry is removed when the group is gone: the system may then give its id to another process.
    const timer = systemClock.every(pollMs, () => {
      if (groupRuns(pid)) return;
      systemClock.cancel(timer);
      this.#entry.ended();
    });
    timer.unref();
  }

  close(): void {
    const usage = this.#child.resourceUsage();
    if (usage !== undefined) this.#used(Number(usage.cpuTime.total) / 1000);
    this.#ctx.signal.removeEventListener("abort", this.#abort);
    if (this.#isLeftRunning) return;
    this.#stdout.discard();
    this.#stderr.discard();
    this.#entry.ended();
  }
}

function start(entry: ProgramEntry, spawn: () => Child): Child {
  try {
    const child = spawn();
    entry.started(child.pid);
    return child;
  } catch (error) {
    entry.ended();
    throw error;
  }
}

/** @throws CommandError with the last line of stderr */
function assertSuccess(argv: readonly string[], child: Child, lastLine: string): void {
  const tail = lastLine === "" ? "" : `: ${lastLine}`;
  if (child.signalCode !== null) {
    const code = String(child.signalCode);
    throw new CommandError(`${shown(argv)} was ended by ${code}${tail}`, code);
  }
  if (child.exitCode === 0) return;
  const code = String(child.exitCode);
  throw new CommandError(`${shown(argv)} exited with code ${code}${tail}`, code);
}

const maxShownChars = 80;

function shown(argv: readonly string[]): string {
  const [program, flag, script] = argv;
  const line =
    program === "/bin/sh" && flag === "-c" && script !== undefined ? script : argv.join(" ");
  const [first = ""] = line.split("\n", 1);
  const isCut = first.length > maxShownChars || first !== line;
  return `"${isCut ? `${first.slice(0, maxShownChars)}…` : first}"`;
}
