// `pipeloom run --ui`: the page that shows the run, in a process of its own, so that it takes no time from the main thread.

import { ownCommand } from "../base/own-command.ts";
import { LineBuffer } from "../base/line-buffer.ts";
import { TextDecoder } from "../base/globals.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { engineSecrets } from "../protocol/engine-secrets.ts";
import type { RunEvent, RunStarted } from "../protocol/events.ts";
import { endsWithInputVariable } from "../protocol/page-variables.ts";
import { untilSignal } from "./until-signal.ts";

export class RunPage implements Disposable {
  #child: Bun.Subprocess<"pipe", "ignore", "pipe"> | undefined;

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Opens it when the run has begun: from then on the database has it. */
  readonly onEvents = (events: readonly RunEvent[]): void => {
    const started = events.find((event) => event.type === "run-started");
    if (started === undefined || this.#child !== undefined) return;
    // The pipeline has named it: the command line is refused before the run.
    if (started.db === ":memory:") sayOnStderr("--ui shows nothing of a run in :memory:\n");
    else this.#child = this.#open(started);
  };

  /** The page of a run that is over is still looked at. @returns the exit code of the run */
  async untilLeft(code: number): Promise<number> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return code;
    sayOnStderr("the page stays open; Ctrl-C ends it\n");
    await untilSignal([child.exited]);
    return code;
  }

  /** It would end with this process anyway. */
  [Symbol.dispose](): void {
    this.#child?.kill();
  }

  #open({ run, db }: RunStarted): Bun.Subprocess<"pipe", "ignore", "pipe"> {
    const child = Bun.spawn([...ownCommand(), "ui", String(run), "--db", db, "--open"], {
      // It starts runs with the same engine.
      env: { ...process.env, ...engineSecrets(), [endsWithInputVariable]: "1" },
      // Ctrl-C in the terminal is for the run.
      detached: true,
      stdin: "pipe",
      stdout: "ignore",
      stderr: "pipe",
    });
    void this.#repeat(child.stderr);
    return child;
  }

  /** The address. While the run goes on, what the process prints becomes a line above the bars. */
  async #repeat(stream: ReadableStream<Uint8Array>): Promise<void> {
    const lines = new LineBuffer((line) => void process.stderr.write(`${line}\n`));
    const decoder = new TextDecoder();
    for await (const bytes of stream) lines.write(decoder.decode(bytes, { stream: true }));
  }
}
