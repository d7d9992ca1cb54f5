import { expect, test } from "bun:test";
import { join } from "node:path";

import { jsonLines } from "pipeloom";
import { failure } from "../../support/raw-server.ts";
import { tempFolder } from "../../support/temp-folder.ts";

async function rowsOf(source: string | URL, options = {}): Promise<unknown[]> {
  return Array.fromAsync(jsonLines(source, options));
}

async function rowsIn(text: string | Uint8Array): Promise<unknown[]> {
  using folder = tempFolder();
  const path = join(folder.path, "x.jsonl");
  await Bun.write(path, text);
  const rows = await rowsOf(path);
  return rows;
}

async function refusal(text: string | Uint8Array): Promise<string> {
  return (await failure(rowsIn(text))).replace(/^.*x\.jsonl: /, "");
}

test("one row a line; blank lines and a BOM do not count", async () => {
  const text = '\ufeff{"id":1,"deep":{"a":[1,null]}}\r\n\n  \n{"id":2,"ü":"\u2028"}';
  expect(await rowsIn(text)).toEqual([
    { id: 1, deep: { a: [1, null] } },
    { id: 2, ü: "\u2028" },
  ]);
  expect(await rowsIn("")).toEqual([]);
});

test("numbers keep their value: a bigint, or their text", async () => {
  const [row] = await rowsIn(
    '{"id":9007199254740993,"x":1.5,"far":123456789012345678901234567890,"pi":3.14159265358979323846,"__proto__":1}',
  );
  expect(Object.entries(row as object)).toEqual([
    ["id", 9007199254740993n],
    ["x", 1.5],
    ["far", "123456789012345678901234567890"],
    ["pi", "3.14159265358979323846"],
    ["__proto__", 1],
  ]);
  const [nested] = await rowsIn('{"deep":{"id":9007199254740993}}');
  expect(JSON.stringify(nested)).toBe('{"deep":{"id":9007199254740993}}');
});

test("a line that is no object is an error with its number", async () => {
  expect(await refusal('{"a":1}\n\n{"a":\n')).toBe(
    'line 3 is not JSON; it begins with "{\\"a\\":"',
  );
  expect(await refusal('{"a":1}\n[1]\n')).toBe("line 2 is [1], not an object");
  expect(await refusal(new Uint8Array([123, 125, 10, 255]))).toContain(
    "the data has bytes that are not UTF-8",
  );
});

test("a compressed file of any size, in pieces; one that is cut off is an error", async () => {
  const lines = Array.from({ length: 50_000 }, (_, id) => `{"id":${id},"name":"n${id}"}\n`);
  const packed = Bun.gzipSync(Buffer.from(lines.join("")));
  const rows = await rowsIn(packed);
  expect(rows).toHaveLength(50_000);
  expect(rows.at(-1)).toEqual({ id: 49_999, name: "n49999" });
  expect(await refusal(packed.subarray(0, packed.length / 2))).toContain("not valid gzip");
});

test("a file that is not there, and a folder, are named", async () => {
  using folder = tempFolder();
  const path = join(folder.path, "none.jsonl");
  expect(await failure(rowsOf(path))).toBe(`${path}: no such file or directory (ENOENT)`);
  expect(await failure(rowsOf(folder.path))).toStartWith(`${folder.path}: `);
});

test("an address, with headers, compressed as the server likes", async () => {
  const packed = Bun.gzipSync(Buffer.from('{"id":9007199254740993}\n{"id":2}\nno\n'));
  const seen: (string | null)[] = [];
  using server = Bun.serve({
    port: 0,
    fetch(request) {
      seen.push(request.headers.get("x-key"));
      return new Response(packed, { headers: { "content-encoding": "gzip" } });
    },
  });
  const rows: unknown[] = [];
  const reading = async (): Promise<void> => {
    for await (const row of jsonLines(server.url, { headers: { "x-key": "k" } })) rows.push(row);
  };
  expect(await failure(reading())).toBe(
    `${server.url.href}: line 3 is not JSON; it begins with "no"`,
  );
  expect(rows).toEqual([{ id: 9007199254740993n }, { id: 2 }]);
  expect(seen).toEqual(["k"]);
});
