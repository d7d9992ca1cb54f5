#!/usr/bin/env bun
// The program. The only `process.exit` is here; everything else returns an exit code.

import { versionLine } from "./version.ts";

/** A reader that left (`| head -1`) is no error: the program ends, unless the command listens and decides itself. */
function onStdoutError(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  if (process.stdout.listenerCount("error") === 1) process.exit(0);
}

/** With nobody to read messages there is nobody to tell; the work goes on. */
function onStderrError(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

async function start(args: readonly string[]): Promise<number> {
  process.stdout.on("error", onStdoutError);
  process.stderr.on("error", onStderrError);
  const [{ main }, { commandTable }] = await Promise.all([
    import("./commands/main.ts"),
    import("./commands/table.ts"),
  ]);
  const { stdout, stderr, env } = process;
  return await main(args, { commands: commandTable, stdout, stderr, env });
}

const args = process.argv.slice(2);
// Before anything is loaded: the start-up time of this one is measured.
if (args.length === 1 && args[0] === "--version") console.log(versionLine);
else process.exit(await start(args));
