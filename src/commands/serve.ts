// `pipeloom serve [file or folder …]`: runs pipelines at the times of their schedules. The work is in src/serve; here it is put together.

import { statSync } from "node:fs";

import { Promise } from "../base/globals.ts";
import { pathOf } from "../base/path.ts";
import { defineCliCommand } from "../cli/command.ts";
import type { Target } from "../serve/served-files.ts";
import { isIgnored } from "../watchdog/ignored-signal.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { assertPageFlags, serveFlags } from "./serve-flags.ts";
import { openPage } from "./serve-with-page.ts";
import { Serving } from "./serving.ts";

export const command = defineCliCommand({
  meta: {
    name: "serve",
    details:
      "Each time of a `schedule` is run once, by a process of its own: also after a restart, and if two serve the same files. Files are watched; one that is broken keeps its last good schedule. The address that it prints in a terminal opens the page. Ctrl-C or SIGTERM stops the runs, and the next serve continues them.",
    examples: [
      { line: "pipeloom serve", what: "the pipelines of this folder and those below it" },
      { line: "pipeloom serve etl.ts jobs/ --no-page", what: "a file and a folder, no page" },
    ],
  },
  args: {
    target: {
      type: "positional",
      repeat: true,
      required: false,
      valueHint: "file or folder",
      description:
        "pipeline files (file.ts:name for one export), and folders to look for them; default: this folder",
    },
    ...serveFlags,
  },
  async run({ target, ...flags }) {
    assertPageFlags(flags);
    const targets = (target.length === 0 ? ["."] : target).map(targetOf);
    await using serving = new Serving(targets, flags);
    await using _ = flags.page ? await openPage(serving, flags) : undefined;
    serving.begin();
    using signals = new StopSignals();
    await signals.next();
    await stop(serving, signals);
    return 0;
  },
});

/** @throws UsageError for what is not there */
function targetOf(text: string): Target {
  const path = pathOf(text, process.cwd());
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    return { kind: "folder", path };
  }
  const module = pipelineFile(text);
  const exportName = module.export === "default" ? null : module.export;
  return { kind: "file", named: { file: module.path, exportName, isNamed: true } };
}

/** Each further signal is more urgent. */
async function stop(serving: Serving, signals: StopSignals): Promise<void> {
  const stopped = serving.stop().then(() => "stopped" as const);
  for (;;) {
    const first = await Promise.race([stopped, signals.next()]);
    if (first === "stopped") return;
    void serving.stop();
  }
}

class StopSignals implements Disposable {
  readonly #signals = (["SIGINT", "SIGTERM", "SIGHUP"] as const).filter(
    (signal) => signal !== "SIGHUP" || !isIgnored("SIGHUP"),
  );
  #next = Promise.withResolvers<void>();

  constructor() {
    for (const signal of this.#signals) process.on(signal, this.#on);
  }

  next(): Promise<void> {
    return this.#next.promise;
  }

  readonly #on = (): void => {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers<void>();
    resolve();
  };

  [Symbol.dispose](): void {
    for (const signal of this.#signals) process.off(signal, this.#on);
  }
}
