// The program under test: the executable of `bun build.ts` if it exists, otherwise the source.

import { existsSync } from "node:fs";
import { join } from "node:path";

export const repository = join(import.meta.dir, "../..");
export const executable = join(
  repository,
  "dist",
  process.platform === "win32" ? "pipeloom.exe" : "pipeloom",
);

/** The command line up to the arguments. */
export const pipeloom: readonly string[] = existsSync(executable)
  ? [executable]
  : [process.execPath, join(repository, "src/cli.ts")];

/** Disables the network on Linux, if permitted, by a new namespace; its loopback is down too. */
const unshare = ["unshare", "--net", "--map-root-user"];

const canCutNetwork =
  process.platform === "linux" && Bun.spawnSync([...unshare, "true"]).exitCode === 0;

/** Prefix for a command that must work without a network; empty if the network cannot be disabled. */
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
