import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { width } from "../../src/base/text.ts";
import { type Item, labelled, labelOf, ownLabel, titleOf } from "../../src/protocol/label.ts";
import { storedInput } from "../../src/protocol/stored-input.ts";

const labels: readonly (readonly [input: string, label: string | undefined])[] = [
  ['{"day":"2025-05-13"}', "day=2025-05-13"],
  ['{"day":"2025-05-13","n":-3.5e2,"dry":true}', "day=2025-05-13 n=-3.5e2 dry=true"],
  ['{"deep":{"a":[1,"}{"],"b":{"c":"]"}},"n":1,"list":[{}],"m":2}', "n=1 m=2"],
  ['{ "a" : 1 , "b" : "x" }', "a=1 b=x"],
  ['"2025-05-13"', "2025-05-13"],
  ["17", "17"],
  ["false", "false"],
  ["null", undefined],
  ["[1,2]", undefined],
  ["{}", undefined],
  ['{"rows":[1],"nothing":null}', undefined],
  ['{"a":"two words","b":"","c":"x=y"}', 'a="two words" b="" c="x=y"'],
  ['{"a":"\\u001b[2J\\u202e\\n"}', "a=␛[2J\\u202e␊"],
  // Cut: a number without its end would be another one.
  ['{"a":1,"rows":…', "a=1"],
  ['{"a":1,"n":12…', "a=1"],
  ["12…", undefined],
  ['{"text":"begins…', "text=begins…"],
  ['{"text":"a\\u12…', "text=…"],
  ['{"a":1,"te…', "a=1"],
  ["", undefined],
  ["not JSON", undefined],
];

test.each(labels)("the label of %s", (input, label) => {
  expect(labelOf({ input })).toBe(label);
});

test("a long value, and a long label, are cut in the middle", () => {
  const url = "https://example.com/2025/05/13/orders/part-000017.json";
  expect(labelOf({ input: JSON.stringify({ url }) })).toBe(
    "url=https://example.com/…rs/part-000017.json",
  );
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key${i}`, i]));
  expect(labelOf({ input: JSON.stringify(many) })).toBe(
    "key0=0 key1=1 key2=2 key3=3 ke…36 key37=37 key38=38 key39=39",
  );
});

test("of a huge input, only the beginning is looked at", () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => i);
  expect(labelOf({ input: JSON.stringify({ day: 1, rows, last: 2 }) })).toBe("day=1");
});

test("property: whatever the input, a label is one line of at most 60 columns, without control characters", () => {
  const inputs = fc
    .tuple(fc.json(), fc.nat(60))
    .map(([text, end]) => [text, storedInput(text, end + 1, undefined) ?? ""]);
  fc.assert(
    fc.property(inputs, (texts) => {
      for (const input of texts) {
        const label = labelOf({ input }) ?? "x";
        expect(label).not.toBe("");
        expect(width(label)).toBeLessThanOrEqual(60);
        // eslint-disable-next-line no-control-regex
        expect(label).not.toMatch(/[\x00-\x1f\x7f]/);
      }
    }),
    { numRuns: 500 },
  );
});

test("property: each scalar of an object is in its label, if that is short", () => {
  const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[a-z0-9-]{1,6}$/));
  const key = fc.stringMatching(/^[a-z]{1,5}$/);
  const member = fc.tuple(key, fc.oneof(scalar, fc.array(fc.jsonValue()), fc.object()));
  fc.assert(
    fc.property(fc.uniqueArray(member, { selector: ([name]) => name, maxLength: 3 }), (members) => {
      const shown = members
        .filter(([, value]) => typeof value !== "object")
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(" ");
      const label = labelOf({ input: JSON.stringify(Object.fromEntries(members)) });
      if (JSON.stringify(Object.fromEntries(members)).length < 1000 && shown.length <= 60)
        expect(label ?? "").toBe(shown);
    }),
  );
});

test("an author's label goes before the input; an empty one says that the name is enough", () => {
  const input = '{"day":1}';
  expect(labelOf({ label: "monday", input })).toBe("monday");
  expect(labelOf({ label: "", input })).toBeUndefined();
  expect([titleOf("load", "day=1"), titleOf("load", null)]).toEqual(["load day=1", "load"]);
  expect(ownLabel(`${"x".repeat(199)}😀`)).toBe(`${"x".repeat(199)}\ufffd…`);
});

test("outside there is the label, and not the input that it is made of", () => {
  const event = { type: "task-started", id: 1 };
  const shown = (item: Item): object => labelled({ ...event, ...item });
  expect(shown({ input: '{"day":1}' })).toEqual({ ...event, label: "day=1" });
  expect(shown({ input: "null", label: undefined })).toEqual(event);
  expect(shown({ label: "" })).toEqual(event);
  expect(labelled(event)).toBe(event);
});
