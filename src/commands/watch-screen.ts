// A full screen that is redrawn until q or Ctrl-C. Restores the terminal at the end.

import { systemClock } from "../base/clock.ts";
import { Promise } from "../base/globals.ts";
import { holdTerminal } from "../terminal/terminal-signals.ts";
import { listenToKeys } from "./keys.ts";
import { print, ReaderLeft } from "../cli/stdout.ts";

/** Switch to the alternate screen and hide the cursor; and back. */
const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const clearToLineEnd = "\x1b[K";
const clearBelow = "\x1b[J";
/** Without line wrapping, a row wider than measured is cut instead of pushing the others down. */
const noWrap = "\x1b[?7l";
const wrap = "\x1b[?7h";

type Size = { readonly columns: number; readonly rows: number };

/**
 * @param draw gives the lines for a screen of that size; lines beyond its rows are cut
 * @returns the exit code: 0 after q, 130 after Ctrl-C
 * @throws what `draw` throws, after restoring the terminal
 */
export async function watchScreen(
  everyMs: number,
  draw: (size: Size) => readonly string[],
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const redraw = (): void => {
    try {
      const { columns, rows } = process.stdout;
      // A new terminal may report 0 by 0.
      print(frame(draw, { columns: columns || 80, rows: rows || 24 }));
    } catch (thrown) {
      if (thrown instanceof ReaderLeft) resolve(0);
      else reject(thrown);
    }
  };
  const letGo = holdTerminal({
    release: quietly(leave),
    resume: quietly(enter),
    close: quietly(leave),
  });
  const unlisten = listenToKeys({ leave: resolve });
  quietly(enter)();
  process.stdout.on("resize", redraw);
  const timer = systemClock.every(everyMs, redraw);
  redraw();
  try {
    return await promise;
  } finally {
    systemClock.cancel(timer);
    process.stdout.off("resize", redraw);
    unlisten();
    letGo();
    quietly(leave)();
  }
}

function frame(draw: (size: Size) => readonly string[], size: Size): string {
  const lines = draw(size).slice(0, size.rows);
  return `\x1b[?2026h${noWrap}\x1b[H${lines.map((line) => line + clearToLineEnd).join("\r\n")}${clearBelow}${wrap}\x1b[?2026l`;
}

/** Ignores a terminal that is gone. */
const quietly = (text: string) => (): void => {
  try {
    print(text);
  } catch {
    // The terminal is gone.
  }
};
