// The terminal: events fold into the view at once, and a timer draws it ten times a second.

import type { LogLevel } from "../protocol/status.ts";
import { capture } from "./capture.ts";
import type { Env } from "./color.ts";
import { createPace } from "./eta.ts";
import { frame, inFlight } from "./frame.ts";
import type { Line, Verbosity } from "./narrate.ts";
import { narrate, told } from "./narrate.ts";
import type { OutStream, Write } from "./output.ts";
import type { Look } from "./reporter.ts";
import { createLogger } from "./reporter.ts";
import { createScreen } from "./screen.ts";
import { guardTerminal } from "./signals.ts";
import { summaryLines } from "./summary.ts";
import { visible } from "./text.ts";
import type { Ui } from "./ui.ts";
import { finishedCount, fold, newView } from "./view.ts";

export type Clock = {
  readonly now: () => number;
  /** Calls again and again until the function it returns is called. Does not keep the process alive. */
  readonly every: (ms: number, call: () => void) => () => void;
};

export const systemClock: Clock = {
  now: Date.now,
  every(ms, call) {
    const timer = setInterval(call, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

const frameMs = 100;
/** Lines wait for the next frame; a flood of them does not. */
const maxPendingLines = 2_000;

export type TerminalOptions = {
  readonly verbosity: Verbosity;
  readonly stream: OutStream;
  readonly write: Write;
  readonly look: Look;
  readonly env: Env;
  readonly cwd: string;
  readonly clock: Clock;
};

export function createTerminal(options: TerminalOptions): Ui {
  const { verbosity, look, clock } = options;
  const screen = createScreen(options.stream, options.write, options.env);
  const view = newView();
  const pace = createPace();
  let labelWidth = 0;
  let pending: string[] = [];
  let state: "up" | "suspended" | "closed" = "up";

  const region = (): readonly string[] => {
    const now = clock.now();
    const finished = finishedCount(view);
    const total = view.complete ? view.total : null;
    const made = frame(view, {
      ...screen.size(),
      ...look,
      now,
      labelWidth,
      pace: pace({ now, finished, work: finished + view.partial, total }),
    });
    ({ labelWidth } = made);
    return made.lines;
  };
  const draw = (): void => {
    if (state !== "up") return;
    const above = pending;
    pending = [];
    screen.draw(region(), above);
  };
  const print = (lines: readonly string[]): void => {
    pending.push(...lines);
    if (pending.length >= maxPendingLines) draw();
  };
  const logger = createLogger(look, print);
  const say = (level: LogLevel, text: string): void =>
    logger.line({ at: clock.now(), level, task: null, text });

  const stopTimer = clock.every(frameMs, draw);
  const guard = guardTerminal({
    release() {
      if (state !== "up") return;
      draw();
      screen.release();
      state = "suspended";
    },
    resume() {
      if (state === "suspended") state = "up";
    },
    close: () => close(),
  });
  const output = (line: string): void => print([visible(line)]);
  const uncapture = capture({ stdout: output, stderr: output });

  /** The last frame has no tasks, and `below` stands under it. */
  const end = (below: readonly string[]): void => {
    if (state === "closed") return;
    uncapture();
    view.running.clear();
    view.waiting.clear();
    screen.draw([...region(), ...below], pending);
    screen.leave();
    state = "closed";
    stopTimer();
    guard();
  };
  const close = (): void => {
    if (view.finishedAt === undefined) view.status = "cancelled";
    view.finishedAt ??= clock.now();
    end([]);
  };
  const tell = (line: Line | undefined): void => {
    if (line !== undefined) logger.line(line);
  };
  return {
    events(events) {
      fold(view, events);
      for (const event of events) tell(narrate(event, verbosity));
    },
    log(level, line) {
      if (told(level, verbosity)) say(level, line);
    },
    stopping(signal, urgent) {
      view.stopping = urgent ? "now" : "soon";
      const how = signal === "SIGINT" ? "Ctrl-C" : signal;
      say(
        "warn",
        urgent ? `${how}: stopping now` : `${how}: ${inFlight(view)} may end; once more stops now`,
      );
    },
    finish(summary) {
      view.status = summary.status;
      view.finishedAt = summary.finishedAt;
      end(summaryLines(summary, { colors: look.colors, cwd: options.cwd }));
    },
    close,
  };
}
