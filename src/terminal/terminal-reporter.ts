// The owner of the terminal. Log lines come through consola from anywhere in the main thread and are drawn above the
// regions; frames are drawn by the same reporter. Nothing else writes to the terminal while a run is shown.

import type { ConsolaReporter, LogObject } from "consola/core";
import { wrapped } from "../base/text.ts";
import { logLines, type Look } from "./log-lines.ts";
import type { Screen, Size } from "./screen.ts";

/** A taller region is drawn on every second tick: nobody follows that many rows, and each row costs processor time. */
const maxRowsAtFullRate = 24;
/** Lines wait for the next frame; more than this many are drawn at once. */
const maxPendingLines = 2_000;

/**
 * - `up`: lines and regions are drawn.
 * - `stopped`: Ctrl-Z; the shell has the terminal, lines wait.
 * - `background`: after `bg`, or started with `&`; lines are drawn, regions are not. Becomes `up` in the foreground.
 * - `closed`: the terminal has been given back.
 */
type State = "up" | "stopped" | "background" | "closed";

type TerminalReporterOptions = {
  readonly screen: Screen;
  readonly look: Look;
  /** The rows of the regions as they are now. */
  readonly regions: (size: Size) => readonly string[];
  /** False while a shell has the process in the background. */
  readonly isForeground: () => boolean;
};

export class TerminalReporter implements ConsolaReporter {
  readonly #screen: Screen;
  readonly #look: Look;
  readonly #regions: (size: Size) => readonly string[];
  readonly #isForeground: () => boolean;
  #pending: string[] = [];
  #state: State;
  /** Rows of the last frame. */
  #rows = 0;
  #skippedLast = false;

  constructor({ screen, look, regions, isForeground }: TerminalReporterOptions) {
    this.#screen = screen;
    this.#look = look;
    this.#regions = regions;
    this.#isForeground = isForeground;
    this.#state = isForeground() ? "up" : "background";
  }

  /** A line from consola. */
  log(logged: LogObject): void {
    const lines = logLines(this.#look, logged);
    // What others write is broken by the terminal, which puts it together again where it is copied.
    const columns = logged["isOwn"] === true ? this.#screen.size().width : Infinity;
    this.#pending.push(...lines.flatMap((line) => wrapped(line, columns)));
    if (this.#pending.length >= maxPendingLines) this.draw();
  }

  /** It is time for a frame. */
  tick(): void {
    const isTall = this.#rows > maxRowsAtFullRate;
    this.#skippedLast = isTall && this.#pending.length === 0 && !this.#skippedLast;
    if (!this.#skippedLast) this.draw();
  }

  /** One frame: the pending lines, and the regions below them. */
  draw(): void {
    if (this.#state === "background" && this.#isForeground()) this.#state = "up";
    if (this.#state === "stopped" || this.#state === "closed") return;
    this.#screen.draw(this.#state === "up" ? this.#frame() : [], this.#taken());
  }

  /** Ctrl-Z: takes the regions away and gives the terminal to the shell. */
  release(): void {
    if (this.#state === "closed") return;
    this.draw();
    this.#screen.release();
    this.#state = "stopped";
  }

  /** `fg` or `bg`: the next frame finds out which. */
  resume(): void {
    if (this.#state === "stopped") this.#state = "background";
  }

  /** The last frame, which stays, with `below` under it. Gives the terminal back. */
  close(below: readonly string[]): void {
    if (this.#state === "closed") return;
    // As lines and not as a region: these may wrap.
    this.#screen.draw([], [...this.#taken(), ...this.#frame(), ...below]);
    this.#screen.leave();
    this.#state = "closed";
  }

  #frame(): readonly string[] {
    const rows = this.#regions(this.#screen.size());
    this.#rows = rows.length;
    return rows;
  }

  #taken(): string[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending;
  }
}
