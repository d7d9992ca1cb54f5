// The parts of `pipeloom serve`, put together: files → scheduler → processes, log and webhook.

import { appendFileSync, existsSync, realpathSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import { ownCommand } from "../base/own-command.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { pathOf, shownPath } from "../base/path.ts";
import { thrownText } from "../base/stack.ts";
import { reasonOf } from "../base/system-error.ts";
import { plural } from "../base/text.ts";
import { reapZombies } from "../base/zombie-reaper.ts";
import type { Flags } from "../cli/flag-defs.ts";
import { UsageError } from "../cli/usage-error.ts";
import { controlPath } from "../protocol/control-file.ts";
import { environmentOfChildren, webhookVariable } from "../protocol/server-variables.ts";
import { DefectLog } from "../serve/defect-log.ts";
import { FolderWatch } from "../serve/folder-watch.ts";
import { argumentOf } from "../serve/described.ts";
import { appendToLog, LogWriter } from "../serve/log-writer.ts";
import { scheduleStore } from "../serve/schedule-store.ts";
import { Scheduler } from "../serve/scheduler.ts";
import { logLine } from "../serve/serve-log.ts";
import type { Served, ServedSource } from "../serve/served.ts";
import { ServedFiles, type Target } from "../serve/served-files.ts";
import { startSlot } from "../serve/slot-process.ts";
import { WebhookSender } from "../serve/webhook-sender.ts";
import { backgroundSink } from "../terminal/sinks.ts";
import { describer } from "./describe-files.ts";
import { watchUncaught } from "./uncaught.ts";
import { verbosities, verbosityOf } from "./common-flags.ts";
import { ServeOutput } from "./serve-output.ts";
import { checkUrl, type serveFlags } from "./serve-flags.ts";

type ServeFlags = Flags<typeof serveFlags>;

const longestSilenceMs = 5_000;
/** At the end, for a reader that takes nothing. */
const stallMs = 2_000;
/** To tell the webhook what is still to be told. */
const lastNewsMs = 5_000;

export class Serving implements AsyncDisposable, ServedSource {
  readonly #output = new ServeOutput(backgroundSink(process.stderr.fd, noReader));
  readonly #log: LogWriter;
  readonly #defects: DefectLog;
  readonly #webhook: WebhookSender | undefined;
  readonly #scheduler: Scheduler;
  readonly #files: ServedFiles;
  readonly #watch: FolderWatch;
  readonly #uncaught: Disposable;
  readonly #zombies = reapZombies();
  readonly #targets: readonly Target[];
  /** What the log says of the files: nothing yet, that some are not loaded yet, or all. */
  #said: "nothing" | "some" | "all" = "nothing";

  /** @throws UsageError */
  constructor(targets: readonly Target[], flags: ServeFlags) {
    this.#targets = targets;
    this.#log = logOf(flags, this.#output);
    this.#defects = new DefectLog({
      clock: systemClock,
      say: (text) => this.#log.log("error", text),
    });
    this.#webhook = this.#webhookOf(flags);
    const env = environmentOfChildren(process.env);
    const [own, cores] = [ownCommand(), availableParallelism()];
    this.#scheduler = new Scheduler({
      clock: systemClock,
      store: scheduleStore,
      launch: (launch) => startSlot(own, env, launch),
      cancel: askToEnd,
      tell: (event) => {
        const { level, text } = logLine(event);
        this.#log.log(level, text);
      },
      webhook: this.#webhook,
      onDefect: (thrown) => this.#defects.add(thrownText(thrown)),
      host: hostname(),
      maxRuns: flags.maxRuns,
      maxStarting: cores * 2,
    });
    this.#files = new ServedFiles(targets, {
      clock: systemClock,
      describe: describer(),
      maxChildren: cores,
      onDescribed: ({ file, exportName }, result, since) => {
        this.#scheduler.update(file, result, exportName, since);
        this.#sayWhenKnown();
      },
      onRemoved: ({ file, exportName }) => this.#scheduler.remove(file, exportName),
      watch: (folders) => this.#watch.set(folders),
    });
    this.#watch = new FolderWatch({
      code: () => this.#files.lookSoon(),
      database: () => this.#scheduler.databaseChanged(),
    });
    this.#uncaught = watchUncaught((text) => this.#defects.add(text));
  }

  begin(): void {
    this.#files.look();
    this.#scheduler.look();
    this.#sayWhenKnown();
    // A file may take long to load: the others are served meanwhile.
    systemClock.after(longestSilenceMs, () => this.#sayFirst()).unref();
  }

  /** See `Scheduler.stop`. */
  async stop(): Promise<void> {
    const isFirst = this.served().health !== "stopping";
    const { length } = this.served().pipelines.flatMap(({ running }) => running);
    if (isFirst && length > 0) {
      this.say(`stopping: ${plural(length, "run")} asked to end, for the next serve to continue`);
    }
    this.#files.end();
    await this.#scheduler.stop();
    if (isFirst) this.say("stopped");
  }

  served(): Served {
    return this.#scheduler.served();
  }

  onChange(listener: () => void): () => void {
    return this.#scheduler.onChange(listener);
  }

  /** @param inFile what the log file says instead */
  say(line: string, inFile?: string): void {
    this.#log.log("info", line, inFile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files.end();
    this.#watch[Symbol.dispose]();
    await this.#webhook?.end(lastNewsMs);
    this.#uncaught[Symbol.dispose]();
    this.#zombies?.[Symbol.dispose]();
    await this.#output.written(stallMs);
  }

  #webhookOf({ webhook }: ServeFlags): WebhookSender | undefined {
    const url = webhook ?? webhookInEnvironment();
    const say = (line: string): void => this.#log.log("warn", line);
    return url === undefined ? undefined : new WebhookSender(url, { clock: systemClock, say });
  }

  #sayWhenKnown(): void {
    if (this.#files.counts.open === 0 && this.#said !== "all") this.#say();
  }

  #sayFirst(): void {
    if (this.#said === "nothing") this.#say();
  }

  #say(): void {
    const { files, open } = this.#files.counts;
    const head = this.#said === "some" ? "all files are loaded now: " : "";
    this.#said = open === 0 ? "all" : "some";
    const { pipelines } = this.served();
    const good = pipelines.filter(({ state }) => state.kind === "ok" || state.kind === "paused");
    const shown = this.#targets.map((target) =>
      shownPath(
        target.kind === "folder"
          ? target.path
          : argumentOf(target.named.file, target.named.exportName),
      ),
    );
    const what = `${plural(good.length, "pipeline")} with a schedule`;
    const where = `${plural(files, "file")} in ${[...new Set(shown)].join(", ")}`;
    const rest = open === 0 ? "" : `; ${plural(open, "file")} not loaded yet`;
    this.#log.log(
      good.length === 0 ? "warn" : "info",
      `${head}serving ${what}, of ${where}${rest}`,
    );
  }
}

