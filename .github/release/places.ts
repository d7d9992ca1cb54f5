// Finds the places of a stack in the source: the executable has no source maps. They are made from the checkout, which must
// be the one that the executable was made from (`pipeloom --version` shows its commit).
//
//   bun .github/release/places.ts < stack.txt                    of an executable for this machine
//   bun .github/release/places.ts linux-arm64-musl < stack.txt   of one for another

import { SourceMap } from "node:module";

import { commitName, hostTarget, sourceMaps } from "./compile.ts";
import { targetNamed } from "./targets.ts";

const frame = /(?:\/\$bunfs\/root\/|B:[\\/]~BUN[\\/]root[\\/])([^\s():]+):(\d+):(\d+)/g;

/** The text with `src/engine/run.ts:3:7` in place of `/$bunfs/root/chunk-a1b2c3d4.js:2:1234`, where a map has it. */
export function withPlaces(text: string, maps: ReadonlyMap<string, string>): string {
  const known = new Map<string, SourceMap>();
  return text.replace(frame, (whole: string, file: string, line: string, column: string) => {
    const name = file.replaceAll("\\", "/");
    const map = maps.get(name);
    if (map === undefined) return whole;
    const parsed = known.get(name) ?? new SourceMap(JSON.parse(map));
    known.set(name, parsed);
    const entry = parsed.findEntry(Number(line) - 1, Number(column) - 1);
    if (!("originalSource" in entry)) return whole;
    return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

if (import.meta.main) {
  const [name] = process.argv.slice(2);
  const target = name === undefined ? hostTarget() : targetNamed(name);
  const text = await Bun.stdin.text();
  await Bun.write(Bun.stdout, withPlaces(text, await sourceMaps(target, await commitName())));
}
