// Round trip of announcements.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { packAnnouncement, unpackAnnouncement } from "../../../src/protocol/codec/announcements.ts";
import { taskId } from "../../../src/protocol/ids.ts";
import type { CommittedEvent, DonePack } from "../../../src/protocol/messages.ts";

const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value));

const log: fc.Arbitrary<CommittedEvent> = fc.record({
  type: fc.constant("task-log"),
  id: fc.integer({ min: 1, max: 999 }).map(taskId),
  name: fc.string(),
  attempt: fc.nat(9),
  at: fc.nat(),
  level: fc.constant("info"),
  // Text of users may hold the characters that separate the sections.
  line: fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("\0", "a\u001fb")),
});

const pack: fc.Arbitrary<DonePack> = fc
  .tuple(fc.nat(), fc.array(json, { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([base, results, hasResults]) => {
    const numbers = results.flatMap((_, index) => [index + 1, 0, index]);
    return hasResults ? { type: "done", base, numbers, results } : { type: "done", base, numbers };
  });

test("an announcement arrives as it was packed, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(log, pack)), (events) => {
      const arrived: (CommittedEvent | DonePack)[] = [];
      unpackAnnouncement(
        packAnnouncement(events),
        (event) => arrived.push(event),
        ({ base, numbers }, results) =>
          arrived.push({
            type: "done",
            base,
            numbers,
            ...(results === undefined ? undefined : { results }),
          }),
      );
      expect(arrived).toEqual(events);
    }),
  );
});
