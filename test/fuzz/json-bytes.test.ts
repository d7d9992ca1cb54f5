// JSON responses of the etl example, from random values, chunks and bytes: each number exactly, or an error that says where.

import { expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";

import { textOf } from "../../src/formats/http/body.ts";
import { type Format, type JsonRecord, jsonRecords } from "../../src/formats/json/json-rows.ts";
import { fuzz } from "./fuzz.ts";
import { mutated } from "./mutated.ts";
import { assertSame, blanks, hasTwice, type Paper, paper, text, written } from "./paper-json.ts";

setDefaultTimeout(24 * 3_600_000);

const row = fc
  .array(fc.tuple(text, paper), { maxLength: 4 })
  .map((members): Paper => ({ kind: "object", members }))
  .filter((value) => !hasTwice(value));

const kinds = ["json", "jsonl", "json-seq", "one object"] as const;

function response(
  rows: readonly Paper[],
  kind: (typeof kinds)[number],
  blank: () => string,
): string {
  const noBreak = (): string => blank().replaceAll(/[\r\n]/g, " ");
  switch (kind) {
    case "json":
      return written({ kind: "list", items: rows }, blank);
    case "jsonl":
      return rows.map((each) => `${noBreak()}${written(each, noBreak)}${noBreak()}\n`).join("");
    case "json-seq":
      return rows.map((each) => `\u001e${written(each, blank)}\n`).join("");
    case "one object":
      return written(
        {
          kind: "object",
          members: [
            [
              { kind: "text", literal: '"data"', value: "data" },
              { kind: "list", items: rows },
            ],
          ],
        },
        blank,
      );
  }
}

/** Pieces of random lengths, also within a character. */
async function* pieces(
  bytes: Uint8Array,
  lengths: fc.Stream<number>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length;) {
    const length = lengths.next().value as number;
    yield Uint8Array.from(bytes.subarray(at, at + length));
    at += length;
  }
}

const lengths = fc.infiniteStream(
  fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 2000 })),
);

const read = (
  bytes: Uint8Array,
  cuts: fc.Stream<number>,
  format: Format,
  path: string,
): Promise<JsonRecord[]> =>
  Array.fromAsync(jsonRecords(textOf(pieces(bytes, cuts), null), format, path));

test("rows in each format, in pieces of any length", async () => {
  const input = fc.tuple(
    fc.array(row, { maxLength: 6 }),
    fc.constantFrom(...kinds),
    fc.boolean(),
    fc.constantFrom("", "\ufeff"),
    blanks,
    lengths,
  );
  await fuzz(
    "JSON responses",
    input,
    async ([rows, kind, isNamed, mark, stream, cuts]) => {
      const blank = (): string => stream.next().value as string;
      const content = response(rows, kind, blank);
      // Without a hint, one line of JSON is the whole response, and an empty one is none.
      const isAmbiguous = content.trim() === "" || (kind === "jsonl" && rows.length < 2);
      const format =
        isNamed || isAmbiguous
          ? kind === "jsonl" || kind === "json-seq"
            ? "jsonl"
            : "json"
          : "auto";
      const found = await read(
        Buffer.from(mark + content),
        cuts,
        format,
        kind === "one object" ? "data" : "",
      );
      expect(found.length).toBe(rows.length);
      for (const [i, { row: each, text: source }] of found.entries()) {
        const wanted = rows[i] as Paper;
        assertSame(each, wanted);
        expect(source.length).toBeGreaterThan(1);
      }
    },
    3,
  );
});

test("lines of which bytes were changed: each as JSON.parse reads it, or an error that names the line", async () => {
  const input = fc
    .tuple(fc.array(row, { minLength: 1, maxLength: 4 }), blanks)
    .chain(([rows, stream]) =>
      fc.tuple(
        mutated(Buffer.from(response(rows, "jsonl", () => stream.next().value as string))),
        lengths,
      ),
    );
  await fuzz(
    "bytes of JSON lines",
    input,
    async ([bytes, cuts]) => {
      let found: JsonRecord[];
      try {
        found = await read(bytes, cuts, "jsonl", "");
      } catch (error) {
        expect(String(error)).toMatch(
          /^Error: (?:(?:line|record) \d+ is |the data has bytes that are not UTF-8)/,
        );
        return;
      }
      const content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      const separator = content.trimStart().startsWith("\u001e") ? "\u001e" : "\n";
      const lines = content.split(separator).filter((line) => line.trim() !== "");
      expect(found.length).toBe(lines.length);
      for (const [i, line] of lines.entries()) {
        expect(JSON.stringify(JSON.parse(JSON.stringify(found[i]?.row)))).toBe(
          JSON.stringify(JSON.parse(line)),
        );
      }
    },
    3,
  );
});
