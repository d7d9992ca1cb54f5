// Where serve's log goes: stderr, and a file. The file is opened for each line: programs that rotate logs move it away.

import { appendFileSync } from "node:fs";

import { toIso } from "../base/iso-time.ts";
import type { Palette } from "../base/palette.ts";
import { localTime } from "../base/relative-time.ts";
import { reasonOf } from "../base/system-error.ts";
import { visibleLines } from "../base/text.ts";
import type { Level } from "./serve-log.ts";

type Deps = {
  readonly now: () => number;
  readonly write: (text: string) => void;
  readonly colors: Palette;
  /** Undefined: none. */
  readonly file: string | undefined;
  readonly verbosity: -1 | 0 | 1 | 2;
};

const shownFrom: Readonly<Record<Level, -1 | 0 | 1>> = { error: -1, warn: 0, info: 0, debug: 1 };

export class LogWriter {
  readonly #deps: Deps;
  #isFileLost = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** @param inFile what the file says instead: others may read it. Default: the same */
  log(level: Level, text: string, inFile: string = text): void {
    const { now, write, colors, file, verbosity } = this.#deps;
    const at = now();
    if (verbosity >= shownFrom[level]) {
      const paint = { error: colors.red, warn: colors.yellow, info: plain, debug: colors.dim }[
        level
      ];
      const head = colors.dim(localTime(at));
      write(linesOf(text, (line) => `${head} ${paint(line)}`));
    }
    if (file === undefined || (level === "debug" && verbosity < 1)) return;
    const head = `${toIso(at)} ${level.padEnd(5)}`;
    this.#append(
      file,
      linesOf(inFile, (line) => `${head} ${line}`),
    );
  }

  #append(file: string, text: string): void {
    try {
      appendToLog(file, text);
      this.#isFileLost = false;
    } catch (thrown) {
      if (this.#isFileLost) return;
      this.#isFileLost = true;
      this.log("error", `the log file ${file} cannot be written: ${reasonOf(thrown)}`);
    }
  }
}

/** The log has what pipelines say when they fail: one that is made here is for its user alone. */
export const appendToLog = (file: string, text: string): void =>
  appendFileSync(file, text, { mode: 0o600 });

const linesOf = (text: string, lineOf: (line: string) => string): string =>
  visibleLines(text)
    .map((line) => `${lineOf(line)}\n`)
    .join("");

const plain = (text: string): string => text;
