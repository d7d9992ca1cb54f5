// Frames as stream entries, and who may have made them.

import { describe, expect, test } from "bun:test";

import { shownEngine } from "../../../src/protocol/engine-url.ts";
import { EngineKey } from "../../../src/executors/redis/engine-key.ts";
import { linkText, packFrame, unpackFrame } from "../../../src/executors/redis/frame-codec.ts";
import { signedLease, verifiesLease } from "../../../src/executors/redis/lease-signature.ts";
import { packEntry, readEntry } from "../../../src/executors/redis/machine-entry.ts";
import { packQuery, unpackQuery } from "../../../src/executors/redis/query-text.ts";
import { packTick, readTick } from "../../../src/executors/redis/run-tick.ts";

const key = EngineKey.from("a key of the tests, long enough");
const other = EngineKey.from("another key of the tests, as long");
const name = { session: "s", machine: "m.1", life: 2 };
const frame = {
  seq: 3,
  ack: 1,
  messages: [
    { type: "records", thread: 0, text: '#{"a":1}\0\u001f "quoted" ü🙂' },
    { type: "held", thread: 0, ids: [1, 2] },
    { type: "more", lease: 7, text: "{}\u001f1\u001f2" },
    { type: "records", thread: 1, text: "" },
  ],
};

describe("a frame", () => {
  const fields = packFrame("to run", name, frame, key, 1234);

  test("comes back as it was, with its link", () => {
    expect(unpackFrame("to run", fields, key)).toEqual({
      link: linkText(name),
      name,
      frame,
      at: 1234,
    });
  });

  test("carries texts as they are", () => {
    for (const { text } of frame.messages) if (text !== undefined) expect(fields).toContain(text);
  });

  test("of another key, for the other direction, or altered, is none", () => {
    expect(unpackFrame("to run", fields, other)).toBeUndefined();
    expect(unpackFrame("to machine", fields, key)).toBeUndefined();
    for (let at = 1; at < fields.length; at += 2) {
      expect(unpackFrame("to run", fields.with(at, "x"), key)).toBeUndefined();
    }
    expect(unpackFrame("to run", [], key)).toBeUndefined();
  });
});

test("where a signed text ends is signed too", () => {
  expect(key.sign(["ab", "c"])).not.toBe(key.sign(["a", "bc"]));
});

test("a lease is of one run, and of its key", () => {
  const job = signedLease({ session: "s", lease: 4, tasks: "text" }, key);
  expect(verifiesLease(job, key)).toBe(true);
  expect(verifiesLease(job, other)).toBe(false);
  expect(verifiesLease({ ...job, session: "t" }, key)).toBe(false);
  expect(verifiesLease({ ...job, tasks: "texts" }, key)).toBe(false);
});

test("a tick of another key is not read", () => {
  const tick = { session: "s", version: "1", pipeline: "p", tick: 3 };
  expect(readTick(packTick(tick, key), key)).toEqual(tick);
  expect(readTick(packTick(tick, key), other)).toBeUndefined();
});

test("a machine in the registry is one that was signed", () => {
  const machine = { name: "h", host: "h", pid: 1, version: "1", threads: 2, slots: 2, runs: 0 };
  expect(readEntry(packEntry(machine, key), key)).toEqual(machine);
  expect(readEntry(packEntry(machine, key), other)).toBeUndefined();
  expect(readEntry("not signed", key)).toBeUndefined();
});

test.each([
  ["redis://host:6379", "redis://host:6379"],
  ["rediss://me:p@ss/wo@host", "rediss://host"],
  ["redis://:secret@host:1/2?password=secret", "redis://host:1/2"],
])("of %p, %p is shown", (url, shown) => {
  expect(shownEngine(url)).toBe(shown);
});

test("a query keeps bytes and large integers", () => {
  const answer = {
    status: "rows" as const,
    rows: [{ a: 2n ** 60n, b: new Uint8Array([0, 255]), c: null, d: 0.1, e: "ü" }],
  };
  expect(unpackQuery<typeof answer>(packQuery(answer))).toEqual(answer);
});

test.each([undefined, "", "short"])("a key must be long: %p", (text) => {
  expect(() => EngineKey.from(text)).toThrow("PIPELOOM_ENGINE_KEY");
});
