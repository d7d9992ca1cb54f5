// Standard input as a file: CSV is read twice, once to find the types of its columns.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UsageError } from "../../cli/usage-error.ts";

type StdinFile = Disposable & { readonly path: string };

/** @throws UsageError if nothing is piped in */
export async function stdinFile(): Promise<StdinFile> {
  if (process.stdin.isTTY) {
    throw new UsageError(
      "- is standard input, and nothing is piped into it",
      "e.g. pipeloom csv - --table sales < sales.csv",
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "pipeloom-stdin-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // A third Ctrl-C, or an exit of any other kind.
  process.once("exit", remove);
  const path = join(folder, "stdin.csv");
  try {
    await copyTo(path);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    path,
    [Symbol.dispose]() {
      process.off("exit", remove);
      remove();
    },
  };
}

/** `Bun.write` takes no pipe. A piece at a time: the input may be larger than memory. */
async function copyTo(path: string): Promise<void> {
  const file = Bun.file(path).writer();
  for await (const bytes of Bun.stdin.stream()) {
    await file.write(bytes);
    await file.flush();
  }
  await file.end();
}
