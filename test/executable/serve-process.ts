// `pipeloom serve` as a process: its log is waited for, line by line.

import { pipeloom } from "../support/program.ts";

export class ServeProcess implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #isWrapped: boolean;
  #seen = 0;

  /** @param before a program that starts it and waits for its end, such as faketime */
  constructor(
    folder: string,
    args: readonly string[] = ["--no-page"],
    env: Readonly<Record<string, string>> = {},
    before: readonly string[] = [],
  ) {
    this.#isWrapped = before.length > 0;
    this.#child = Bun.spawn([...before, ...pipeloom, "serve", ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    void this.#read();
  }

  get log(): string {
    return this.#lines.join("\n");
  }

  /** Of serve itself. */
  get pid(): number {
    if (!this.#isWrapped) return this.#child.pid;
    const { stdout } = Bun.spawnSync(["pgrep", "-P", String(this.#child.pid)]);
    return Number(stdout.toString().trim());
  }

  /** The next line that matches, after those that were waited for before. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      while (this.#seen < this.#lines.length) {
        const line = this.#lines[this.#seen++] ?? "";
        if (pattern.test(line)) return line;
      }
      if (this.#hasEnded) throw new Error(`serve has ended:\n${this.log}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** One that a signal has ended has no exit code. */
  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(signal: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (this.#hasEnded) return;
    const { pid } = this;
    if (pid > 0) process.kill(pid, signal);
  }

  get ended(): Promise<number> {
    return this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    await this.#child.exited;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of this.#child.stderr) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      this.#lines.push(...lines);
      this.#wake();
    }
    await this.#child.exited;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
