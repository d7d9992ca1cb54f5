// Round trip of assignments.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { taskId } from "../../../src/protocol/ids.ts";
import type { Assignment } from "../../../src/protocol/messages.ts";
import { packAssignments, unpackAssignments } from "../../../src/protocol/codec/assignments.ts";

/** People choose names. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("load", "a:b", "\0", "a\u001fb", "!", "#x", ""),
);
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value));
const id = fc.integer({ min: 1, max: 2 ** 31 - 1 }).map(taskId);
const retries = fc.record({
  limit: fc.nat(9),
  delayMs: fc.nat(),
  factor: fc.constant(2),
  jitter: fc.boolean(),
  maxDelayMs: fc.nat(),
});

const assignment: fc.Arbitrary<Assignment> = fc.record(
  {
    id,
    task: name,
    name,
    attempt: fc.integer({ min: 1, max: 99 }),
    input: json,
    wantsResult: fc.constantFrom("no", "perhaps", "yes"),
    cursor: json,
    retries,
    timeoutMs: fc.nat(),
    isBare: fc.constant(true),
    position: fc.integer({ min: 1, max: 2 ** 47 }),
    needs: fc.constantFrom("3", "3,5-9,each:1x2y;12"),
  },
  { requiredKeys: ["id", "task", "name", "attempt", "input", "wantsResult"] },
);

test("property: assignments", () => {
  fc.assert(
    fc.property(fc.array(assignment, { minLength: 1, maxLength: 20 }), (assignments) => {
      expect(unpackAssignments(packAssignments(assignments))).toEqual(assignments);
    }),
  );
});
