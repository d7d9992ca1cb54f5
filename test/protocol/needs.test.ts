import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { type TaskId, taskId } from "../../src/protocol/ids.ts";
import { tagSetOf } from "../../src/protocol/tags.ts";
import { type Needed, needsIn, needsText, type StoredNeeded } from "../../src/protocol/needs.ts";

const ids = (...all: number[]): TaskId[] => all.map((id) => taskId(id));

test("ids in ranges, fan-outs, and what is only waited for", () => {
  const reads = { ids: ids(9, 3, 7, 8), fanOuts: ["each:1x2y"] };
  const after = { ids: ids(12), fanOuts: [] };
  expect(needsText(reads, after)).toBe("3,7-9,each:1x2y;12");
  expect(needsText({ ids: [], fanOuts: [] }, after)).toBe(";12");
  expect(needsText({ ids: [], fanOuts: [] })).toBeUndefined();
  expect(needsText(reads, after, "big,gpu")).toBe("on:big+gpu,3,7-9,each:1x2y;12");
  expect(needsText({ ids: [], fanOuts: [] }, undefined, "gpu")).toBe("on:gpu");
});

test("a fan-in of 100,000 is one word; one without order is cut", () => {
  const all = Array.from({ length: 100_000 }, (_, i) => taskId(i + 2));
  expect(needsText({ ids: all, fanOuts: [] })).toBe("2-100001");
  const odd = all.filter((id) => id % 2 === 1);
  const text = needsText({ ids: odd, fanOuts: [] }) ?? "";
  expect(text.length).toBeLessThanOrEqual(1001);
  const { reads, isCut } = needsIn(text);
  expect(isCut).toBeTrue();
  const read = reads.ranges.map(([first]) => first);
  expect(odd.slice(0, read.length).map(Number)).toEqual(read);
});

const idsOf = ({ ranges, fanOuts }: StoredNeeded) => ({
  ids: ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
  fanOuts,
});
const sorted = ({ ids: all, fanOuts }: Needed) => ({
  ids: all.map(Number).toSorted((a, b) => a - b),
  fanOuts: [...fanOuts],
});

test("property: what was written is read", () => {
  const needed = fc.record({
    ids: fc.uniqueArray(fc.integer({ min: 1, max: 60 })).map((all) => ids(...all)),
    fanOuts: fc.uniqueArray(fc.constantFrom("each:1", "each:x2"), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(needed, needed, fc.subarray(["big", "gpu", "v1.2_ü-"]), (reads, after, tags) => {
      const read = needsIn(needsText(reads, after, tagSetOf(tags)) ?? "");
      expect(read.tags).toEqual(tags);
      expect([idsOf(read.reads), idsOf(read.after)]).toEqual([sorted(reads), sorted(after)]);
      expect(read.isCut).toBeFalse();
    }),
  );
});

test("a damaged text is read as far as it makes sense", () => {
  expect(needsIn("x,1-,5,each;;-3")).toEqual({
    reads: { ranges: [[5, 5]], fanOuts: [] },
    after: { ranges: [], fanOuts: [] },
    tags: [],
    isCut: false,
  });
  expect(needsIn("on:a b+gpu,7").tags).toEqual(["gpu"]);
});
