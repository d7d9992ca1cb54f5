import { expect, test } from "bun:test";

import { againWords } from "../../../src/commands/backfill/backfill-words.ts";

test("the command to go on has what was typed, without the password of the engine", () => {
  const engine = "redis://:s3cret$&@10.0.0.5";
  const shown = "redis://***@10.0.0.5";
  for (const [typed, again] of [
    [
      ["--engine", engine],
      ["--engine", shown],
    ],
    [[`--engine=${engine}`], [`--engine=${shown}`]],
  ] as const) {
    const words = ["backfill", "etl.ts", ...typed, "--from", "30d"];
    const expected = ["backfill", "etl.ts", ...again, "--from", "30d"];
    expect(againWords(words, { rerun: [], engine }, false)).toEqual(expected);
    expect(againWords(words, { rerun: [], engine }, true)).toEqual([
      ...expected,
      "--rerun",
      "failed",
    ]);
  }
  const plain = ["backfill", "etl.ts", "--from", "30d"];
  expect(againWords(plain, { rerun: [], engine: undefined }, false)).toEqual(plain);
});
