import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  type CommitDecision,
  type CommitLimits,
  decide,
} from "../../../src/store/write/commit-policy.ts";

const limits: CommitLimits = { maxRecords: 5000, maxAgeMs: 5, streamRecords: 512, idleAgeMs: 25 };

test.each<[records: number, ageMs: number, inboxEmpty: boolean, decision: CommitDecision]>([
  [0, 0, true, "commit"],
  [1, 0, true, "commit"],
  [511, 4, true, "commit"],
  [512, 0, true, "wait"],
  [512, 4, true, "wait"],
  [512, 5, true, "commit"],
  [1, 0, false, "take-more"],
  [4999, 4, false, "take-more"],
  [5000, 0, false, "commit"],
  [1, 5, false, "commit"],
])("%i records, %i ms old, nothing waits: %p → %s", (records, ageMs, inboxEmpty, decision) => {
  expect(decide({ records, ageMs, inboxEmpty, awaited: true }, limits)).toBe(decision);
});

test.each<[records: number, ageMs: number, inboxEmpty: boolean, decision: CommitDecision]>([
  [0, 0, true, "commit"],
  [1, 0, true, "wait"],
  [1, 24, true, "wait"],
  [1, 25, true, "commit"],
  [1, 24, false, "take-more"],
  [5000, 0, true, "commit"],
])(
  "%i records that nobody waits for, %i ms old: %p → %s",
  (records, ageMs, inboxEmpty, decision) => {
    expect(decide({ records, ageMs, inboxEmpty, awaited: false }, limits)).toBe(decision);
  },
);

test("property: never beyond its size or age, and never waits while something can be taken", () => {
  const state = fc.record({
    records: fc.nat(6000),
    ageMs: fc.nat(40),
    inboxEmpty: fc.boolean(),
    awaited: fc.boolean(),
  });
  fc.assert(
    fc.property(state, (given) => {
      const decision = decide(given, limits);
      if (given.records >= limits.maxRecords || given.ageMs >= limits.idleAgeMs) {
        expect(decision).toBe("commit");
      }
      if (!given.inboxEmpty) expect(decision).not.toBe("wait");
      if (given.inboxEmpty) expect(decision).not.toBe("take-more");
    }),
  );
});
