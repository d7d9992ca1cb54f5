// The package manager of the runtime, as a part of pipeloom: what it prints names commands that a person here has.

import { colorLevel } from "../base/palette.ts";
import { LineBuffer } from "../base/line-buffer.ts";
import { writeAll } from "../base/streams.ts";
import { TextDecoder } from "../base/globals.ts";
import { projectFolder, provideModules, runBun } from "./be-bun.ts";

/** Runs `add` or `install`, and then writes what pipeloom provides. @returns the exit code */
export async function managePackages(
  command: "add" | "install",
  args: readonly string[],
): Promise<number> {
  const code = await runBun([command, ...args], {
    pipe: (stream, to) => reworded(stream, to),
    // Its output goes through a pipe, so it would not see that a terminal shows it.
    env: colorLevel(process.env, process.stderr.isTTY) > 0 ? { FORCE_COLOR: "1" } : {},
  });
  if (code === 0) await provideModules(projectFolder("."));
  return code;
}

async function reworded(stream: ReadableStream<Uint8Array>, fd: number): Promise<void> {
  let isAfterBanner = false;
  let isHelp = false;
  const lines = new LineBuffer((line) => {
    // Its own help, after flags without a package: an error says so already.
    isHelp ||= line.replaceAll(colors, "").startsWith("Usage: bun ");
    if (isHelp) return;
    const text = rewordedLine(line);
    // A blank line follows the banner.
    const isShown = text !== undefined && !(isAfterBanner && text === "");
    isAfterBanner = text === undefined;
    if (isShown) writeAll(fd, `${text}\n`);
  });
  const decoder = new TextDecoder();
  for await (const chunk of stream) lines.write(decoder.decode(chunk, { stream: true }));
  lines.end();
}

// eslint-disable-next-line no-control-regex
const colors = /\x1b\[[\d;]*m/g;

/** Undefined for the banner with the runtime's version. */
export function rewordedLine(line: string): string | undefined {
  if (/^bun (?:add|install) v\d/.test(line.replaceAll(colors, ""))) return undefined;
  return (
    line
      .replaceAll(
        /Run `bun pm untrusted` for details\.?/g,
        'To allow them, name the packages in "trustedDependencies" of package.json, and run pipeloom install.',
      )
      // Not the file names bun.lock and bunfig.toml, nor bun-types and bun.com.
      .replaceAll(/(?<![\w@/.-])bun(?![\w@/.-])/g, "pipeloom")
  );
}
