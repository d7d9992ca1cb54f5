import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { assertJson, memberPath, NotJsonError, toJsonText } from "../../src/base/json.ts";

async function* none(): AsyncGenerator {}

function refusal(value: unknown): { path: string; found: string } {
  try {
    assertJson(value, "result");
  } catch (error) {
    if (error instanceof NotJsonError) return { path: error.path, found: error.found };
    throw error;
  }
  throw new Error("it was taken for JSON");
}

class Post {
  readonly id = 1;
}
const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

describe("what is not JSON is named, with its path", () => {
  test.each<[name: string, value: unknown, path: string, found: string]>([
    ["a Date", new Date(0), "result", "a Date"],
    ["a Date deep inside", [{ rows: [0, { at: new Date(0) }] }], "result[0].rows[1].at", "a Date"],
    ["a Map", { seen: new Map() }, "result.seen", "a Map"],
    ["a class instance", new Post(), "result", "a Post"],
    ["an Error", { e: new Error("x") }, "result.e", "an Error"],
    ["bytes", new Uint8Array(2), "result", "a Uint8Array"],
    ["a BigInt", { n: 1n }, "result.n", "a BigInt"],
    ["NaN", [Number.NaN], "result[0]", "NaN"],
    ["Infinity", Number.NEGATIVE_INFINITY, "result", "-Infinity"],
    ["undefined in a list", [1, undefined], "result[1]", "undefined"],
    ["undefined alone", undefined, "result", "undefined"],
    ["a function", { f: () => 0 }, "result.f", "a function"],
    ["a symbol", [Symbol("s")], "result[0]", "a symbol"],
    ["a promise", Promise.resolve(1), "result", "a Promise"],
    ["a key that is no identifier", { "a-b": 1n }, 'result["a-b"]', "a BigInt"],
    ["a key with a quote", { 'a"b': 1n }, 'result["a\\"b"]', "a BigInt"],
    ["what a generator returns", [none()], "result[0]", "an AsyncGenerator"],
    ["a made object", Object.create({ a: 1 }), "result", "an object with a prototype of its own"],
    ["a toJSON method", { toJSON: () => 1 }, "result", "an object with a toJSON method"],
  ])("%s", (_, value, path, found) => {
    expect(refusal(value)).toEqual({ path, found });
  });

  test("a value that holds itself", () => {
    expect(refusal(cyclic).found).toContain("does it hold itself?");
  });
});

test("a member that is undefined is left out; a whole that is undefined becomes null", () => {
  expect(toJsonText({ a: undefined, b: 1 }, "result")).toBe('{"b":1}');
  expect(toJsonText(undefined, "result")).toBe("null");
});

test("an object without a prototype is plain", () => {
  expect(toJsonText(Object.assign(Object.create(null), { a: 1 }), "result")).toBe('{"a":1}');
});

test("property: JSON values are taken as they stand", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(toJsonText(value, "result")).toBe(JSON.stringify(value));
    }),
  );
});

// -0 becomes 0 in JSON; to refuse it would help nobody.
const sameInJson = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("-0"));

/** The place that the path names, read as code. */
function follow(path: string, root: unknown): unknown {
  let at = root;
  for (const [, name, json] of path.matchAll(/\.([A-Za-z_$][\w$]*)|\[(\d+|"(?:[^"\\]|\\.)*")\]/g)) {
    const key: unknown = name ?? JSON.parse(json ?? "");
    at = Reflect.get(at as object, key as PropertyKey);
  }
  return at;
}

test("property: the path in the error is code that leads to the place", () => {
  const step = fc.oneof(fc.nat(3), fc.string({ maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), sameInJson, (steps, filler) => {
      const poison = new Date(0);
      const value = steps.reduceRight<unknown>(
        (inner, at) =>
          typeof at === "number"
            ? [...Array.from({ length: at }, () => filler), inner]
            : Object.fromEntries([
                ["filler", filler],
                [at, inner],
              ]),
        poison,
      );
      const { path } = refusal(value);
      expect(follow(path, value)).toBe(poison);
    }),
  );
});

test.each([
  ["name", "x.name"],
  ["$a", "x.$a"],
  ["0", 'x["0"]'],
  ["", 'x[""]'],
])("memberPath of %j", (key, path) => {
  expect(memberPath("x", key)).toBe(path);
});

test("the path of a value that holds itself is shortened", () => {
  const list: unknown[] = [];
  list.push(list);
  const { path, found } = refusal(list);
  expect(found).toContain("nested more than 1000 levels");
  expect(path).toMatch(/^result(?:\[0\])+.*…/);
  expect(path.length).toBeLessThan(200);
});
