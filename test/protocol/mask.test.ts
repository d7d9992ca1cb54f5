import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";

import * as fc from "fast-check";

import { Mask, secretNamesIn } from "../../src/protocol/mask.ts";

type Env = Record<string, string | undefined>;

function maskIn(env: Env): Mask {
  const mask = Mask.of(Object.keys(env), env);
  if (mask === undefined) throw new Error("nothing to mask");
  return mask;
}

const maskOf = (...values: readonly string[]): Mask =>
  maskIn(Object.fromEntries(values.map((value, i) => [`KEY${i}`, value])));

// The characters that printing, JSON and URLs write in a way of their own.
const oddSecret = fc
  .string({
    unit: fc.constantFrom(...Array.from("'\"`\\$%&+/?#@ <>{}|^~!\u0001\t\bé😀ab.:;=")),
    minLength: 8,
    maxLength: 20,
  })
  .filter((text) => text.trim() === text && text.length >= 8);

/** Which quotes are around a secret depends on those in it. */
const withQuotes = (text: string): string => text.replaceAll(/["`]/g, "'");

describe("printed by", () => {
  const printers: readonly (readonly [string, (secret: string) => string])[] = [
    ["console.log", (secret) => inspect({ password: secret })],
    ["console.log, in a text with quotes", (secret) => inspect([`it's "${secret}" and \`x\``])],
    ["JSON", (secret) => JSON.stringify({ password: secret })],
    ["encodeURIComponent", (secret) => encodeURIComponent(secret)],
    ["URLSearchParams", (secret) => String(new URLSearchParams({ key: secret }))],
  ];
  test.each(printers)("%s: nothing of a secret is left", (_, print) => {
    fc.assert(
      fc.property(oddSecret, (secret) => {
        const masked = maskOf(secret).text(print(secret));
        expect(withQuotes(masked)).toBe(withQuotes(print("STARS").replace("STARS", "***")));
      }),
    );
  });

  test.each([
    ["a path", (url: URL, secret: string) => (url.pathname = `/a/${secret}`), "/a/***"],
    ["a query", (url: URL, secret: string) => (url.search = `?k=${secret}`), "/?k=***"],
    ["a password", (url: URL, secret: string) => (url.password = secret), "//:***@host/"],
    ["a fragment", (url: URL, secret: string) => (url.hash = secret), "/#***"],
  ])("a URL with it as %s", (_, set, end) => {
    for (const secret of ["pa ss'w\"ord<é>", "100%\\back{x}", "semi;colon:@|^"]) {
      const url = new URL("http://host/");
      set(url, secret);
      expect(maskOf(secret).text(url.href)).toEndWith(end);
    }
  });
});

describe("text", () => {
  test.each([
    ["a secret", ["hunter2-hunter"], "my hunter2-hunter!", "my ***!"],
    ["inside of a word", ["longsecret"], "xlongsecretx", "x***x"],
    ["twice", ["hunter22"], "hunter22hunter22", "******"],
    ["a short one inside a long one", ["abcd", "abcdefgh"], "abcdefgh abcd", "*** ***"],
    ["with a quote, as JSON has it", ['pass"word'], JSON.stringify('pass"word'), '"***"'],
    ["JSON in JSON", ['pass"word'], JSON.stringify(JSON.stringify('pass"word')), '"\\"***\\""'],
    ["as a URL has it", ["p@ss/word+1"], "https://x/?k=p%40ss%2Fword%2B1", "https://x/?k=***"],
    ["with what means something in a pattern", ["$&.*(a|b)"], "x $&.*(a|b) y", "x *** y"],
    [
      "a short one, as a word",
      ["test"],
      "test: the latest contest, test.",
      "***: the latest contest, ***.",
    ],
    ["a short one beside letters of any script", ["été"], "été étés l'été", "*** étés l'***"],
    ["a short one of a pattern's characters", ["a.b-c"], "a.b-c axb-c", "*** axb-c"],
    ["an empty one", [""], "nothing", "nothing"],
  ])("%s", (_, secrets, text, masked) => {
    expect(maskOf(...secrets).text(text)).toBe(masked);
  });

  test("a secret of several lines is masked line by line, as it is printed", () => {
    const key = "-----BEGIN-----\nMIIEvQIBADAN\nAbCd==\n}\n-----END-----";
    const mask = maskOf(key);
    for (const line of ["-----BEGIN-----", "MIIEvQIBADAN", "AbCd=="]) {
      expect(mask.text(`| ${line}`)).toBe("| ***");
    }
    expect(mask.text(key)).toBe("***");
    expect(mask.text("{}")).toBe("{}");
  });

  test("a value that is set or changed later is masked too, and the one before still", () => {
    const env: Env = { TOKEN: undefined };
    const mask = Mask.of(["TOKEN"], env);
    expect(mask?.text("first-token")).toBe("first-token");
    env["TOKEN"] = "first-token";
    expect(mask?.text("first-token")).toBe("***");
    env["TOKEN"] = "second-token";
    expect(mask?.text("first-token second-token")).toBe("*** ***");
    expect(mask?.longest).toBe("second-token".length);
  });
});

test("without names there is no mask; short values are reported", () => {
  expect(Mask.of([], { A: "x" })).toBeUndefined();
  const env = { A: "abc", B: "long enough", C: "", D: undefined };
  expect(Mask.of(["A", "B", "C", "D"], env)?.shortNames).toEqual(["A"]);
});

test("property: no secret is left in the text, wherever the value has it", () => {
  const secret = fc.string({ unit: "grapheme", minLength: 8, maxLength: 12 }).filter(
    // Text that the frame has anyway looks the same as the secret.
    (text) => text.trim().length >= 8 && !/^[*{}[\],:"]+$/.test(text),
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

test("of a record, what is the user's stays as it is", () => {
  const mask = maskOf("the-secret", "done");
  const record = {
    type: "finished",
    id: 1,
    name: "load the-secret",
    outcome: { status: "done", result: '"the-secret"' },
    failure: { name: "Error", message: "done with the-secret", cause: { message: "the-secret" } },
    at: null,
  };
  expect(mask.data(record)).toEqual({
    type: "finished",
    id: 1,
    name: "load ***",
    outcome: { status: "done", result: '"the-secret"' },
    failure: { name: "Error", message: "*** with ***", cause: { message: "***" } },
    at: null,
  });
});

test("an error keeps its class, and loses the secret from all that it says", () => {
  class Own extends Error {}
  const error = new Own("GET the-secret failed", { cause: new Error("the-secret") });
  const masked = maskOf("the-secret").error(error);
  expect(masked).toBeInstanceOf(Own);
  expect(masked).toHaveProperty("message", "GET *** failed");
  expect(masked).toHaveProperty("cause.message", "***");
  expect(error.stack).not.toContain("the-secret");
});

test.each([
  [{ a: { b: [0, "x the-secret"] } }, "result.a.b[1]"],
  [{ "the-secret": 1 }, 'result["***"]'],
  ["the-secret", "result"],
  [["line two"], "result[0]"],
  [{ json: JSON.stringify({ q: 'a "quoted" secret' }) }, "result.json"],
  ["https://x/?q=a%20%22quoted%22%20secret", "result"],
])("a value that holds a secret is refused by its place: %j", (value, path) => {
  const mask = maskIn({
    TOKEN: "the-secret",
    SHORT: "abc",
    KEY: "line one\nline two",
    QUOTED: 'a "quoted" secret',
  });
  expect(mask.placeIn(JSON.stringify(value), "result")?.path).toBe(path);
  expect(mask.placeIn(JSON.stringify({ a: "abc", b: "the" }), "result")).toBeUndefined();
});

test("names of secrets are found in the text of a file that cannot be loaded", () => {
  const source = `export default pipeline({ name: "x", secrets: ["A_TOKEN", 'B'], "secrets": [\`C\`,\n "D" ] })`;
  expect(secretNamesIn(source)).toEqual(["A_TOKEN", "B", "C", "D"]);
  expect(secretNamesIn("no such thing")).toEqual([]);
});
