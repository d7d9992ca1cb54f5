// Round trip of completions.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { taskId } from "../../../src/protocol/ids.ts";
import {
  completedIds,
  type Completion,
  CompletionPacker,
  completionsMark,
  unpackCompletions,
} from "../../../src/protocol/codec/completions.ts";

/** People choose names. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("load", "a:b", "\0", "a\u001fb", "!", "#x", ""),
);
/** From task-key.ts: a task's name and a hash, without the characters that separate keys here. */
const key = name.map((text) => `${text.replaceAll("\0", "?").replaceAll("\u001f", "?")}:1x2y`);
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value));
const id = fc.integer({ min: 1, max: 2 ** 31 - 1 }).map(taskId);

const completion: fc.Arbitrary<Completion> = fc.record({
  id,
  name,
  key,
  attempt: fc.integer({ min: 1, max: 99 }),
  startedAt: fc.integer({ min: 0, max: 2e12 }),
  at: fc.integer({ min: 0, max: 2e12 }),
  result: json,
  wantsResult: fc.constantFrom("no", "perhaps", "yes"),
  cpuMs: fc.option(fc.nat(), { nil: undefined }),
  waitedMs: fc.oneof(fc.constant(0), fc.option(fc.nat(), { nil: undefined })),
  input: fc.option(json, { nil: undefined }),
  label: fc.option(name, { nil: undefined }),
  needs: fc.option(fc.constantFrom("3", "3,5-9,each:1x2y;12"), { nil: undefined }),
  position: fc.option(fc.integer({ min: 1, max: 2 ** 47 }), { nil: undefined }),
});

test("property: completions, one text after another", () => {
  const texts = fc.array(fc.array(completion, { minLength: 1, maxLength: 20 }), { maxLength: 3 });
  fc.assert(
    fc.property(texts, (all) => {
      const packer = new CompletionPacker();
      for (const tasks of all) {
        for (const each of tasks) packer.add(each);
        expect(packer.size).toBe(tasks.length);
        const text = packer.take();
        expect(packer.size).toBe(0);
        expect(text).toStartWith(completionsMark);
        const unpacked: Completion[] = [];
        expect(unpackCompletions(text, (each) => unpacked.push(each))).toBe(tasks.length);
        expect(unpacked).toEqual(tasks);
        expect(completedIds(text)).toEqual(tasks.map((each) => each.id));
      }
    }),
  );
});
