import { describe, expect, test } from "bun:test";

import { reuseRule } from "../../src/api/reuse-rule.ts";

const rule = (options: object) => reuseRule(options, {}, 'task "a"');

test("a task without `reuse` has no rule, and neither has one that turns it off", () => {
  expect(rule({})).toBeUndefined();
  expect(rule({ reuse: false, files: ["a.csv"] })).toBeUndefined();
});

test("any age, a longest age, and what the result depends on", () => {
  expect(rule({ reuse: true, version: "2" })).toEqual({
    maxAgeMs: null,
    files: [],
    env: [],
    version: "2",
    programEnv: {},
  });
  expect(rule({ reuse: "7d", files: ["a"], env: ["B"] })).toMatchObject({
    maxAgeMs: 7 * 86_400_000,
    files: ["a"],
    env: ["B"],
  });
});

describe("refused", () => {
  test.each([
    [{ files: ["a"] }, "`files` says what a result depends on"],
    [{ env: ["A"] }, "it goes with `reuse: true`"],
    [{ version: "1" }, "`version` says what"],
    [{ reuse: "a week" }, "reuse must be milliseconds or a duration"],
    [{ reuse: 0 }, "reuse must be above 0"],
    [{ reuse: {} }, "`reuse` must be true, false or a duration"],
    [{ reuse: true, files: "a.csv" }, "files must be a list of paths"],
    [{ reuse: true, env: [1] }, "env must be a list of names"],
    [{ reuse: true, version: 1 }, "version must be text"],
  ])("%p", (options, message) => {
    expect(() => rule(options)).toThrow(message);
  });
});
