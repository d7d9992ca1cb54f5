// Picks what draws: the terminal or plain lines, and beside it `--json` and the log file.

import { Promise } from "../base/globals.ts";
import { captureLines } from "../base/captured-prints.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import type { Env } from "../base/palette.ts";
import { glyphsFor } from "./glyphs.ts";
import { createJson } from "./json-events.ts";
import { createLogFile } from "./log-file.ts";
import type { Verbosity } from "./event-formatter.ts";
import { type OutStream, writerOf } from "../base/streams.ts";
import type { OnLost, Sink } from "./sinks.ts";
import { sinkOf, untilLost } from "./sinks.ts";
import { createPlain } from "./plain.ts";
import type { Clock } from "./terminal.ts";
import { createTerminal, wallClock } from "./terminal.ts";
import { visible } from "../base/text.ts";
import type { Ui } from "./ui.ts";

export type UiOptions = {
  readonly verbosity: Verbosity;
  /** One committed event a line on stdout, and nothing else on it. */
  readonly json: boolean;
  readonly logFile: string | undefined;
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly env: Env;
  /** Whether stderr, where the screen is, is a terminal. */
  readonly isTty: boolean;
  /** Paths below it are shown relative; default: the working directory. */
  readonly cwd?: string;
  /** See `SummaryOptions`; secrets are hidden in it. */
  readonly again?: readonly string[] | undefined;
  /** Tests hold the time with it. */
  readonly clock?: Clock;
  /** Hides secrets in what the main thread prints. What tasks print comes masked. */
  readonly mask?: (text: string) => string;
  /** Called once for each output that cannot be written any more. A reader that left (`| head -1`) is no loss. */
  readonly onLost?: (output: LostOutput) => void;
};

export type LostOutput = {
  /** `the events on stdout` */
  readonly what: string;
  readonly error: unknown;
};

/** A Ui whose readers may be slow: a pipe takes what is written when somebody reads it. */
export type PacedUi = Ui & {
  /** A promise while a reader is behind; whoever makes events waits for it. */
  behind(): Promise<void> | undefined;
  /** After `finish` or `close`: resolves when all is written or lost. See `Sink`. */
  written(patienceMs: number): Promise<void>;
};

/** @throws Error when the log file cannot be opened */
export function createUi(options: UiOptions): PacedUi {
  const { json, logFile, clock = wallClock, mask = (text: string) => text } = options;
  const lost = (what: string): OnLost => {
    return (error) => options.onLost?.({ what, error });
  };
  const file =
    logFile === undefined
      ? undefined
      : createLogFile(logFile, clock.now, lost(`the log file ${logFile}`));
  const printed = (line: string): string => {
    const masked = mask(line);
    file?.log("info", masked);
    return visible(masked);
  };
  const events = json ? sinkOf(options.stdout, lost("the events on stdout")) : undefined;
  const screen = createScreenUi(options, clock, printed, lost("the messages on stderr"));
  const parts: Ui[] = [
    ...(file === undefined ? [] : [file]),
    screen.ui,
    ...(events === undefined ? [] : [createJson(events.write)]),
  ];
  const sinks = [screen.sink, events].filter((sink) => sink !== undefined);
  return { ...all(parts), ...paceOf(sinks) };
}

function paceOf(sinks: readonly Sink[]): Pick<PacedUi, "behind" | "written"> {
  return {
    behind() {
      const waits = sinks.map((sink) => sink.behind()).filter((wait) => wait !== undefined);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
    },
    async written(patienceMs) {
      await Promise.all(sinks.map((sink) => sink.written(patienceMs)));
    },
  };
}

/** `sink`: where plain lines go. The regions of a terminal are written at once. */
type ScreenUi = { readonly ui: Ui; readonly sink: Sink | undefined };

/** @param printed what to show of a line that the main thread has printed */
function createScreenUi(
  options: UiOptions,
  clock: Clock,
  printed: (line: string) => string,
  onLost: OnLost,
): ScreenUi {
  const { verbosity, stderr, env, isTty } = options;
  const look = { colors: paletteOf(colorLevel(env, isTty)), glyphs: glyphsFor(env) };
  const cwd = options.cwd ?? process.cwd();
  const mask = options.mask ?? ((text: string) => text);
  const again = (): readonly string[] | undefined => options.again?.map(mask);
  const common = { verbosity, look, env, cwd, again };
  if (wantsScreen(options)) {
    // A terminal that is gone is no loss.
    const write = untilLost(writerOf(stderr), () => {});
    return {
      ui: createTerminal({ ...common, write, stream: stderr, clock, printed }),
      sink: undefined,
    };
  }
  const sink = sinkOf(stderr, onLost);
  const { write } = sink;
  const line = (text: string): void => write(`${printed(text)}\n`);
  return { ui: withPrints(createPlain({ ...common, write, now: clock.now }), line), sink };
}

/** What the main thread prints is told as the rest is, on stderr: stdout is for data. */
function withPrints(ui: Ui, line: (text: string) => void): Ui {
  const uncapture = captureLines(line);
  return {
    ...ui,
    finish(summary) {
      uncapture();
      ui.finish(summary);
    },
    close() {
      uncapture();
      ui.close();
    },
  };
}

/** With `--json` on the same terminal the lines of stdout and the regions would tear each other. */
function wantsScreen({ verbosity, isTty, env, json, stdout }: UiOptions): boolean {
  if (!isTty || verbosity < 0 || env["TERM"] === "dumb" || isCi(env)) return false;
  return !(json && stdout.isTTY === true);
}

const isCi = ({ CI: ci }: Env): boolean =>
  ci !== undefined && ci !== "" && ci !== "false" && ci !== "0";

function all(parts: readonly Ui[]): Ui {
  const each = (call: (ui: Ui) => void): void => parts.forEach(call);
  return {
    events: (events) => each((ui) => ui.events(events)),
    log: (level, line) => each((ui) => ui.log(level, line)),
    stopping: (signal, urgent) => each((ui) => ui.stopping(signal, urgent)),
    finish: (summary) => each((ui) => ui.finish(summary)),
    close: () => each((ui) => ui.close()),
  };
}
