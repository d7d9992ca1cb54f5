// The process of a slot: `pipeloom run <file> --scheduled-for <time>`, in a group of its own, so that Ctrl-C at the terminal of serve
// reaches it through serve alone. What it says on stderr is kept at its end: the run itself is in the database.

import { existsSync } from "node:fs";
import { dirname } from "node:path";

import { Promise } from "../base/globals.ts";
import { toIso } from "../base/iso-time.ts";
import { signalGroup } from "../base/process-group.ts";
import { triggerVariable } from "../protocol/page-variables.ts";
import { OutputTail } from "./output-tail.ts";

export type ProcessEnd = {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last of what it has said; "" for nothing. */
  readonly said: string;
  /** The file of the pipeline is not there any more. */
  readonly isFileGone: boolean;
};

export type SlotProcess = {
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  /** `stop`: as Ctrl-C does, which a second time is more urgent. */
  signal(kind: "stop" | "kill"): void;
};

export type Launch = {
  readonly file: string;
  readonly argument: string;
  readonly slot: number;
};

/** Characters of stderr. */
const maxSaid = 8_000;
/** To read what is left in the pipe of a process that has ended: what it has started may keep the pipe open. */
const restMs = 500;

/**
 * @param own the words that start pipeloom
 * @throws Error with a `code` where no process can be started
 */
export function startSlot(
  own: readonly string[],
  env: Readonly<Record<string, string>>,
  { file, argument, slot }: Launch,
): SlotProcess {
  const words = ["run", argument, "--scheduled-for", toIso(slot), "--quiet"];
  const child = Bun.spawn([...own, ...words], {
    cwd: dirname(file),
    env: { ...env, [triggerVariable]: "schedule", NO_COLOR: "1" },
    detached: true,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  return {
    pid: child.pid,
    ended: endOf(child, file),
    signal(kind) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (kind === "stop") child.kill("SIGTERM");
      else signalGroup(child.pid, "SIGKILL");
    },
  };
}

async function endOf(
  child: Bun.Subprocess<"ignore", "ignore", "pipe">,
  file: string,
): Promise<ProcessEnd> {
  const tail = new OutputTail(maxSaid);
  const read = tail.read(child.stderr);
  await child.exited;
  await Promise.race([read, Bun.sleep(restMs)]);
  const { exitCode, signalCode } = child;
  return {
    code: exitCode,
    signal: signalCode === null ? null : String(signalCode),
    said: tail.text.trim(),
    isFileGone: !existsSync(file),
  };
}
