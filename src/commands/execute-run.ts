// What `demo`, `run` and `examples` share: load, check, run, show, and turn the end into an exit code.

import { readFileSync } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { Promise } from "../base/globals.ts";
import { shownPath } from "../base/path.ts";
import { LoadError, providePackage } from "../module/load-module.ts";
import { ParamsError } from "../api/params.ts";
import { PlanError } from "../plan/plan-error.ts";
import {
  loadPipeline,
  type LoadedPipeline,
  prepareRun,
  type RunPipelineOptions,
} from "../run-pipeline.ts";
import { type WarmThreads, warmThreads } from "../executors/threads/warm-threads.ts";
import { Guard } from "../guard/guard.ts";
import { Outputs } from "../guard/outputs.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import { Mask, secretNamesIn } from "../protocol/mask.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { Programs } from "../protocol/shared/programs.ts";
import type { LogLevel } from "../protocol/status.ts";
import { captureLines, captureStreams } from "../base/captured-prints.ts";
import { createUi, type LostOutput, type PacedUi } from "../terminal/create.ts";
import type { OutStream } from "../base/streams.ts";
import { reasonOf } from "../base/system-error.ts";
import { sinkOf } from "../terminal/sinks.ts";
import type { OutputOptions, Verbosity } from "./common-flags.ts";
import { guardExit } from "./exit-guard.ts";
import { InheritedOutput } from "./inherited-output.ts";
import { endLeftChildren } from "./left-children.ts";
import { exitCodeOf, RunSignals } from "./run-signals.ts";
import { watchUncaught } from "./uncaught.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { visibleText } from "../base/text.ts";

const verbosity: Readonly<Record<Verbosity, -1 | 0 | 1 | 2>> = {
  quiet: -1,
  normal: 0,
  verbose: 1,
  debug: 2,
};

/**
 * @param heldPrints what the module has printed and nobody has shown yet, should it end the process
 * @throws UserError when the module cannot be used
 */
export async function loadForCommand(
  module: ModuleRef,
  heldPrints: readonly string[] = [],
): Promise<LoadedPipeline> {
  providePackage(await import("../index.ts"));
  using _ = guardExit((code) => [
    ...heldPrints,
    `error: ${nameOf(module)} called process.exit(${code}) while it was loaded`,
  ]);
  try {
    return await loadPipeline(module);
  } catch (thrown) {
    const error = maskBeforeLoad(module)?.error(thrown) ?? thrown;
    if (error instanceof LoadError) throw new UserError(error.message);
    throw error;
  }
}

/** For a command whose stdout is data: what the module prints goes to stderr. */
export async function withPrintsOnStderr<Result>(work: () => Promise<Result>): Promise<Result> {
  const release = captureStreams({ stdout: (text) => void process.stderr.write(text) });
  try {
    return await work();
  } finally {
    release();
  }
}

const nameOf = (module: ModuleRef): string =>
  module.kind === "file" ? shownPath(module.path) : module.name;

/** @returns the exit code: 0 all done, 1 a task or the run failed, 129, 130 or 143 after a signal */
export async function executeRun(
  module: ModuleRef,
  options: RunPipelineOptions,
  output: OutputOptions,
): Promise<number> {
  using threads = warmThreads(options.workers, options.concurrency);
  const outputs = Outputs.take();
  try {
    return await runShown(module, options, output, threads, outputs);
  } finally {
    outputs?.restore();
  }
}

async function runShown(
  module: ModuleRef,
  options: RunPipelineOptions,
  output: OutputOptions,
  threads: WarmThreads,
  outputs: Outputs | undefined,
): Promise<number> {
  let mask: Mask | undefined;
  const lost: LostOutput[] = [];
  let isOver = false;
  let guard: Guard | undefined;
  // Before the module is loaded: what it prints must not tear the screen, nor get between the events.
  const { stdout, stderr } = outputs ?? process;
  const ui = openUi(
    output,
    stdout,
    stderr,
    (text) => mask?.text(text) ?? text,
    (each) => {
      lost.push(each);
      if (!isOver) ui.log("error", lossNotice(each));
    },
  );
  try {
    const loaded = await loadHeld(module, (level, line) => ui.log(level, line));
    mask = Mask.of(loaded.pipeline.secrets, process.env);
    using _ = watchUncaught((text) => ui.log("error", mask?.text(text) ?? text));
    let ended: "error" | "cancelled" | undefined;
    using exit = guardExit((code) => [
      `error: ${nameOf(module)} called process.exit(${code}) ` +
        (ended === undefined
          ? "while its run was going on; run it again to go on"
          : `when its run had ended (${ended}); \`pipeloom status\` shows what was not done`),
    ]);
    const programs = Programs.create();
    const impatient = Promise.withResolvers<void>();
    using signals = new RunSignals({
      stop(signal, urgent) {
        if (isOver) return impatient.resolve();
        ui.stopping(signal, urgent);
        run.stop(urgent);
      },
      close: () => ui.close(),
      programs,
    });
    const inherited = new InheritedOutput(mask, (level, line) => ui.log(level, line));
    const run = await prepareRun(loaded, options, {
      onEvents(events) {
        guard ??= new Guard(
          {
            signals: [...signals.begin(), "SIGQUIT"],
            programs,
            terminal: stderr.isTTY === true ? (stderr.fd ?? noTerminal) : noTerminal,
            outputs,
            onText: (stream, text) => inherited.write(stream, text),
            onDropped: (bytes) => inherited.dropped(bytes),
          },
          run.mayRunUserCode,
        );
        ui.events(events);
        const last = events.at(-1);
        if (last?.type !== "run-finished") return;
        // From here on an exit, of a hook, leaves nothing undone; yet a run that failed is no success.
        if (last.status === "done") exit[Symbol.dispose]();
        else ended = last.status;
      },
      programs,
      behind: () => ui.behind(),
      onOutput: (level, line) => ui.log(level, line),
      threads,
    });
    const summary = await run.start();
    await endLeftChildren();
    await guard?.release();
    inherited.end();
    ui.finish(summary);
    isOver = true;
    const patienceMs =
      signals.first === undefined ? Number.POSITIVE_INFINITY : patienceAfterSignalMs;
    // A signal that comes while a slow reader is waited for ends the waiting.
    await Promise.race([ui.written(patienceMs), impatient.promise.then(() => ui.written(0))]);
    await tellLost(lost, stderr);
    const { first: signal } = signals;
    if (signal !== undefined) return exitCodeOf(signal);
    return summary.status === "done" && lost.length === 0 ? 0 : 1;
  } catch (error) {
    await guard?.release();
    ui.close();
    isOver = true;
    await ui.written(patienceAfterSignalMs);
    await tellLost(lost, stderr);
    throw explained(mask?.error(error) ?? error);
  }
}

