// `pipeloom run --watch`: runs the pipeline, and again after each save of its file or of a file that it imports. Each run is a
// process of its own, so it loads the code as it is, and a mistake in the file ends only that run.

import { Promise } from "../base/globals.ts";
import { fileStamp } from "../base/file-stamp.ts";
import { ownCommand } from "../base/own-command.ts";
import { shownPath } from "../base/path.ts";
import { pause } from "../base/pause.ts";
import { plural } from "../base/text.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { loadedPath, sourcesOf } from "../module/sources.ts";
import type { StopSignal } from "../terminal/ui.ts";
import { exitCodeOf } from "./run-signals.ts";

const signals: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** How often the files are looked at. A save counts when nothing has changed for as long: editors write in several steps. */
const lookMs = 200;

/**
 * @param path of the pipeline's file
 * @param args of this program, without `--watch`
 * @returns the exit code: that of the run that a signal has ended, or 130, 143 or 129
 */
export async function watchRun(path: string, args: readonly string[]): Promise<number> {
  using stop = new StopSignals();
  const files = new WatchedFiles(path);
  for (;;) {
    files.look();
    const code = await stop.during(
      Bun.spawn([...ownCommand(), ...args], { stdio: ["ignore", "inherit", "inherit"] }),
    );
    if (stop.signal !== undefined) return code;
    say(`watching ${files.names}: runs again after the next save; Ctrl-C ends`);
    const saved = await files.saved(stop.received);
    if (saved === undefined) return exitCodeOf(stop.signal ?? "SIGINT");
    say(`${shownPath(saved)} was saved: running again`);
  }
}

class StopSignals implements Disposable {
  signal: StopSignal | undefined;
  readonly #received = Promise.withResolvers<void>();
  #child: Bun.Subprocess | undefined;

  constructor() {
    for (const signal of signals) process.on(signal, this.#on);
  }

  get received(): Promise<void> {
    return this.#received.promise;
  }

  /** @returns the exit code of the run */
  async during(child: Bun.Subprocess): Promise<number> {
    this.#child = child;
    await child.exited;
    this.#child = undefined;
    const { exitCode, signalCode } = child;
    return exitCode ?? (signalCode === null ? 1 : exitCodeOf(signalCode));
  }

  readonly #on = (signal: NodeJS.Signals): void => {
    this.signal ??= signals.find((known) => known === signal);
    // A terminal sends SIGINT to the run too, and a second one would stop it now.
    if (signal !== "SIGINT" || !process.stderr.isTTY) this.#child?.kill(signal);
    this.#received.resolve();
  };

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#on);
  }
}

/** By path: what tells a file from its next version. A file that is not there has none. */
type Stamps = ReadonlyMap<string, string>;

class WatchedFiles {
  readonly #path: string;
  #stamps: Stamps = new Map();

  constructor(path: string) {
    this.#path = path;
  }

  /** Changes from here on are saves. */
  look(): void {
    this.#stamps = this.#now();
  }

  get names(): string {
    const others = this.#stamps.size - 1;
    const more = others > 0 ? ` and ${plural(others, "file")} that it imports` : "";
    return `${shownPath(this.#path)}${more}`;
  }

  /** The file that was saved since `look`, as soon as it is written to its end; undefined if `stopped` is first. */
  async saved(stopped: Promise<void>): Promise<string | undefined> {
    let isStopped = false;
    void stopped.then(() => (isStopped = true));
    let before = this.#stamps;
    for (;;) {
      const now = this.#now();
      const changed = firstChange(this.#stamps, now);
      if (changed !== undefined && this.#isWhole(now) && firstChange(before, now) === undefined)
        return changed;
      before = now;
      await Promise.race([pause(lookMs), stopped]);
      if (isStopped) return undefined;
    }
  }

  /** An editor that replaces the file takes it away for a moment. */
  #isWhole(stamps: Stamps): boolean {
    return stamps.get(loadedPath(this.#path)) !== undefined;
  }

  /** The imports are looked up each time, because a file that is missing may have been written. */
  #now(): Stamps {
    const entry = loadedPath(this.#path);
    const paths = new Set([entry, ...sourcesOf(entry).map(({ path }) => path)]);
    return new Map(
      Array.from(paths).flatMap((path) => {
        const stamp = fileStamp(path);
        return stamp === null ? [] : [[path, stamp] as const];
      }),
    );
  }
}

function firstChange(before: Stamps, now: Stamps): string | undefined {
  const changed = [...now.keys()].find((path) => now.get(path) !== before.get(path));
  return changed ?? [...before.keys()].find((path) => !now.has(path));
}

const say = (line: string): void => sayOnStderr(`${line}\n`);
