#!/usr/bin/env bun
// The program. It has the only `process.exit`; everything else returns an exit code.

import { versionLine } from "./version.ts";

/** A reader that has left misses messages and prints of user code only. `print` reports the loss of data. */
const nobodyListens = (): void => {};

/** These run no code of a user, and write to the descriptors: they need no streams, which take a fifth of their CPU time. */
const withoutStreams = new Set<string | undefined>(["status", "runs", "logs", "why", "query"]);

async function start(args: readonly string[]): Promise<number> {
  if (!withoutStreams.has(args[0])) {
    process.stdout.on("error", nobodyListens);
    process.stderr.on("error", nobodyListens);
  }
  const [{ runCommandLine }, { pipeloomCli }, { stdout, stderr }] = await Promise.all([
    import("./cli/command-line.ts"),
    import("./commands/pipeloom-cli.ts"),
    import("./cli/outputs.ts"),
  ]);
  return await runCommandLine(args, pipeloomCli, { stdout, stderr, env: process.env });
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
