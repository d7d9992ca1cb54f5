import { describe, expect, test } from "bun:test";

import { taskKey } from "../../src/protocol/task-key.ts";

describe("a key", () => {
  test("is the name and a hash of the input, the same each time", () => {
    const first = taskKey("load", '{"n":1}');
    expect(first).toStartWith("load:");
    expect(taskKey("load", '{"n":2}')).not.toBe(first);
    expect(taskKey("save", '{"n":1}')).not.toBe(first);
    expect(taskKey("load", '{"n":1}')).toBe(first);
  });

  test("is what it was in the last version: a resumed run finds its tasks by it", () => {
    expect(taskKey("load", "null")).toBe("load:32o3ehoflr5nn");
  });

  test("of a name with control characters holds none that divide keys", () => {
    expect(taskKey("a\0b\u001fc", "null")).toStartWith("a?b?c:");
  });

  test("is the same for a long input, whatever was asked before", () => {
    const long = JSON.stringify({ text: "x".repeat(5000) });
    const key = taskKey("load", long);
    expect(taskKey("save", "null")).toStartWith("save:");
    expect(taskKey("load", long)).toBe(key);
  });
});
