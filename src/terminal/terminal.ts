// The terminal: events fold into the view at once, and a timer draws it ten times a second, or five when it is tall.

import { systemClock } from "../base/clock.ts";
import { captureLines } from "../base/captured-prints.ts";
import type { Env } from "../base/palette.ts";
import { createPace } from "./eta.ts";
import { isForeground } from "./foreground.ts";
import { frame, inFlight } from "./frame.ts";
import type { Verbosity } from "./event-formatter.ts";
import type { OutStream, Write } from "../base/streams.ts";
import type { Look } from "./log-lines.ts";
import { createLogger } from "./log-lines.ts";
import { createScreen } from "./screen.ts";
import { guardExit, guardSignals } from "./terminal-signals.ts";
import { summaryLines } from "./summary-text.ts";
import { createTeller } from "./run-log.ts";
import type { Ui } from "./ui.ts";
import { finishedCount, fold, labelOf, newView } from "./view.ts";

export type Clock = {
  readonly now: () => number;
  /** Calls again and again until the function it returns is called. Does not keep the process alive. */
  readonly every: (ms: number, call: () => void) => () => void;
};

export const wallClock: Clock = {
  now: systemClock.wall,
  every(ms, call) {
    const timer = systemClock.every(ms, call);
    timer.unref();
    return () => systemClock.cancel(timer);
  },
};

const frameMs = 100;
/** A taller region is drawn every second time: nobody follows so many rows at once, and each costs its share of a core. */
const maxRowsAtFullRate = 24;
/** Lines wait for the next frame; a flood of them does not. */
const maxPendingLines = 2_000;
const maxFailureLines = 1_000;

export type TerminalOptions = {
  readonly verbosity: Verbosity;
  readonly stream: OutStream;
  readonly write: Write;
  readonly look: Look;
  readonly env: Env;
  readonly cwd: string;
  /** See `SummaryOptions`; asked for at the end, when the secrets to hide are known. */
  readonly again: () => readonly string[] | undefined;
  readonly clock: Clock;
  /** What to show of a line that the main thread has printed. */
  readonly printed: (line: string) => string;
};

type State = "up" | "stopped" | "background" | "closed";

export function createTerminal(options: TerminalOptions): Ui {
  const { verbosity, look, clock } = options;
  const screen = createScreen(options.stream, options.write, options.env);
  const view = newView();
  const pace = createPace();
  let labelWidth = 0;
  let rows = 0;
  let pending: string[] = [];
  // Started with `&`, it waits for the foreground as it does after `bg`.
  let state: State = options.stream.fd === undefined || isForeground() ? "up" : "background";

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
    rows = made.lines.length;
    return made.lines;
  };
  let skippedLast = false;
  const tick = (): void => {
    skippedLast = rows > maxRowsAtFullRate && pending.length === 0 && !skippedLast;
    if (!skippedLast) draw();
  };
  const draw = (): void => {
    if (state === "background" && isForeground()) state = "up";
    if (state !== "up" && state !== "background") return;
    const above = pending;
    pending = [];
    screen.draw(state === "up" ? region() : [], above);
  };
  const print = (lines: readonly string[]): void => {
    pending.push(...lines);
    if (pending.length >= maxPendingLines) draw();
  };
  const teller = createTeller({
    verbosity,
    now: clock.now,
    cwd: options.cwd,
    logger: createLogger(look, ({ name, id }) => labelOf(view, name, id), print),
    maxFailures: maxFailureLines,
  });

  const stopTimer = clock.every(frameMs, tick);
  const unguardExit = guardExit(() => close());
  let unguardSignals: (() => void) | undefined;
  /** The first region is about to be drawn, which hides the cursor. */
  const guard = (): (() => void) =>
    guardSignals({
      release() {
        if (state === "closed") return;
        draw();
        screen.release();
        state = "stopped";
      },
      resume() {
        if (state === "stopped") state = "background";
      },
      close: () => close(),
    });
  const uncapture = captureLines((line) => print([options.printed(line)]));

  /** The last frame has no tasks, and `below` is under it. Both are for good, so that long lines may wrap. */
  const end = (below: readonly string[]): void => {
    if (state === "closed") return;
    uncapture();
    view.running.clear();
    view.waiting.clear();
    screen.draw([], [...pending, ...region(), ...below]);
    screen.leave();
    state = "closed";
    stopTimer();
    unguardExit();
    unguardSignals?.();
  };
  const close = (): void => {
    if (view.finishedAt === undefined) view.status = "cancelled";
    view.finishedAt ??= clock.now();
    end([]);
  };
  return {
    events(events) {
      fold(view, events);
      if (view.startedAt !== undefined) unguardSignals ??= guard();
      teller.events(events);
    },
    log: (level, line) => teller.log(level, line),
    stopping(signal, urgent) {
      view.stopping = urgent ? "now" : "soon";
      teller.stopping(signal, urgent, inFlight(view));
    },
    finish(summary) {
      view.status = summary.status;
      view.finishedAt = summary.finishedAt;
      const { cwd } = options;
      end(summaryLines(summary, { colors: look.colors, cwd, again: options.again() }));
    },
    close,
  };
}
