// Lines of serve's log.

import { describe, expect, test } from "bun:test";

import { logLine } from "../../src/serve/serve-log.ts";
import type { ServeEvent } from "../../src/serve/serve-event.ts";

const of = {
  at: 0,
  argument: "/srv/etl.ts",
  name: null,
  db: null,
  tz: null,
  isNews: true,
  isRepeated: false,
};

const textOf = (event: Pick<Extract<ServeEvent, { kind: "broken" }>, "message" | "hasSchedule">) =>
  logLine({ ...of, kind: "broken", ...event }).text;

describe("a broken file", () => {
  test("whether a schedule of it goes on", () => {
    const message = "no such import";
    expect(textOf({ message, hasSchedule: true })).toBe(
      "/srv/etl.ts: the file is broken: no such import; its last good schedule goes on",
    );
    expect(textOf({ message, hasSchedule: false })).toBe(
      "/srv/etl.ts: the file is broken: no such import; it is not served until it can be loaded",
    );
  });

  test("a message with a part of the file is one line that can be read", () => {
    const message = "etl.ts:3:9: Unexpected end of file\n  tasks: [a(\n           ^";
    expect(textOf({ message, hasSchedule: true })).toBe(
      "/srv/etl.ts: the file is broken: etl.ts:3:9: Unexpected end of file | tasks: [a(; its last good schedule goes on",
    );
    expect(textOf({ message: "x".repeat(9_000), hasSchedule: true }).length).toBeLessThan(600);
  });
});
