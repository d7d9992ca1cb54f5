// Picks how a run is shown: on the terminal or as plain lines, and besides as `--json` events and in a log file.

import { Promise } from "../base/globals.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { colorLevel, type Env, paletteOf } from "../base/palette.ts";
import { shownPath } from "../base/path.ts";
import { type OutStream, writerOf } from "../base/streams.ts";
import type { Verbosity } from "./event-formatter.ts";
import { glyphsFor } from "./glyphs.ts";
import { jsonUi } from "./json-events.ts";
import { LogFile } from "./log-file.ts";
import { Plain } from "./plain.ts";
import type { OnLost, Sink } from "./sinks.ts";
import { sinkOf, untilLost } from "./sinks.ts";
import type { Epilogue } from "./summary-text.ts";
import type { UiClock } from "./terminal.ts";
import { Terminal, wallClock } from "./terminal.ts";
import type { Ui } from "./ui.ts";
import type { Noun } from "./view.ts";

export type UiOptions = {
  readonly verbosity: Verbosity;
  /** One committed event a line on stdout, and nothing else on it. */
  readonly json: boolean;
  readonly logFile: string | undefined;
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly env: Env;
  /** Whether stderr is a terminal; the screen is drawn there. */
  readonly isTty: boolean;
  /** What the rows are. Default: tasks. */
  readonly noun?: Noun;
  /** Paths below this folder are shown relative to it. Default: the working directory. */
  readonly cwd?: string;
  /** See `SummaryOptions`; secrets are masked in it. */
  readonly again?: readonly string[] | undefined;
  /** Called at the run's end. Undefined: the usual commands. */
  readonly epilogue?: ((summary: RunSummary) => Epilogue | undefined) | undefined;
  /** The remaining time of the run in ms, as earlier runs say; undefined where they say nothing. Default: the recent rate. */
  readonly learned?: () => number | undefined;
  /** Tests control the time with it. */
  readonly clock?: UiClock;
  /** Masks secrets in what user code prints in the main thread. Output of tasks arrives masked. */
  readonly mask?: (text: string) => string;
  /** Called once for each output that can no longer be written. A reader that has left (`| head -1`) is no loss. */
  readonly onLost?: (output: LostOutput) => void;
};

export type LostOutput = {
  /** `the events on stdout` */
  readonly what: string;
  readonly error: unknown;
};

/** A Ui whose readers may be slow: a pipe takes text only when somebody reads. */
export type PacedUi = Ui & {
  /** A promise while a reader is behind; whoever makes events waits for it. */
  behind(): Promise<void> | undefined;
  /** After `finish` or `close`: resolves when everything is written or lost. See `Sink`. */
  written(stallMs: number): Promise<void>;
};

/** @throws Error when the log file cannot be opened */
export function createUi(options: UiOptions): PacedUi {
  const { json, logFile, stdout, clock = wallClock, mask = (text: string) => text } = options;
  const lost = (what: string): OnLost => {
    return (error) => options.onLost?.({ what, error });
  };
  const file =
    logFile === undefined
      ? undefined
      : new LogFile(logFile, clock.now, lost(`the log file ${shownPath(logFile)}`));
  const printed = (line: string): string => {
    const masked = mask(line);
    file?.log("info", masked);
    return masked;
  };
  const events = json ? sinkOf(stdout, lost("the events on stdout")) : undefined;
  const screen = createScreenUi(options, clock, printed, lost("the messages on stderr"));
  const parts: Ui[] = [
    ...(file === undefined ? [] : [file]),
    screen.ui,
    ...(events === undefined ? [] : [jsonUi(events.write)]),
  ];
  const sinks = [screen.sink, events].filter((sink) => sink !== undefined);
  return { ...all(parts), ...paceOf(sinks) };
}

function paceOf(sinks: readonly Sink[]): Pick<PacedUi, "behind" | "written"> {
  return {
    behind() {
      if (!sinks.some((sink) => sink.behind() !== undefined)) return undefined;
      const waits = sinks.map((sink) => sink.behind()).filter((wait) => wait !== undefined);
      return Promise.all(waits).then(() => undefined);
    },
    async written(stallMs) {
      await Promise.all(sinks.map((sink) => sink.written(stallMs)));
    },
  };
}

/** `sink`: where plain lines go. The terminal is written at once and has none. */
type ScreenUi = { readonly ui: Ui; readonly sink: Sink | undefined };

/** @param printed masks a line that user code has printed in the main thread */
function createScreenUi(
  options: UiOptions,
  clock: UiClock,
  printed: (line: string) => string,
  onLost: OnLost,
): ScreenUi {
  const { verbosity, stderr, env, isTty } = options;
  const look = { colors: paletteOf(colorLevel(env, isTty)), glyphs: glyphsFor(env) };
  const cwd = options.cwd ?? process.cwd();
  const mask = options.mask ?? ((text: string) => text);
  const again = (): readonly string[] | undefined => options.again?.map(mask);
  const { noun, learned, epilogue = () => undefined } = options;
  const common = { verbosity, noun, look, env, cwd, again, epilogue, printed, learned };
  if (wantsScreen(options)) {
    // A closed terminal is no loss.
    const write = untilLost(writerOf(stderr), () => {});
    return { ui: new Terminal({ ...common, write, stream: stderr, clock }), sink: undefined };
  }
  const sink = sinkOf(stderr, onLost);
  return { ui: new Plain({ ...common, write: sink.write, now: clock.now }), sink };
}

/** With `--json` on the same terminal, the lines on stdout and the regions would overwrite each other. */
function wantsScreen({ verbosity, isTty, env, json, stdout }: UiOptions): boolean {
  if (verbosity < 0 || !canDraw(env, isTty)) return false;
  return !(json && stdout.isTTY === true);
}

/** Whether a stream is a terminal on which a region can be drawn again and again. */
export const canDraw = (env: Env, isTty: boolean): boolean =>
  isTty && env["TERM"] !== "dumb" && !isCi(env);

const isCi = ({ CI: ci }: Env): boolean =>
  ci !== undefined && ci !== "" && ci !== "false" && ci !== "0";

function all(parts: readonly Ui[]): Ui {
  const each = (call: (ui: Ui) => void): void => parts.forEach(call);
  return {
    events: (events) => each((ui) => ui.events(events)),
    attached: (run) => each((ui) => ui.attached(run)),
    followed: (run) => each((ui) => ui.followed(run)),
    log: (level, line) => each((ui) => ui.log(level, line)),
    stopping: (signal, urgent) => each((ui) => ui.stopping(signal, urgent)),
    finish: (summary) => each((ui) => ui.finish(summary)),
    close: (status) => each((ui) => ui.close(status)),
  };
}