const noTerminal = -1;

/** A reader that takes nothing for so long is not waited for by a run that was told to end, or that failed. */
const patienceAfterSignalMs = 2_000;

const lossNotice = ({ what, error }: LostOutput): string =>
  `cannot write ${what}: ${reasonOf(error)}; what comes from here on is lost there, and the run goes on`;

/** Once more below the summary: the notice may be far above. */
async function tellLost(lost: readonly LostOutput[], stderr: OutStream): Promise<void> {
  // Nobody may read this either.
  const sink = sinkOf(stderr, () => {});
  for (const { what, error } of lost) {
    const text = `incomplete: ${what}: ${reasonOf(error)}; what the run has done is in the database`;
    sink.write(`error: ${visibleText(text)}\n`);
  }
  await sink.written(patienceAfterSignalMs);
}

/** What the module prints while it loads is told when it is known which of it is secret. */
async function loadHeld(
  module: ModuleRef,
  tell: (level: LogLevel, line: string) => void,
): Promise<LoadedPipeline> {
  const lines: string[] = [];
  const hold = (line: string): void => void lines.push(line);
  const uncaught: string[] = [];
  using _ = watchUncaught((text) => void uncaught.push(text));
  const release = captureLines(hold);
  let mask: Mask | undefined;
  const notice = systemClock.after(slowLoadMs, () => tell("warn", stillLoading(module)));
  try {
    const loaded = await loadForCommand(module, lines);
    mask = Mask.of(loaded.pipeline.secrets, process.env);
    return loaded;
  } catch (error) {
    mask = maskBeforeLoad(module);
    throw error;
  } finally {
    systemClock.cancel(notice);
    release();
    for (const line of lines) tell("info", mask?.text(line) ?? line);
    for (const text of uncaught) tell("error", mask?.text(text) ?? text);
  }
}

/** Of a module that cannot be loaded nobody has said what its secrets are, but it stands in its text. */
function maskBeforeLoad(module: ModuleRef): Mask | undefined {
  if (module.kind !== "file") return undefined;
  try {
    return Mask.of(secretNamesIn(readFileSync(module.path, "utf8")), process.env);
  } catch {
    // Then that is why it could not be loaded.
    return undefined;
  }
}

/** A module that waits for something at its top level says nothing by itself: its prints are held. */
const slowLoadMs = 10_000;

const stillLoading = (module: ModuleRef): string =>
  `${nameOf(module)} is still loading after ${slowLoadMs / 1000} s; does it await something at its top level?`;

function openUi(
  output: OutputOptions,
  stdout: OutStream,
  stderr: OutStream,
  mask: (text: string) => string,
  onLost: (output: LostOutput) => void,
): PacedUi {
  try {
    return createUi({
      verbosity: verbosity[output.verbosity],
      json: output.json,
      logFile: output.logFile,
      stdout,
      stderr,
      env: process.env,
      isTty: stderr.isTTY === true,
      mask,
      again: output.again,
      onLost,
    });
  } catch (error) {
    throw new UserError(toFailure(error).message);
  }
}

/** What a person can mend, said without a stack; anything else is a bug and stays what it is. */
function explained(error: unknown): unknown {
  if (error instanceof ParamsError) return new UsageError(error.message);
  if (error instanceof PlanError || error instanceof LoadError) return new UserError(error.message);
  if (isExpected(error)) return new UserError(error.message);
  return error;
}

/** The writer's refusals arrive as data: their class stayed in its thread. */
const isExpected = (error: unknown): error is Failure & Error =>
  error instanceof Error && ["StoreError", "SchemaError", "LoadError"].includes(error.name);
