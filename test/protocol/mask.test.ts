import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { taskId } from "../../src/protocol/ids.ts";
import { joinPart, readPart, takeTexts } from "../../src/protocol/unit-part.ts";
import { Mask } from "../../src/protocol/mask.ts";

function maskOf(...values: readonly string[]): Mask {
  const env = Object.fromEntries(values.map((value, i) => [`KEY${i}`, value]));
  const mask = Mask.of(Object.keys(env), env);
  if (mask === undefined) throw new Error("nothing to mask");
  return mask;
}

describe("text", () => {
  test.each([
    ["a secret", ["hunter2"], "my hunter2!", "my ***!"],
    ["twice", ["hunter2"], "hunter2hunter2", "******"],
    ["a short one inside a long one", ["abcd", "abcdefgh"], "abcdefgh abcd", "*** ***"],
    ["with a quote, as JSON has it", ['pa"ss'], JSON.stringify('pa"ss'), '"***"'],
    ["JSON in JSON", ['pa"ss'], JSON.stringify(JSON.stringify('pa"ss')), '"\\"***\\""'],
    ["with what means something in a pattern", ["$&.*"], "x $&.* y", "x *** y"],
  ])("%s", (_, secrets, text, masked) => {
    expect(maskOf(...secrets).text(text)).toBe(masked);
  });

  test("a secret of several lines is masked line by line, as it is printed", () => {
    const key = "-----BEGIN-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END-----";
    const mask = maskOf(key);
    for (const line of key.split("\n")) expect(mask.text(`| ${line}`)).toBe("| ***");
    expect(mask.text(key)).toBe("***");
  });
});

test("without a secret that is set and long enough there is no mask", () => {
  expect(Mask.of([], { A: "x" })).toBeUndefined();
  expect(Mask.of(["A", "B"], { A: "abc" })).toBeUndefined();
});

test("property: wherever it stands in a value, it is gone from the text", () => {
  const secret = fc.string({ unit: "grapheme", minLength: 6, maxLength: 12 }).filter(
    // What is in the frame anyway cannot be told from the secret.
    (text) => text.trim().length >= 6 && !/^[*{}[\],:"]+$/.test(text),
  );
  fc.assert(
    fc.property(secret, fc.jsonValue(), (text, value) => {
      const mask = maskOf(text);
      const inner = JSON.stringify({ text });
      const out = mask.stringify({ value, text, list: [text], [`key ${text}`]: 1, inner });
      const back = JSON.parse(out) as Record<string, unknown>;
      expect(back["text"]).toBe("***");
      expect(back["list"]).toEqual(["***"]);
      expect(JSON.parse(String(back["inner"]))).toEqual({ text: "***" });
      expect(back["key ***"]).toBe(1);
    }),
  );
});

test("rows keep their shape, and lose the secret", () => {
  const mask = maskOf("hunter2");
  const rows = [
    ["a", "hunter2", 1],
    ["hunter2!", null, true],
  ];
  const texts = takeTexts(rows);
  const record = {
    type: "rows",
    id: taskId(1),
    table: "t",
    columns: ["a", "b", "c"],
    onConflict: { action: "fail" },
    rows,
  };
  const part = mask.part(joinPart(JSON.stringify(record), texts));
  expect(readPart(part)).toEqual({
    ...record,
    rows: [
      ["a", "***", 1],
      ["***!", null, true],
    ],
  } as never);
  const clean = joinPart("{}", ["nothing here"]);
  expect(mask.part(clean)).toBe(clean);
});
