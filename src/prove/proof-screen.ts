// The progress of a proof on stderr: a bar on a terminal, otherwise one line a cycle.

import { systemClock, type Timer } from "../base/clock.ts";
import { clock } from "../base/format-duration.ts";
import { colorLevel, type Palette, paletteOf } from "../base/palette.ts";
import { type OutStream, type Write, writerOf } from "../base/streams.ts";
import { fit, plural, width } from "../base/text.ts";
import { spinnerAt, spinnerMs } from "../terminal/bars.ts";
import { type Glyphs, glyphsFor } from "../terminal/glyphs.ts";
import { Screen } from "../terminal/screen.ts";
import { holdTerminal } from "../terminal/terminal-signals.ts";
import type { ProofProgress } from "./prover.ts";

type ProofFrame = {
  readonly progress: ProofProgress;
  readonly cycles: number;
  readonly elapsedMs: number;
  /** Columns of the terminal. */
  readonly columns: number;
  readonly colors: Palette;
  readonly glyphs: Glyphs;
};

const maxBar = 30;
const minBar = 6;

type Line = Pick<ProofFrame, "progress" | "cycles"> | undefined;

/** Pure. */
export function proofFrame(frame: ProofFrame): string {
  const { progress, cycles, elapsedMs, colors, glyphs } = frame;
  const columns = frame.columns - 1;
  const spinner = spinnerAt(glyphs, elapsedMs);
  const { stage } = progress;
  const over = stage.type === "cycle" ? stage.cycle - (stage.isOver ? 0 : 1) : 0;
  const label =
    stage.type === "cycle" ? `cycle ${stage.cycle}/${cycles}` : `undisturbed run ${stage.run}/2`;
  const figures = [...countsOf(progress, colors), clock(elapsedMs)];
  const rest = figures.join(colors.dim(glyphs.separator));
  const room = Math.min(maxBar, columns - width(label) - width(rest) - 4);
  const filled = Math.round((over / cycles) * room);
  const bar =
    room < minBar
      ? []
      : [colors.bar(glyphs.full.repeat(filled)) + colors.track(glyphs.track.repeat(room - filled))];
  return fit([colors.cyan(spinner), label, ...bar, rest].join(" "), columns);
}

function countsOf({ kills, cuts, found }: ProofProgress, colors: Palette): string[] {
  return [
    plural(kills, "kill"),
    ...(cuts === 0 ? [] : [plural(cuts, "power cut")]),
    ...(found === 0 ? [] : [colors.red(`${found} wrong`)]),
  ];
}

export class ProofScreen implements Disposable {
  readonly #cycles: number;
  readonly #isQuiet: boolean;
  readonly #write: Write;
  #terminal: TerminalPart | undefined;
  #progress: ProofProgress | undefined;

  constructor(stream: OutStream, isQuiet: boolean, cycles: number, seed: number) {
    this.#cycles = cycles;
    this.#isQuiet = isQuiet;
    this.#write = quietly(writerOf(stream));
    const isTty = stream.isTTY === true && !isQuiet;
    if (!isQuiet) this.#write(`seed ${seed}: --seed ${seed} draws the same moments\n`);
    this.#terminal = isTty ? new TerminalPart(stream, this.#write, () => this.#line()) : undefined;
  }

  show(progress: ProofProgress): void {
    this.#progress = progress;
    if (this.#terminal !== undefined) return this.#terminal.draw();
    if (this.#isQuiet) return;
    const { stage } = progress;
    if (stage.type === "undisturbed") this.#write(`undisturbed run ${stage.run} of 2\n`);
    else if (stage.isOver) {
      const counts = countsOf(progress, paletteOf(0)).join(", ");
      this.#write(`cycle ${stage.cycle} of ${this.#cycles}: ${counts} so far\n`);
    }
  }

  /** Gives the terminal back. */
  end(): void {
    this.#terminal?.close();
    this.#terminal = undefined;
  }

  /** Says that a signal has ended the proof. */
  stopped(): void {
    const stage = this.#progress?.stage;
    if (this.#isQuiet || stage === undefined) return;
    const where =
      stage.type === "cycle" ? `cycle ${stage.cycle} of ${this.#cycles}` : "an undisturbed run";
    this.#write(
      `stopped in ${where}, with ${this.#progress?.found ?? 0} wrong: nothing is proved\n`,
    );
  }

  #line(): Line {
    const progress = this.#progress;
    return progress === undefined ? undefined : { progress, cycles: this.#cycles };
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** A terminal that is gone, or a reader that has left, ends no proof. */
const quietly =
  (write: Write): Write =>
  (text) => {
    try {
      write(text);
    } catch {
      // Nobody reads it.
    }
  };

class TerminalPart {
  readonly #screen: Screen;
  readonly #colors = paletteOf(colorLevel(process.env, true));
  readonly #glyphs = glyphsFor(process.env);
  readonly #began = systemClock.now();
  readonly #timer: Timer;
  readonly #letGo: () => void;
  readonly #line: () => Line;

  constructor(stream: OutStream, write: Write, line: () => Line) {
    this.#screen = new Screen(stream, write, process.env);
    this.#line = line;
    this.#timer = systemClock.every(spinnerMs, () => this.draw());
    this.#letGo = holdTerminal({
      release: () => this.#screen.release(),
      resume: () => this.draw(),
      close: () => this.#screen.release(),
    });
  }

  draw(): void {
    const line = this.#line();
    if (line === undefined) return;
    const frame = proofFrame({
      ...line,
      elapsedMs: systemClock.now() - this.#began,
      columns: this.#screen.size().width,
      colors: this.#colors,
      glyphs: this.#glyphs,
    });
    this.#screen.draw([frame], []);
  }

  close(): void {
    systemClock.cancel(this.#timer);
    this.#letGo();
    this.#screen.release();
  }
}
