import { expect, test } from "bun:test";
import { textOf } from "../../../src/formats/http/body.ts";
import {
  type Format,
  formatOf,
  type JsonRow,
  jsonRecords,
  parseSelect,
  selected,
} from "../../../src/formats/json/json-rows.ts";
import { failure } from "../../support/raw-server.ts";

async function* inPieces(body: string, chars: number): AsyncGenerator<string> {
  for (let at = 0; at < body.length; at += chars) yield body.slice(at, at + chars);
}

/** Also checks that the rows do not depend on how the text is split. */
async function rowsOf(body: string, format: Format = "auto", path = ""): Promise<JsonRow[]> {
  const read = async (chars: number): Promise<JsonRow[]> => {
    const records = await Array.fromAsync(jsonRecords(inPieces(body, chars), format, path));
    return records.map(({ row }) => row);
  };
  const rows = await read(body.length + 1);
  expect(await read(1)).toEqual(rows);
  return rows;
}

test("an array, a nested array, one object, lines", async () => {
  expect(await rowsOf('[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }]);
  expect(await rowsOf('{"data":{"items":[{"a":1}]}}', "json", "data.items")).toEqual([{ a: 1 }]);
  expect(await rowsOf('{"a":1}')).toEqual([{ a: 1 }]);
  expect(await rowsOf('{"a":"é"}\r\n\n{"a":2}', "jsonl")).toEqual([{ a: "é" }, { a: 2 }]);
  expect(await rowsOf("", "jsonl")).toEqual([]);
});

test("auto: lines and sequences are detected by their beginning, and so is a multi-line object", async () => {
  expect(await rowsOf('{"a":1}\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
  expect(await rowsOf('\n {\n"a":1}\n')).toEqual([{ a: 1 }]);
  expect(await rowsOf('{"data":[{"a":1}]}\n', "auto", "data")).toEqual([{ a: 1 }]);
});

test("a JSON text sequence (RFC 7464) with line breaks inside values", async () => {
  const sequence = '\u001e{"a":1}\n\u001e{\n"a":2}\n\u001e\u001e{"a":3}';
  for (const format of ["auto", "json", "jsonl"] as const)
    expect(await rowsOf(sequence, format)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  expect(await failure(rowsOf('\u001e{"a":1}\n\u001e{"a":'))).toStartWith("record 2 is not JSON");
});

test("a path inside lines", async () => {
  const lines = '{"items":[{"a":1},{"a":2}]}\n{"items":[]}\n{"items":[{"a":3}]}';
  expect(await rowsOf(lines, "jsonl", "items")).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  expect(await failure(rowsOf('{"items":[1]}\n{}', "jsonl", "items"))).toBe(
    "line 1: items[0] is 1, not an object",
  );
});

test("a value that is not a row is an error with its place", async () => {
  expect(await failure(rowsOf("<html>", "json"))).toBe(
    'the response is not JSON; it begins with "<html>"',
  );
  expect(await failure(rowsOf(" \n", "auto"))).toBe("the response is empty, so it is not JSON");
  expect(await failure(rowsOf('{"a":1}\n{"a":', "jsonl"))).toStartWith("line 2 is not JSON");
  expect(await failure(rowsOf('{"a":1}\n{"a":2}', "json"))).toContain("--format jsonl");
  expect(await failure(rowsOf("[1]", "json"))).toBe("[0] is 1, not an object");
  expect(await failure(rowsOf("[9007199254740993]", "json"))).toBe(
    "[0] is 9007199254740993, not an object",
  );
});

const failureAt = (json: string, format: "json" | "jsonl"): Promise<string> =>
  failure(rowsOf(json, format, "x.y"));

test("a missing path is an error that lists the existing names", async () => {
  expect(await failureAt("{}", "json")).toBe("the response has no x.y");
  expect(await failureAt('{"x":{},"a":1}', "json")).toBe("the response has no x.y; it has: x, a");
  expect(await failureAt('{"x":{"y":[]}}\n{"error":"no"}', "jsonl")).toBe(
    "line 2 has no x.y; it has: error",
  );
  const wide = JSON.stringify(
    Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`c${i}`, i])),
  );
  expect(await failureAt(wide, "json")).toEndWith("c8, c9, …");
  expect(await failureAt('{"x":{"y":null}}', "json")).toBe("x.y[0] is null, not an object");
});

async function* bytesOf(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const byte of bytes) yield new Uint8Array([byte]);
}

async function text(bytes: Uint8Array<ArrayBuffer>, type: string | null): Promise<string> {
  return (await Array.fromAsync(textOf(bytesOf(bytes), type))).join("");
}

test("text is decoded by its declared charset, never by a guess", async () => {
  expect(await text(Buffer.from("\ufeff→é"), null)).toBe("→é");
  const latin = Buffer.from("é", "latin1");
  expect(await text(latin, 'application/json; charset="ISO-8859-1"')).toBe("é");
  expect(await failure(text(latin, "application/json"))).toContain("not UTF-8");
  expect(await failure(text(latin, "application/json; charset=none"))).toContain("charset is none");
});

test("formats", () => {
  expect(formatOf("http://x/a.jsonl?x=1", null)).toBe("jsonl");
  expect(formatOf("http://x/a.ndjson.gz", null)).toBe("jsonl");
  expect(formatOf("http://x/a", "application/x-ndjson; charset=utf-8")).toBe("jsonl");
  expect(formatOf("http://x/a", "application/geo+json-seq")).toBe("jsonl");
  expect(formatOf("http://x/a.json", "application/json")).toBe("auto");
});

test("selected columns; a missing one is omitted", () => {
  const select = parseSelect("id, author = user.name,none,dotted=a.b");
  expect(selected({ id: 1, user: { name: "ada" }, x: 2, "a.b": 3 }, select)).toEqual({
    id: 1,
    author: "ada",
    dotted: 3,
  });
  expect(selected({ id: null }, select)).toEqual({ id: null });
  expect(selected({ a: 1 }, parseSelect(""))).toEqual({ a: 1 });
  expect(() => parseSelect("=x")).toThrow("must be column or column=path");
  expect(() => parseSelect("a,a=b")).toThrow("selected twice");
});
