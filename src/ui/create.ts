// Picks what draws: the terminal or plain lines, and beside it `--json` and the log file.

import { capture } from "./capture.ts";
import { colorLevel, paletteOf } from "./color.ts";
import type { Env } from "./color.ts";
import { glyphsFor } from "./glyphs.ts";
import { createJson } from "./json.ts";
import { createLogFile } from "./log-file.ts";
import type { Verbosity } from "./narrate.ts";
import type { OutStream } from "./output.ts";
import { untilClosed, writerOf } from "./output.ts";
import { createPlain } from "./plain.ts";
import type { Clock } from "./terminal.ts";
import { createTerminal, systemClock } from "./terminal.ts";
import { visible } from "./text.ts";
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
  /** Tests hold the time with it. */
  readonly clock?: Clock;
  /** Hides secrets in what the main thread prints. What tasks print comes masked. */
  readonly mask?: (text: string) => string;
  /** Called once when `--json` has no reader any more (`| head -1`). The run need not care. */
  readonly onStdoutClosed?: () => void;
};

/** @throws Error when the log file cannot be opened */
export function createUi(options: UiOptions): Ui {
  const { json, logFile, clock = systemClock, mask = (text: string) => text } = options;
  const file = logFile === undefined ? undefined : createLogFile(logFile, clock.now);
  const printed = (line: string): string => {
    const masked = mask(line);
    file?.log("info", masked);
    return visible(masked);
  };
  const parts: Ui[] = [
    ...(file === undefined ? [] : [file]),
    createScreenUi(options, clock, printed),
    ...(json ? [createJson(untilClosed(writerOf(options.stdout), options.onStdoutClosed))] : []),
  ];
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : all(parts);
}

/** @param printed what to show of a line that the main thread has printed */
function createScreenUi(options: UiOptions, clock: Clock, printed: (line: string) => string): Ui {
  const { verbosity, stderr, env, isTty } = options;
  const look = { colors: paletteOf(colorLevel(env, isTty)), glyphs: glyphsFor(env) };
  const cwd = options.cwd ?? process.cwd();
  const write = untilClosed(writerOf(stderr));
  const common = { verbosity, write, look, env, cwd };
  if (wantsScreen(options)) return createTerminal({ ...common, stream: stderr, clock, printed });
  const line = (text: string): void => write(`${printed(text)}\n`);
  return withPrints(createPlain({ ...common, now: clock.now }), line);
}

/** What the main thread prints is told as the rest is, on stderr: stdout is for data. */
function withPrints(ui: Ui, line: (text: string) => void): Ui {
  const uncapture = capture({ stdout: line, stderr: line });
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
