// A part's strings travel behind its JSON; whatever they hold, they come back to their cells.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { taskId } from "../../src/protocol/ids.ts";
import type { Cell } from "../../src/protocol/messages.ts";
import { joinPart, readPart, takeTexts, type UnitPart } from "../../src/protocol/unit-part.ts";

const record = (rows: Cell[][]): UnitPart => ({
  type: "rows",
  id: taskId(1),
  table: "t",
  columns: ["a"],
  onConflict: { action: "fail" },
  rows,
});

const cell = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", "\0", "\u001f", "a\u001fb", "\0#", "#"),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);

test("property: rows are the same on the other side", () => {
  fc.assert(
    fc.property(fc.array(fc.array(cell, { maxLength: 5 }), { maxLength: 8 }), (rows) => {
      const expected = structuredClone(rows);
      const texts = takeTexts(rows);
      expect(readPart(joinPart(JSON.stringify(record(rows)), texts))).toEqual(record(expected));
    }),
  );
});
