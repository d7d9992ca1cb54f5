#!/usr/bin/env bun
// The program. It has the only `process.exit`; everything else returns an exit code.

import { versionLine } from "./version.ts";

/** A reader that has left misses messages and prints of user code only. `print` reports the loss of data. */
const nobodyListens = (): void => {};

async function start(args: readonly string[]): Promise<number> {
  process.stdout.on("error", nobodyListens);
  process.stderr.on("error", nobodyListens);
  const [{ runCommandLine }, { pipeloomCli }, { print }] = await Promise.all([
    import("./cli/command-line.ts"),
    import("./commands/pipeloom-cli.ts"),
    import("./cli/stdout.ts"),
  ]);
  const { stdout: out, stderr, env } = process;
  const stdout = { isTTY: out.isTTY, columns: out.columns, write: print };
  return await runCommandLine(args, pipeloomCli, { stdout, stderr, env });
}

/** Loads nothing else: a test measures the start-up time of `--version`. */
async function isVersionPrinted(): Promise<boolean> {
  try {
    await Bun.write(Bun.stdout, `${versionLine}\n`);
    return true;
  } catch {
    return false;
  }
}

const args = process.argv.slice(2);
const wantsVersion = args.length === 1 && args[0] === "--version";
// `start` reports an error of stdout.
if (!wantsVersion || !(await isVersionPrinted())) process.exit(await start(args));
