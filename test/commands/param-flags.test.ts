import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { readParams } from "../../src/commands/param-flags.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { tempFolder } from "../support/temp-folder.ts";

async function fromFile(
  content: string | Uint8Array,
  pairs: readonly string[] = [],
): Promise<Record<string, unknown>> {
  using folder = tempFolder();
  const path = join(folder.path, "p.json");
  await Bun.write(path, content);
  try {
    return await readParams(pairs, path);
  } catch (error) {
    if (error instanceof UsageError)
      throw new Error(error.message.replace(path, "p.json"), { cause: error });
    throw error;
  }
}

describe("--param", () => {
  test("everything behind the first = is the value", async () => {
    expect(await readParams(["a=", "b==", "c=x=y", "d= x "], undefined)).toEqual({
      a: "",
      b: "=",
      c: "x=y",
      d: " x ",
    });
  });

  test("a name that objects have is one like others", async () => {
    const params = await readParams(["__proto__=1", "constructor=2"], undefined);
    expect(Object.entries(params)).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });

  test("the same twice is fine, two values are not", async () => {
    expect(await readParams(["a=1", "a=1"], undefined)).toEqual({ a: "1" });
    expect(readParams(["a=1", "a=2"], undefined)).rejects.toThrow(
      '--param a is given twice: "1", then "2"',
    );
  });

  test.each(["b", "=5", ""])("%j is no pair", (pair) => {
    expect(readParams([pair], undefined)).rejects.toThrow("--param must be name=value, not ");
  });

  test("wins over the file", async () => {
    expect(await fromFile('{"a":1,"b":2}', ["a=3"])).toEqual({ a: "3", b: 2 });
  });
});

describe("--params", () => {
  test.each([
    ["UTF-8 with its mark", '\ufeff{"a":"ü"}'],
    ["UTF-16, as PowerShell writes it", Buffer.from('\ufeff{"a":"ü"}', "utf16le")],
  ])("%s", async (_, content) => {
    expect(await fromFile(content)).toEqual({ a: "ü" });
  });

  test.each<[what: string, content: string | Uint8Array, message: string]>([
    [
      "a number that would be rounded",
      '{"o":{"id":9007199254740993}}',
      'p.json: "o.id": 9007199254740993 has more digits than a number keeps (it would become 9007199254740992); put it in quotes: pass it as text',
    ],
    ["a name twice", '{"a":1,"a":2}', 'p.json: "a": is given twice; keep one of them'],
    ["other bytes", Uint8Array.of(0x7b, 0xff), "p.json: is not UTF-8 text; save it as UTF-8"],
    ["nothing", " \n", 'p.json: is empty; e.g. {"limit": 5}'],
    ["a list", "[1]", 'p.json: must hold an object of parameters, e.g. {"limit": 5}'],
    ["null", "null", 'p.json: must hold an object of parameters, e.g. {"limit": 5}'],
    ["no JSON", "{bad", "p.json: not JSON: JSON Parse error: Expected '}'"],
  ])("%s is refused", (_, content, message) => {
    expect(fromFile(content)).rejects.toThrow(`--params ${message}`);
  });

  test("a file that is not there, a folder", () => {
    using folder = tempFolder();
    expect(readParams([], join(folder.path, "none.json"))).rejects.toThrow(
      "cannot be read: no such file or directory",
    );
    expect(readParams([], folder.path)).rejects.toThrow("cannot be read: ");
  });
});
