import { expect, test } from "bun:test";

import { paramWords } from "../../src/api/param-words.ts";
import { resolveParams, type StandardSchema } from "../../src/api/params.ts";

const defaults = { limit: 100, name: "x", deep: true, tags: ["a"], any: null };

const wordsOf = async (
  spec: Parameters<typeof resolveParams>[0],
  given: Readonly<Record<string, unknown>>,
) => paramWords(spec, given, await resolveParams(spec, given));

test("each given value, as text that is read back as the same value", async () => {
  expect(await wordsOf(defaults, {})).toEqual([]);
  const given = { limit: 5, name: "7", deep: false, tags: ["b c", "d"], any: "y" };
  const texts = ["limit=5", "name=7", "deep=false", 'tags=["b c","d"]', "any=y"];
  expect(await wordsOf(defaults, given)).toEqual(texts.flatMap((text) => ["--param", text]));
});

test("none where text would be another value", async () => {
  // Without a default, nothing says that 5 is meant, and not "5".
  expect(await wordsOf(defaults, { any: 5 })).toBeUndefined();
  expect(await wordsOf({ "a=b": "x" }, { "a=b": "y" })).toBeUndefined();
  const evenText: StandardSchema<Record<string, unknown>> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => ({ value: value as Record<string, unknown> }),
    },
  };
  expect(await wordsOf(evenText, { id: "5" })).toEqual(["--param", "id=5"]);
  expect(await wordsOf(evenText, { id: 5 })).toBeUndefined();
});
