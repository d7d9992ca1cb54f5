// What `demo`, `run` and `examples` share: load a pipeline, run it, show it, and turn its end into an exit code.

import type { RunPipelineOptions } from "../api/run-pipeline-options.ts";
import { toFailure } from "../base/failure.ts";
import { Promise } from "../base/globals.ts";
import { checkThreadLimits } from "../base/limits.ts";
import { pathOf, startFolder } from "../base/path.ts";
import type { OutStream } from "../base/streams.ts";
import { UserError } from "../cli/user-error.ts";
import { earlyWorkers, type WarmThreads, warmThreads } from "../executors/threads/warm-threads.ts";
import type { Run } from "../engine/run.ts";
import { Watchdog, type WatchdogOptions } from "../watchdog/watchdog.ts";
import { RedirectedOutputs } from "../watchdog/redirected-outputs.ts";
import { Mask } from "../protocol/mask.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import type { RunEvent } from "../protocol/events.ts";
import type { Trigger } from "../protocol/run-request.ts";
import { takeEngineSecrets } from "../protocol/engine-secrets.ts";
import { triggerVariable } from "../protocol/page-variables.ts";
import { Programs } from "../protocol/shared/programs.ts";
import type { LogLevel } from "../protocol/status.ts";
import { chooseDatabase, type LoadedPipeline, prepareRun } from "../run-pipeline.ts";
import { defaultDb } from "../store/choose-database.ts";
import { createUi, type LostOutput, type PacedUi, type UiOptions } from "../terminal/create-ui.ts";
import type { Epilogue } from "../terminal/summary-text.ts";
import type { StopSignal } from "../terminal/ui.ts";
import { type OutputOptions, verbosities } from "./common-flags.ts";
import { explained } from "./explain-error.ts";
import { onUnexpectedExit } from "./unexpected-exit.ts";
import { InheritedOutput } from "./inherited-output.ts";
import { endLeftChildren } from "./left-children.ts";
import { loadHoldingPrints, nameOf } from "./load-for-command.ts";
import { checkLogTarget } from "./log-target.ts";
import { lossNotice, repeatLosses } from "./lost-outputs.ts";
import { exitCodeOf, RunSignals } from "./run-signals.ts";
import { takeVariable } from "./take-variable.ts";
import { watchUncaught } from "./uncaught.ts";

/** @returns the exit code: 0 all done, 1 a task or the run failed, 129, 130 or 143 after a signal */
export async function executeRun(
  module: ModuleRef,
  options: RunPipelineOptions,
  output: OutputOptions,
): Promise<number> {
  // Before there are threads: each has a copy of the environment.
  const trigger = triggerOf(takeVariable(triggerVariable));
  const from = startFolder() ?? process.cwd();
  checkLogTarget(output.logFile, module, options.db ?? defaultDb, from);
  if (options.engine !== undefined) takeEngineSecrets();
  // The tasks of an engine run elsewhere.
  const workers = options.engine === undefined ? options.workers : 0;
  const warning = checkThreadLimits(workers ?? earlyWorkers());
  // Before the display is opened: the runtime may end while it starts.
  if (warning !== undefined) process.stderr.write(`warning: ${warning}\n`);
  using threads = warmThreads(workers, options.concurrency);
  const outputs = RedirectedOutputs.take();
  try {
    const shown =
      options.storeTaskStatus === false ? { epilogue: nothingStored, ...output } : output;
    return await new CommandRun(module, shown, outputs).execute(options, threads, trigger);
  } finally {
    outputs?.restore();
  }
}

/** Who has started this process, as it tells it. */
const triggerOf = (told: string | undefined): Trigger =>
  told === "page" || told === "schedule" || told === "backfill" ? told : "cli";

/** Without pipeloom's tables, no command finds the run. */
const nothingStored = (): Epilogue => ({ results: [], commands: [] });

/** After a signal or a failure: how long to wait for a reader that takes nothing. */
const stallMs = 2_000;

const noTerminal = -1;

class CommandRun {
  readonly #module: ModuleRef;
  readonly #logFile: string | undefined;
  readonly #outputs: RedirectedOutputs | undefined;
  readonly #stderr: OutStream;
  readonly #ui: PacedUi;
  readonly #onEvents: OutputOptions["onEvents"];
  readonly #againAnywhere: OutputOptions["againAnywhere"];
  readonly #pagePid: OutputOptions["pagePid"];
  readonly #lost: LostOutput[] = [];
  /** Resolves at a signal after the run's end: stop waiting for slow readers. */
  readonly #impatient = Promise.withResolvers<void>();
  /** Undefined until the module has declared its secrets, and when it has none. */
  #mask: Mask | undefined;
  /** Starts with the run's first events. */
  #watchdog: Watchdog | undefined;
  /** How the run failed; a hook may still be running then. */
  #failed: "error" | "cancelled" | undefined;
  #isOver = false;
  /** Undefined while the pipeline is loaded. */
  #ran: Run | undefined;

