// `--params` and `--param` from random text and bytes: a value is taken as it is written, or refused. Never altered.

import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { ParamsError, resolveParams } from "../../src/api/params.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { readParams } from "../../src/commands/param-flags.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { fuzz } from "./fuzz.ts";
import { mutated } from "./mutated.ts";
import {
  assertSame,
  blanks,
  exact,
  isKept,
  number,
  type Paper,
  paper,
  text,
  written,
} from "./paper-json.ts";

setDefaultTimeout(24 * 3_600_000);

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());
const file = join(folder.path, "params.json");

/** What `--params` reads; undefined if it refuses the bytes, with a message that names the file. */
async function read(bytes: Uint8Array | string): Promise<Record<string, unknown> | undefined> {
  writeFileSync(file, bytes);
  try {
    return await readParams([], file);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.message).toStartWith(`--params ${file}: `);
    expect(error.message.length).toBeLessThan(600);
    return undefined;
  }
}

test("JSON of --params is taken as it is written, or refused where JSON.parse would alter it", async () => {
  const input = fc.tuple(fc.array(fc.tuple(text, paper), { maxLength: 4 }), blanks);
  await fuzz(
    "JSON of --params",
    input,
    async ([members, stream]) => {
      const value: Paper = { kind: "object", members };
      const blank = (): string => stream.next().value as string;
      const found = await read(written(value, blank));
      expect(found !== undefined).toBe(isKept(value));
      if (found === undefined) return;
      assertSame(found, value);
      // Over defaults that take any value, and through the text in which params reach the tasks.
      const defaults = Object.fromEntries(members.map(([key]) => [key.value, null]));
      assertSame(await resolveParams(defaults, found), value);
    },
    5,
  );
});

test("bytes of --params that were changed: what JSON.parse makes of them, or refused", async () => {
  const input = fc
    .tuple(
      fc.array(fc.tuple(text, paper), { maxLength: 4 }),
      fc.constantFrom("", "\ufeff"),
      fc.constantFrom("utf8", "utf16le"),
    )
    .chain(([members, mark, encoding]) =>
      mutated(
        Buffer.from(mark + written({ kind: "object", members }, () => ""), encoding as "utf8"),
      ),
    );
  await fuzz(
    "bytes of --params",
    input,
    async (bytes) => {
      const found = await read(bytes);
      if (found === undefined) return;
      const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8";
      expect(found).toEqual(
        JSON.parse(new TextDecoder(encoding, { fatal: true }).decode(bytes)) as Record<
          string,
          unknown
        >,
      );
    },
    3,
  );
});

test("nesting of any depth is taken or refused", async () => {
  const input = fc.tuple(
    fc.oneof(fc.nat(1200), fc.nat(100_000)),
    fc.constantFrom('{"a":', "[", '[{"":'),
  );
  await fuzz(
    "nesting of --params",
    input,
    async ([depth, open]) => {
      const close = open
        .split("")
        .toReversed()
        .map((char) => ({ "{": "}", "[": "]" })[char] ?? "")
        .join("");
      const found = await read(`{"a":${open.repeat(depth)}1${close.repeat(depth)}}`);
      const levels = depth * close.length + 1;
      expect(found !== undefined).toBe(levels <= 1000);
      if (found !== undefined) await resolveParams({ a: null }, found);
    },
    1,
  );
});

// ── --param name=value ──

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    " ",
    "true",
    "FALSE",
    "yes",
    "off",
    "1",
    "0",
    "null",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "1e3",
    " 5 ",
    "[1,2]",
    '{"a":1}',
    "[1,",
    '"x"',
    "٣",
    "1e400",
    "-0",
    "1n",
  ),
  number.map((value) => (value as { literal: string }).literal),
  paper.map((value) => written(value, () => "")),
);
const defaults = { number: 1, boolean: false, text: "t", list: [1], object: { a: 1 }, none: null };

test("--param is converted to the type of its default, exactly, or refused", async () => {
  const input = fc.tuple(
    fc.constantFrom(
      ...(Object.keys(defaults) as (keyof typeof defaults)[]),
      "__proto__",
      "constructor",
      "other",
    ),
    anyText,
  );
  await fuzz(
    "--param",
    input,
    async ([name, value]) => {
      let found: Record<string, unknown>;
      try {
        found = await resolveParams(defaults, await readParams([`${name}=${value}`], undefined));
      } catch (error) {
        if (!(error instanceof ParamsError)) throw error;
        expect(error.message).toContain(`parameter "${name}"`);
        expect(["text", "none"]).not.toContain(name);
        return;
      }
      expect(Object.keys(found)).toEqual(Object.keys(defaults));
      for (const key of Object.keys(defaults) as (keyof typeof defaults)[]) {
        if (key !== name) expect(found[key]).toEqual(defaults[key]);
      }
      const got = found[name];
      if (name === "number")
        expect(exact(String(got))).toEqual(exact(value.trim().replace(/^\+/, "")));
      else if (name === "boolean")
        expect(/^\s*(?:true|yes|on|1)\s*$/i.test(value)).toBe(got as boolean);
      else if (name === "text" || name === "none") expect(got).toBe(value);
      // Not deeply equal: -0 is 0.
      else expect(JSON.stringify(got)).toBe(JSON.stringify(JSON.parse(value)));
    },
    3,
  );
});
