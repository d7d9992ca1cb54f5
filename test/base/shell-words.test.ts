import { expect, test } from "bun:test";

import { shellWord, splitWords } from "../../src/base/shell-words.ts";

test.each(["etl.ts:nightly", "day=2026-11-03", "a b", "it's", "", "$HOME", "~/x", "a\nb", "=ls"])(
  "%j is quoted so that a shell reads it back",
  (word) => {
    const quoted = shellWord(word);
    expect(splitWords(quoted)).toEqual([word]);
    if (process.platform === "win32") return;
    const { stdout } = Bun.spawnSync(["sh", "-c", `printf %s ${quoted}`]);
    expect(stdout.toString()).toBe(word);
  },
);

test("plain words stay as they are", () => {
  expect(["etl.ts:nightly", "day=2026-11-03", "/a/b.db"].map(shellWord)).toEqual([
    "etl.ts:nightly",
    "day=2026-11-03",
    "/a/b.db",
  ]);
});
