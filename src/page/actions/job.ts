// A program of pipeloom that the page has started: its state, and the end of what it has written. It is in a process group of its own,
// so it outlives the page's tab and Ctrl-C in the page's terminal.

import { systemClock } from "../../base/clock.ts";
import { Buffer, Promise, TextDecoder } from "../../base/globals.ts";
import type { JobBrief } from "../contract-actions.ts";

/** Of the output that is kept. A run may print for days. */
const maxChars = 400_000;

export type Program = {
  /** The words that start pipeloom. */
  readonly own: readonly string[];
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | undefined;
};

type Ended = NonNullable<JobBrief["ended"]>;

export class Job {
  readonly id: number;
  readonly title: string;
  readonly command: string;
  readonly isRun: boolean;
  readonly startedAt = systemClock.wall();
  readonly #child: Bun.Subprocess<"ignore" | Buffer, "pipe", "pipe">;
  /** Resolves when the program has ended and all that it wrote is here. */
  readonly finished: Promise<void>;
  #ended: Ended | null = null;
  #output = "";
  /** Characters that are no longer kept. */
  #dropped = 0;

  /** @throws Error with a `code` where no process can be started */
  constructor(id: number, about: Pick<JobBrief, "title" | "command" | "isRun">, program: Program) {
    this.id = id;
    this.title = about.title;
    this.command = about.command;
    this.isRun = about.isRun;
    const { own, words, cwd, env, stdin } = program;
    this.#child = Bun.spawn([...own, ...words], {
      cwd,
      env,
      detached: true,
      stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
      stdout: "pipe",
      stderr: "pipe",
    });
    this.finished = this.#follow();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get ended(): Ended | null {
    return this.#ended;
  }

  /** @param from offset in all that was written */
  outputFrom(from: number): {
    readonly output: string;
    readonly from: number;
    readonly next: number;
  } {
    const start = Math.max(from, this.#dropped);
    const output = this.#output.slice(start - this.#dropped);
    return { output, from: start, next: start + output.length };
  }

  /** As Ctrl-C does: the second one is more urgent. */
  interrupt(): void {
    if (this.#ended === null) this.#child.kill("SIGINT");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #follow(): Promise<void> {
    const { stdout, stderr, exited } = this.#child;
    const read = Promise.all([this.#read(stdout), this.#read(stderr)]);
    await exited;
    // What a run has started may keep the pipes open after its end.
    await Promise.race([read, Bun.sleep(restMs)]);
    const { exitCode, signalCode } = this.#child;
    const signal = signalCode === null ? null : String(signalCode);
    this.#ended = { at: systemClock.wall(), code: exitCode, signal };
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.#add(decoder.decode(bytes, { stream: true }));
    this.#add(decoder.decode());
  }

  #add(text: string): void {
    this.#output += text;
    // Cut at twice the size, so that each character is copied once.
    if (this.#output.length < maxChars * 2) return;
    this.#dropped += this.#output.length - maxChars;
    this.#output = this.#output.slice(-maxChars);
  }
}

/** To read what is left in the pipes of a program that has ended. */
const restMs = 500;
