// The program as a user has it: the executable of `bun build.ts` when it is there, and from source otherwise.

import { existsSync } from "node:fs";
import { join } from "node:path";

export const repository = join(import.meta.dir, "../..");
export const executable = join(
  repository,
  "dist",
  process.platform === "win32" ? "pipeloom.exe" : "pipeloom",
);

/** What to type before the arguments. */
export const pipeloom: readonly string[] = existsSync(executable)
  ? [executable]
  : [process.execPath, join(repository, "src/cli.ts")];

/** Cuts the network off on Linux, where one may: the loopback of the new namespace is down as well. */
const unshare = ["unshare", "--net", "--map-root-user"];

const canCutNetwork =
  process.platform === "linux" && Bun.spawnSync([...unshare, "true"]).exitCode === 0;

/** Before the command line of a program that must not need a network; empty where that cannot be done. */
export const offline: readonly string[] = canCutNetwork ? unshare : [];

export type Ended = { readonly code: number; readonly out: string; readonly err: string };

export async function run(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, out, err };
}
