// Round trips of row batches: every cell is read as it was packed.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { taskId } from "../../../src/protocol/ids.ts";
import type { Cell } from "../../../src/protocol/codec/row-batch-format.ts";
import { RowBatchPacker } from "../../../src/protocol/codec/row-batch-packer.ts";
import { encodeCell } from "../../../src/worker/encode-cell.ts";
import { rowsOf, readRows } from "../../support/read-rows.ts";

const head =
  '{"type":"rows","id":1,"table":"t","onConflict":{"action":"update","key":["c0"],"update":["c1"]}';
const names = (width: number): string[] => Array.from({ length: width }, (_, i) => `c${i}`);

function pack(
  rows: readonly (readonly Cell[])[],
  width: number,
  packer = new RowBatchPacker(),
): string {
  for (const row of rows) {
    for (const cell of row) encodeCell(cell, packer);
  }
  return packer.take(head, names(width), rows.length);
}

const cell = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\0", "\u001f", "a\u001fb", "\0#", "#", "\u001f\u001f"),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.constantFrom(-0, Infinity, -Infinity),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 20 }),
  fc.constant(null),
);

const table = fc.integer({ min: 0, max: 5 }).chain((width) =>
  fc.tuple(
    fc.constant(width),
    fc.oneof(
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 40 }),
      // Rows whose cells are of the same kinds, as nearly all rows are.
      fc
        .array(fc.constantFrom<Cell>("text", 1, null, 2n), { minLength: width, maxLength: width })
        .chain((row) => fc.array(fc.constant(row), { maxLength: 40 })),
    ),
  ),
);

test("property: rows are read as they were packed", () => {
  const packer = new RowBatchPacker();
  fc.assert(
    fc.property(table, ([width, rows]) => {
      const text = pack(rows, width, packer);
      // The previous batch leaves nothing behind.
      expect(text).toBe(pack(rows, width));
      const batch = readRows(text);
      expect(rowsOf(batch)).toEqual(rows);
      expect(batch).toMatchObject({ id: taskId(1), table: "t", columns: names(width) });
      expect(batch.onConflict).toEqual({ action: "update", key: ["c0"], update: ["c1"] });
    }),
  );
});

test("property: the cells that widening appends are absent", () => {
  fc.assert(
    fc.property(table, fc.integer({ min: 0, max: 4 }), ([width, rows], more) => {
      const packer = new RowBatchPacker();
      for (const row of rows) {
        for (const value of row) encodeCell(value, packer);
      }
      packer.widen(width, width + more, rows.length);
      const last = Array.from({ length: width + more }, (_, i) => `last ${i}`);
      for (const value of last) packer.text(value);
      const batch = readRows(packer.take(head, names(width + more), rows.length + 1));
      const absent: undefined[] = Array.from({ length: more }, () => undefined);
      expect(rowsOf(batch)).toEqual([...rows.map((row) => [...row, ...absent]), last]);
    }),
  );
});

test("many numbers, and fewer after them", () => {
  for (const count of [3000, 2, 5000]) {
    const rows = Array.from({ length: count }, (_, i) => [i / 7]);
    expect(rowsOf(readRows(pack(rows, 1)))).toEqual(rows);
  }
});
