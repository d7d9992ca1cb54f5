// An interactive shell in a pseudo-terminal, for tests of completion. It reacts to the shell's output, never to elapsed
// time.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const enter = "\r";
const tab = "\t";
const lineStart = "\x01";
const eraseLine = "\x05\x15"; // Ctrl-E: end of line; Ctrl-U: erase to its start
const timeoutMs = 20_000;

export class InteractiveShell implements AsyncDisposable {
  /** Everything written to the terminal. */
  seen = "";
  readonly #folder = mkdtempSync(join(tmpdir(), "pipeloom-shell-"));
  /** A program that writes its arguments to a file, to show how the shell parses the line. */
  readonly #show = join(this.#folder, "show");
  readonly #words = join(this.#folder, "words");
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  #heard: () => void = () => undefined;
  #count = 0;

  /** @param setup a line that the shell runs first */
  static async open(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string,
    setup: string,
  ): Promise<InteractiveShell> {
    const shell = new InteractiveShell(command, env, cwd);
    await shell.run(setup);
    return shell;
  }

  private constructor(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string,
  ) {
    writeFileSync(
      this.#show,
      `#!/bin/sh\nfor word in "$@"; do printf '%s\\n' "$word"; done > ${this.#words}\n`,
      { mode: 0o755 },
    );
    this.#child = Bun.spawn([...command], {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", ...env },
      // Created in the spawn call, so that it becomes the child's controlling terminal.
      terminal: { cols: 200, rows: 50, data: (_, bytes) => this.#hear(bytes) },
    });
    const { terminal } = this.#child;
    if (terminal === undefined) throw new Error("this system has no pseudo-terminals");
    this.#terminal = terminal;
  }

  /** Types, presses Tab, and returns the words on the completed line. */
  async completed(typed: string): Promise<string[]> {
    this.#terminal.write(`${typed}${tab}${lineStart}${this.#show} `);
    await this.run("");
    const text = await Bun.file(this.#words).text();
    return text.split("\n").slice(0, -1);
  }

  /** Types, presses Tab twice, and waits until all of these words are on the screen. */
  async lists(typed: string, ...wanted: readonly string[]): Promise<void> {
    const from = this.seen.length;
    this.#terminal.write(`${typed}${tab}${tab}`);
    await this.#until(() => wanted.every((text) => this.seen.slice(from).includes(text)));
    this.#terminal.write(`${eraseLine}\x03`);
    await this.run(":");
  }

  /**
   * Runs a line and waits for its end. The line contains the end mark in two parts, so that its echo does not match.
   */
  async run(line: string): Promise<void> {
    const mark = `done-${++this.#count}-`;
    this.#terminal.write(`${line}${enter}printf '%s%s\\n' done- ${this.#count}-${enter}`);
    await this.#until(() => this.seen.includes(mark));
  }

  /** Answers terminal queries: some shells send one and wait for the reply. */
  #hear(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    this.seen += text;
    if (["\x1b[c", "\x1b[0c"].some((query) => text.includes(query)))
      this.#terminal.write("\x1b[?62c");
    if (text.includes("\x1b[6n")) this.#terminal.write("\x1b[1;1R");
    this.#heard();
  }

  async #until(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!holds()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`timeout; the shell's output so far:\n${this.seen}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#terminal.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