  /** Opens the UI before the module is loaded: prints of the module must not tear the screen or mix with events. */
  constructor(module: ModuleRef, output: OutputOptions, outputs: RedirectedOutputs | undefined) {
    const { stdout, stderr } = outputs ?? process;
    this.#module = module;
    this.#logFile = output.logFile;
    this.#outputs = outputs;
    this.#onEvents = output.onEvents;
    this.#againAnywhere = output.againAnywhere;
    this.#pagePid = output.pagePid;
    this.#stderr = stderr;
    this.#ui = openUi(output, stdout, stderr, {
      mask: this.#masked,
      learned: () => this.#ran?.remainingMs,
      onLost: (lost) => this.#onLost(lost),
    });
  }

  /** @throws UserError, UsageError */
  async execute(
    options: RunPipelineOptions,
    threads: WarmThreads,
    trigger: Trigger,
  ): Promise<number> {
    try {
      const loaded = await loadHoldingPrints(this.#module, this.#log);
      this.#mask = Mask.of(loaded.pipeline.secrets, process.env);
      const { path, notice } = await chooseDatabase(loaded, options.db);
      checkLogTarget(this.#logFile, this.#module, path, loaded.from);
      if (notice !== undefined) this.#log("warn", notice);
      return await this.#run(loaded, { ...options, db: path }, threads, trigger);
    } catch (error) {
      await this.#watchdog?.release();
      this.#ui.close();
      this.#isOver = true;
      await this.#ui.written(stallMs);
      await repeatLosses(this.#lost, this.#stderr, stallMs);
      throw explained(this.#mask?.error(error) ?? error, this.#module);
    }
  }

  async #run(
    loaded: LoadedPipeline,
    options: RunPipelineOptions,
    threads: WarmThreads,
    trigger: Trigger,
  ): Promise<number> {
    using _ = watchUncaught((text) => this.#log("error", this.#masked(text)));
    using exit = onUnexpectedExit((code) => [this.#exitNotice(code)]);
    const programs = Programs.create();
    using reaper = programs.reaper;
    using signals = new RunSignals({
      stop: (signal, urgent) => this.#stop(signal, urgent, (now) => run.stop(now)),
      close: () => this.#ui.close(),
      programs,
    });
    const inherited = new InheritedOutput(this.#mask, this.#log);
    const run = await prepareRun(loaded, options, {
      onEvents: (events) => {
        this.#watchdog ??= new Watchdog(
          this.#watchdogOptions(signals, programs, inherited),
          run.mayRunUserCode,
        );
        this.#show(events, exit);
      },
      programs,
      trigger,
      again: this.#againAnywhere,
      behind: () => this.#ui.behind(),
      onOutput: this.#log,
      threads,
    });
    this.#ran = run;
    const summary = await run.start();
    await endLeftChildren(programs, this.#pagePid?.());
    reaper.tell("=");
    await this.#watchdog?.release();
    inherited.end();
    this.#ui.finish(summary);
    await this.#waitForReaders(signals);
    const { first: signal } = signals;
    if (signal !== undefined) return exitCodeOf(signal);
    return summary.status === "done" && this.#lost.length === 0 ? 0 : 1;
  }

  #show(events: readonly RunEvent[], exit: Disposable): void {
    this.#onEvents?.(events);
    this.#ui.events(events);
    const last = events.at(-1);
    if (last?.type !== "run-finished") return;
    // From here on only hooks run. An exit is harmless after success, and no success after a failure.
    if (last.status === "done") exit[Symbol.dispose]();
    else this.#failed = last.status;
  }

  #stop(signal: StopSignal, urgent: boolean, stopRun: (urgent: boolean) => void): void {
    if (this.#isOver) return this.#impatient.resolve();
    this.#ui.stopping(signal, urgent);
    stopRun(urgent);
  }

  #watchdogOptions(
    signals: RunSignals,
    programs: Programs,
    inherited: InheritedOutput,
  ): WatchdogOptions {
    const { isTTY, fd } = this.#stderr;
    return {
      signals: [...signals.begin(), "SIGQUIT"],
      programs,
      terminal: isTTY === true ? (fd ?? noTerminal) : noTerminal,
      outputs: this.#outputs,
      onText: (stream, text) => inherited.write(stream, text),
      onDropped: (bytes) => inherited.dropped(bytes),
    };
  }

  async #waitForReaders({ first }: RunSignals): Promise<void> {
    this.#isOver = true;
    const ui = this.#ui;
    await Promise.race([
      ui.written(first === undefined ? Number.POSITIVE_INFINITY : stallMs),
      this.#impatient.promise.then(() => ui.written(0)),
    ]);
    await repeatLosses(this.#lost, this.#stderr, stallMs);
  }

  #onLost(lost: LostOutput): void {
    this.#lost.push(lost);
    if (!this.#isOver) this.#log("error", lossNotice(lost));
  }

  #exitNotice(code: number): string {
    const called = `error: ${nameOf(this.#module)} called process.exit(${code})`;
    return this.#failed === undefined
      ? `${called} during its run; run it again to continue`
      : `${called} after its run had ended (${this.#failed}); \`pipeloom status\` shows the unfinished tasks`;
  }

  readonly #log = (level: LogLevel, line: string): void => this.#ui.log(level, line);

  readonly #masked = (text: string): string => this.#mask?.text(text) ?? text;
}

function openUi(
  { verbosity, json, logFile, again, epilogue }: OutputOptions,
  stdout: OutStream,
  stderr: OutStream,
  calls: Required<Pick<UiOptions, "mask" | "learned" | "onLost">>,
): PacedUi {
  const cwd = startFolder() ?? process.cwd();
  try {
    return createUi({
      verbosity: verbosities[verbosity],
      json,
      logFile: logFile === undefined ? undefined : pathOf(logFile, cwd),
      cwd,
      stdout,
      stderr,
      env: process.env,
      isTty: stderr.isTTY === true,
      again,
      epilogue,
      ...calls,
    });
  } catch (error) {
    throw new UserError(toFailure(error).message);
  }
}
