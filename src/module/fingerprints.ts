// Fingerprints of the code of each task: a run that is continued compares them, and runs again what has changed.

import type { ModuleSource } from "../protocol/messages.ts";
import { codeHash } from "./sources.ts";

export type Fingerprints = {
  /** SHA-256 in hex, by the task's name. */
  readonly byTask: ReadonlyMap<string, string>;
  /** Why some tasks have the hash of the whole module, so that any edit counts as a change of them. */
  readonly coarse: string | undefined;
};

/**
 * @param sources the texts that the run began with
 * @param tasks the names of all tasks that the module defines
 */
// oxlint-disable-next-line eslint/require-await -- callers rely on a promise
export async function fingerprintsOf(
  entry: string,
  sources: readonly ModuleSource[],
  tasks: readonly string[],
): Promise<Fingerprints> {
  const hash = codeHash(entry, sources);
  return {
    byTask: new Map(tasks.map((name) => [name, hash])),
    coarse: "the code of single tasks is not told apart yet",
  };
}
