// The packed forms of what is sent most: whatever is in them comes out as it was.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { taskId } from "../../../src/protocol/ids.ts";
import type { Assignment } from "../../../src/protocol/messages.ts";
import {
  doneMark,
  DonePacker,
  packAssignments,
  type PlainDone,
  unpackAssignments,
  unpackDone,
} from "../../../src/protocol/codec/wire.ts";

/** Names are people's. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("load", "a:b", "\0", "a\u001fb", "!", "#x", ""),
);
/** Made by task-key.ts: a name's, without what stands between keys here. */
const key = name.map((text) => `${text.replaceAll("\0", "?").replaceAll("\u001f", "?")}:1x2y`);
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
    wantsResult: fc.boolean(),
    cursor: json,
    retries,
    timeoutMs: fc.nat(),
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

const done: fc.Arbitrary<PlainDone> = fc.record({
  id,
  name,
  key,
  attempt: fc.integer({ min: 1, max: 99 }),
  startedAt: fc.integer({ min: 0, max: 2e12 }),
  at: fc.integer({ min: 0, max: 2e12 }),
  result: json,
  wantsResult: fc.boolean(),
});

test("property: done tasks, one pack after another", () => {
  const packs = fc.array(fc.array(done, { minLength: 1, maxLength: 20 }), { maxLength: 3 });
  fc.assert(
    fc.property(packs, (all) => {
      const packer = new DonePacker();
      for (const tasks of all) {
        for (const each of tasks) packer.add(each);
        expect(packer.size).toBe(tasks.length);
        const post = packer.take();
        expect(packer.size).toBe(0);
        expect(post).toStartWith(doneMark);
        const unpacked: PlainDone[] = [];
        expect(unpackDone(post, (each) => unpacked.push(each))).toBe(tasks.length);
        expect(unpacked).toEqual(tasks);
      }
    }),
  );
});
