#!/usr/bin/env bun
// The program. The only `process.exit` is here; everything else returns an exit code.

import { versionLine } from "./version.ts";

/** Of prints of user code and of messages: with nobody to read them there is nobody to tell. Data goes by `print`. */
const nobodyListens = (): void => {};

async function start(args: readonly string[]): Promise<number> {
  process.stdout.on("error", nobodyListens);
  process.stderr.on("error", nobodyListens);
  const [{ main }, { commandTable }, { print }] = await Promise.all([
    import("./cli/main.ts"),
    import("./commands/table.ts"),
    import("./cli/stdout.ts"),
  ]);
  const { stdout: out, stderr, env } = process;
  const stdout = { isTTY: out.isTTY, columns: out.columns, write: print };
  return await main(args, { commands: commandTable, stdout, stderr, env });
}

/** Loads nothing else: the start-up time of this one is measured. */
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
// What went wrong with stdout is said by the long way.
if (!wantsVersion || !(await isVersionPrinted())) process.exit(await start(args));
