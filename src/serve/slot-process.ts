// The process of a slot: `pipeloom run <file> --scheduled-for <time>`, in a group of its own, so that Ctrl-C at the terminal of serve
// reaches it through serve alone. What it says on stderr is kept at its end: the run itself is in the database.

import { existsSync } from "node:fs";
import { dirname } from "node:path";

import { Promise } from "../base/globals.ts";
import { toIso } from "../base/iso-time.ts";
import { lastError } from "../base/last-error.ts";
import { signalGroup } from "../base/process-group.ts";
import { triggerVariable } from "../protocol/page-variables.ts";
import { asNamedInFile } from "./database-words.ts";
import { inOneLine } from "./one-line.ts";
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

/** The message of an error without what comes before it; of a run its first failure, or why it ended without one. In one line. */
export function saidIn({ said, code, signal }: ProcessEnd): string {
  const [first = "", second = ""] = said.split("\n");
  // Below the line of the run's counts.
  const isReason = /^ {2}(?! |✖|next:)/.test(second);
  const error = withoutHints(lastError(said));
  const message = inOneLine(error ?? (isReason ? second : first.replace(/^✖ /, "")));
  if (message !== "") return asNamedInFile(message);
  return signal === null ? `exit code ${code}` : `ended by ${signal}`;
}

/** Of a wrong command line, such as one with a file that was just renamed: serve has made it, and what to type instead is for nobody. */
const withoutHints = (error: string | undefined): string | undefined =>
  error !== undefined && /\n {2}see \S+ run --help$/.test(error)
    ? error.slice(0, error.search(/\n {2}/))
    : error;