function logOf({ quiet, verbose, logFile }: ServeFlags, { write }: ServeOutput): LogWriter {
  const file = logFile === undefined ? undefined : pathOf(logFile, process.cwd());
  if (file !== undefined) checkLogFile(file);
  return new LogWriter({
    now: systemClock.wall,
    write,
    colors: paletteOf(colorLevel(process.env, process.stderr.isTTY)),
    file,
    verbosity: verbosities[verbosityOf(quiet, verbose)],
  });
}

/** @throws UsageError for what is no log, and for a file that cannot be appended to */
function checkLogFile(file: string): void {
  const shown = `-l (--log-file): ${shownPath(file)}`;
  if (/\.(?:[cm]?[jt]sx?|db|sqlite3?)(?:-wal|-shm|-journal)?$/.test(file)) {
    throw new UsageError(`${shown} is a pipeline or a database`, "choose another file for the log");
  }
  try {
    appendToLog(file, "");
  } catch (thrown) {
    throw new UsageError(`${shown} cannot be written: ${reasonOf(thrown)}`);
  }
}

/** @throws UsageError for a variable that is no address */
function webhookInEnvironment(): string | undefined {
  const url = process.env[webhookVariable];
  if (url === undefined || url === "") return undefined;
  try {
    checkUrl(url);
    return url;
  } catch (thrown) {
    throw new UsageError(`$${webhookVariable}: ${reasonOf(thrown)}`);
  }
}

/** The runs go on, and the log file has what is said. */
const noReader = (): void => undefined;

/** A run that does not listen is one that ends. */
function askToEnd(db: string, run: number): void {
  try {
    const path = controlPath(realpathSync(db), run);
    if (existsSync(path)) appendFileSync(path, "cancel\n");
  } catch {
    // Its file is gone: it has ended.
  }
}
