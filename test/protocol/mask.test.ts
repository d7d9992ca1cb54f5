import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { taskId } from "../../src/protocol/ids.ts";
import { Mask } from "../../src/protocol/mask.ts";
import { encodeRows, insertTarget } from "../../src/worker/rows.ts";
import { readRows, rowsOf } from "../support/read-rows.ts";

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
  const mask = maskOf("hunter2", "rows", "tttt");
  const rows = [
    { a: "a", b: "hunter2", c: "tttt", d: "x", e: 1 },
    { a: "hunter2!", b: "x", c: "rows", d: "y", e: 2 },
  ];
  const posts: string[] = [];
  encodeRows(rows, insertTarget(taskId(1), "t"), (post) => void posts.push(post));
  const part = readRows(mask.part(posts[0] ?? ""));
  // The letters of the kinds are such a secret themselves.
  expect(posts[0]).toContain('"ttttn"');
  expect(part.columns).toEqual(["a", "b", "c", "d", "e"]);
  expect(rowsOf(part)).toEqual([
    ["a", "***", "***", "x", 1],
    ["***!", "x", "***", "y", 2],
  ]);
  const clean = "#nothing here";
  expect(maskOf("hunter2").part(clean)).toBe(clean);

  // In a cell that travels as JSON, and holds JSON of JSON.
  const quoted = maskOf('pa"ss\\word');
  const cell = `\u001f${JSON.stringify({ text: JSON.stringify('pa"ss\\word') })}`;
  encodeRows([{ a: cell }], insertTarget(taskId(1), "t"), (post) => void posts.push(post));
  expect(JSON.stringify(rowsOf(readRows(quoted.part(posts.at(-1) ?? ""))))).not.toContain("ss");
});
