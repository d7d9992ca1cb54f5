import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

import { hostTarget, sourceMaps } from "../../.github/release/compile.ts";
import { withPlaces } from "../../.github/release/places.ts";
import { executable, repository, run } from "../support/program.ts";

const stack = (frames: readonly string[]): string => ["Error: no", ...frames].join("\n    at ");

const isCold = (name: string): boolean => name.startsWith("cold/");

/** Line 2, column 5 of the bundle is line 11, column 3 of `deep.ts`. */
const map = JSON.stringify({
  version: 3,
  sources: ["src/deep.ts"],
  names: [],
  mappings: ";IAUE",
});

test("frames of the executable get their places in the source; others stay", () => {
  const maps = new Map([["worker/main.js", map]]);
  const text = stack([
    "a (/$bunfs/root/worker/main.js:2:5)",
    "b (B:\\~BUN\\root\\worker\\main.js:2:9)",
    "c (/$bunfs/root/chunk-00000000.js:2:5)",
    "d (/srv/etl.ts:2:5)",
  ]);
  expect(withPlaces(text, maps)).toBe(
    stack([
      "a (src/deep.ts:11:3)",
      "b (src/deep.ts:11:3)",
      "c (/$bunfs/root/chunk-00000000.js:2:5)",
      "d (/srv/etl.ts:2:5)",
    ]),
  );
});

test.skipIf(!existsSync(executable))(
  "each file of the executable has a map: the names have hashes of what is in the files",
  async () => {
    const { out } = await run([executable, "--version"], repository);
    const [, commit = ""] = /\(([^ ()]+)/.exec(out) ?? [];
    const maps = await sourceMaps(hostTarget(), commit);
    const bytes = readFileSync(executable);
    const names = [...maps.keys()].filter((name) => name.endsWith(".js") && !isCold(name));
    expect(names.filter((name) => !bytes.includes(`root/${name}`))).toEqual([]);
    const files = new Set(
      bytes.toString("latin1").match(/(?<=root\/)(?:chunk-[a-z0-9]{8}|[a-z/]+\/main)\.js/g),
    );
    expect(files.size).toBeGreaterThan(100);
    expect([...files].filter((name) => !maps.has(name))).toEqual([]);
    const cold = [...maps].filter(([name]) => isCold(name));
    expect(cold.length).toBeGreaterThan(100);
    for (const [name, text] of cold) {
      const { sources } = JSON.parse(text) as { readonly sources: readonly string[] };
      expect(sources).toEqual([name.replace("cold/", "src/").replace(/\.js$/, ".ts")]);
    }
  },
  180_000,
);
