import { expect, test } from "bun:test";

import { taskId } from "../../../src/protocol/ids.ts";
import type { FromWriter, WireEvent } from "../../../src/protocol/messages.ts";
import { Announcer } from "../../../src/store/write/announcer.ts";

const event = (line: string): WireEvent => ({
  type: "task-log",
  id: taskId(1),
  name: "a",
  attempt: 1,
  at: 0,
  level: "info",
  line,
});

test("announcements are bounded by number, and each one that main has seen makes room", () => {
  const posted: FromWriter[] = [];
  const announcer = new Announcer((message) => posted.push(message));
  const hasRoom = (): boolean => announcer.hasRoom;
  while (hasRoom()) announcer.announce([event("x")]);
  expect(posted).toHaveLength(64);
  announcer.seen(1);
  expect(hasRoom()).toBe(true);
  announcer.announce([event("x")]);
  expect(hasRoom()).toBe(false);
  announcer.seen(64);
  expect(hasRoom()).toBe(true);
});

test("announcements are bounded by characters, the oldest seen first", () => {
  const announcer = new Announcer(() => undefined);
  const hasRoom = (): boolean => announcer.hasRoom;
  announcer.announce([event("x".repeat(768 * 1024))]);
  announcer.announce([event("x".repeat(512 * 1024))]);
  expect(hasRoom()).toBe(false);
  announcer.seen(1);
  expect(hasRoom()).toBe(true);
});
