// Uncaught errors, prints and `process.exit` of user code: which attempt each belongs to, and what follows.

import { registry } from "../api/registry.ts";
import { toFailure } from "../base/failure.ts";
import { LineBuffer, linesOf } from "../base/line-buffer.ts";
import { thrownText, withoutOwnFrames } from "../base/stack.ts";
import type { Mask } from "../protocol/mask.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { Attempt } from "./attempt.ts";
import { failureOutcome } from "./execute.ts";
import type { Slots } from "./slots.ts";
import type { ThreadGlobals } from "./thread-globals.ts";

/** Tasks that a message names. */
const maxNamed = 5;
/** Causes of an error that are searched for a known one. */
const maxCauses = 8;

type CrashesDeps = {
  readonly slots: Slots;
  readonly globals: ThreadGlobals;
  readonly mask: Mask | undefined;
  /** A line that belongs to no task. */
  output(level: LogLevel, line: string): void;
  /** Ends the thread. */
  exit(code: number): never;
};

export class Crashes {
  /** The attempt whose call failed with an error. */
  readonly failedIn = new WeakMap<object, Attempt>();
  readonly #deps: CrashesDeps;
  #isLoaded = false;

  constructor(deps: CrashesDeps) {
    this.#deps = deps;
    this.#capturePrints();
    deps.globals.onUncaught((thrown) => this.#uncaught(thrown));
    deps.globals.onExit((code) => this.#exit(code));
  }

  /** The module is loaded. */
  loaded(): void {
    this.#isLoaded = true;
  }

  // ── prints ──

  /** With one slot, the print of a callback that was set up outside of any task belongs to the only task. */
  get #printer(): Attempt | undefined {
    const { slots } = this.#deps;
    return slots.current ?? (slots.count === 1 ? slots.only : undefined);
  }

  #capturePrints(): void {
    const { globals, mask } = this.#deps;
    const stdout = new LineBuffer((line) => this.#printedByNone("info", line), mask);
    const stderr = new LineBuffer((line) => this.#printedByNone("warn", line), mask);
    globals.capturePrints({
      print: (level, text) => {
        const attempt = this.#printer;
        if (attempt !== undefined) attempt.log.print(level, text);
        else for (const line of linesOf(text)) this.#printedByNone(level, line);
      },
      write: (stream, text) => {
        const attempt = this.#printer;
        if (attempt !== undefined) attempt.log.write(stream, text);
        else (stream === "stdout" ? stdout : stderr).write(text);
      },
    });
  }

  #printedByNone(level: LogLevel, line: string): void {
    // The module prints the same lines in each thread while it loads: those of the main thread are enough.
    this.#deps.output(this.#isLoaded ? level : "debug", line);
  }

  // ── uncaught errors ──

  /**
   * Fails the attempt that an uncaught error belongs to. The async context names it; or a call of it has failed with this
   * error; or no other attempt is running. The thread goes on.
   */
  #uncaught(thrown: unknown): void {
    const { slots } = this.#deps;
    const attempt = slots.current ?? this.#failedWith(thrown) ?? slots.only;
    if (attempt !== undefined) attempt.crash(thrown);
    else this.#deps.output("error", `${this.#candidates()}${thrownText(thrown)}`);
  }

  /** Names the tasks that an error may belong to: the runtime reports a rejection without its async context. */
  #candidates(): string {
    const { running } = this.#deps.slots;
    if (running.length < 2) return "";
    const names = running
      .slice(0, maxNamed)
      .map(({ assignment: { name, id } }) => `${name} #${id}`)
      .join(", ");
    const more = running.length > maxNamed ? ", …" : "";
    return `uncaught error in one of the tasks on this thread (${names}${more}); the runtime does not report which, so none fails: `;
  }

  /** Authors wrap errors: the error of a call may be the cause. */
  #failedWith(thrown: unknown): Attempt | undefined {
    try {
      let error: unknown = thrown;
      for (let depth = 0; depth < maxCauses && error instanceof Error; depth++) {
        const attempt = this.failedIn.get(error);
        if (attempt !== undefined) return attempt;
        error = error.cause;
      }
    } catch {
      // A getter of the author's has thrown.
    }
    return undefined;
  }

  // ── process.exit ──

  /** `process.exit` in user code fails its task and ends the thread. */
  #exit(code: number): never {
    const attempt = this.#printer ?? this.#deps.slots.only;
    if (attempt?.isEnded === true) throw attempt.refuse(`process.exit(${code})`);
    if (attempt !== undefined) {
      const failure = withoutOwnFrames(
        toFailure(new Error(`the task called process.exit(${code})`)),
      );
      const definition = registry.tasks.get(attempt.assignment.task);
      const at = attempt.now();
      void attempt.finish(
        at,
        failureOutcome(attempt, definition, at, { ...failure, name: "WorkerExit" }),
      );
    }
    return this.#deps.exit(code);
  }
}
