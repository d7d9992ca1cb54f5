// A short child of pipeloom that looks at a pipeline file: `pipeloom schedule next <file>`. It has some seconds, and its process group is
// ended with it: the user's code may hang, or start something.

import { dirname } from "node:path";

import type { Clock } from "../base/clock.ts";
import { JSON, Promise } from "../base/globals.ts";
import { lastError } from "../base/last-error.ts";
import { signalGroup } from "../base/process-group.ts";
import { describeVariable } from "../protocol/page-variables.ts";
import { argumentOf, type DescribedFile } from "./described.ts";
import { OutputTail } from "./output-tail.ts";

export type Named = {
  readonly file: string;
  /** The export that was named; null: all that have a schedule. */
  readonly exportName: string | null;
  /** A person has named the file; otherwise it was found in a folder. */
  readonly isNamed: boolean;
};

type Child = {
  /** The words that start pipeloom. */
  readonly own: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Pick<Clock, "after" | "cancel">;
  readonly maxMs: number;
};

/** A program that has left the process group may keep the pipes open. */
const restMs = 500;
/** Characters of the answer: a file may have thousands of pipelines. */
const maxAnswer = 4_000_000;
const maxSaid = 64_000;
/** Of what a child has said that had no error. */
const maxShown = 500;

/** A child that ends without an answer has found the file broken: its stamps are not known then. */
export async function describeInChild(
  { own, env, clock, maxMs }: Child,
  { file, exportName, isNamed }: Named,
): Promise<DescribedFile> {
  const child = Bun.spawn([...own, "schedule", "next", argumentOf(file, exportName)], {
    cwd: dirname(file),
    env: { ...env, NO_COLOR: "1", [describeVariable]: isNamed ? "named" : "found" },
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let isLate = false;
  const timer = clock.after(maxMs, () => {
    isLate = true;
    signalGroup(child.pid, "SIGKILL");
  });
  // What the file has started ends with it.
  void child.exited.then(() => signalGroup(child.pid, "SIGKILL"));
  const [out, said] = [new OutputTail(maxAnswer), new OutputTail(maxSaid)];
  const read = Promise.all([out.read(child.stdout), said.read(child.stderr)]);
  await child.exited;
  await Promise.race([read, Bun.sleep(restMs)]);
  clock.cancel(timer);
  if (isLate) {
    return brokenFile(
      `it is not loaded after ${maxMs / 1000} s; does it await something at its top level?`,
    );
  }
  return lastLine(out.text) ?? brokenFile(problemIn(said.text));
}

function problemIn(said: string): string {
  return lastError(said) ?? (said.trim().slice(-maxShown) || "it cannot be loaded");
}

export const brokenFile = (message: string): DescribedFile => ({
  stamps: [],
  result: { kind: "broken", message },
});

/** User code may have printed other lines. */
function lastLine(output: string): DescribedFile | undefined {
  try {
    const line = output.trimEnd().split("\n").at(-1) ?? "";
    const described = JSON.parse(line) as Partial<DescribedFile>;
    return Array.isArray(described.stamps) && described.result !== undefined
      ? (described as DescribedFile)
      : undefined;
  } catch {
    return undefined;
  }
}
