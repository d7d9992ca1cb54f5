import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type Failure, failureLine, toFailure } from "../../src/base/failure.ts";
import { withoutOwnFrames } from "../../src/base/stack.ts";

const hostile = {
  get name(): string {
    throw new Error("name");
  },
  message: "still here",
  get stack(): string {
    throw new Error("stack");
  },
  get code(): string {
    throw new Error("code");
  },
};

const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

describe("whatever is thrown becomes a failure", () => {
  test.each<[what: string, thrown: unknown, expected: Partial<Failure>]>([
    ["an error", new TypeError("no"), { name: "TypeError", message: "no" }],
    ["a string", "no", { name: "Error", message: "thrown: no" }],
    ["null", null, { name: "Error", message: "thrown: null" }],
    ["undefined", undefined, { name: "Error", message: "thrown: undefined" }],
    ["a number", 3, { name: "Error", message: "thrown: 3" }],
    ["a symbol", Symbol("s"), { name: "Error", message: "thrown: Symbol(s)" }],
    ["an object", { a: 1 }, { name: "Error", message: 'thrown: {"a":1}' }],
    ["a frozen object", Object.freeze({ a: 1 }), { message: 'thrown: {"a":1}' }],
    ["a frozen error", Object.freeze(new RangeError("x")), { name: "RangeError", message: "x" }],
    ["a BigInt inside", { n: 1n }, { message: "thrown: a value that cannot be shown" }],
    ["hostile getters", hostile, { name: "Error", message: "still here" }],
    ["a revoked proxy", revoked(), { message: "thrown: a value that cannot be shown" }],
    ["a code", Object.assign(new Error("x"), { code: "ENOENT" }), { code: "ENOENT" }],
    ["a code that is a number", Object.assign(new Error("x"), { code: 7 }), { code: "7" }],
    ["a name that is no text", Object.assign(new Error("x"), { name: 3 }), { name: "Error" }],
  ])("%s", (_, thrown, expected) => {
    expect(toFailure(thrown)).toMatchObject(expected);
  });
});

test("causes are kept, and a chain that loops is cut", () => {
  const inner = new Error("inner");
  const outer = new Error("outer", { cause: inner });
  inner.cause = outer;
  let depth = 0;
  for (let at: Failure | undefined = toFailure(outer); at !== undefined; at = at.cause) depth++;
  expect(depth).toBeGreaterThan(1);
  expect(depth).toBeLessThan(20);
  expect(toFailure(outer).cause?.message).toBe("inner");
});

test("what is very long is cut, and says how much", () => {
  const { message } = toFailure(new Error("x".repeat(1_000_000)));
  expect(message.length).toBeLessThan(70_000);
  expect(message).toEndWith("more characters)");
});

test("property: never throws, and survives JSON unchanged", () => {
  const thrown = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true });
  fc.assert(
    fc.property(thrown, (value) => {
      const failure = toFailure(value);
      expect(JSON.parse(JSON.stringify(failure))).toEqual(failure);
    }),
  );
});

test("one line for a person", () => {
  expect(failureLine({ name: "TypeError", message: "no" })).toBe("TypeError: no");
  expect(failureLine({ name: "Error", message: "no" })).toBe("no");
});

describe("a failure's line says what it is about", () => {
  test.each<[what: string, thrown: unknown, line: string]>([
    [
      "a cause",
      new Error("fetch failed", { cause: new Error("no route") }),
      "fetch failed; caused by: no route",
    ],
    [
      "causes of causes",
      new Error("a", { cause: new TypeError("b", { cause: new Error("c") }) }),
      "a; caused by: TypeError: b; caused by: c",
    ],
    [
      "a cause that is repeated",
      new Error("cannot load: no route", { cause: new Error("no route") }),
      "cannot load: no route",
    ],
    [
      "a cause of SQLite whose code is repeated",
      new Error("a.db cannot grow: the disk is full (SQLITE_FULL)", {
        cause: Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" }),
      }),
      "a.db cannot grow: the disk is full (SQLITE_FULL)",
    ],
    [
      "a cause of the system whose code is repeated: it may have the path",
      new Error("no file (ENOENT)", {
        cause: Object.assign(new Error("ENOENT: /x"), { code: "ENOENT" }),
      }),
      "no file (ENOENT); caused by: ENOENT: /x",
    ],
    [
      "an AggregateError",
      new AggregateError([new Error("one"), new TypeError("two"), "three"], "all failed"),
      "AggregateError: all failed (1: one; 2: TypeError: two; 3: thrown: three)",
    ],
    [
      "an AggregateError without a message",
      new AggregateError([new Error("one", { cause: new Error("root") })]),
      "AggregateError (1: one; caused by: root)",
    ],
    ["an error without a message", new Error(), "Error"],
    ["errors that are no list", Object.assign(new Error("x"), { errors: "none" }), "x"],
  ])("%s", (_, thrown, line) => expect(failureLine(toFailure(thrown))).toBe(line));
});

test("pipeloom's own frames are left out of causes and errors too", () => {
  const stack =
    "Error: x\n    at run (/home/me/etl.ts:2:3)\n    at run (node:async_hooks:144:29)\n    at run (/$bunfs/root/chunk-k3w5e112.js:23:39)";
  const inner: Failure = { name: "Error", message: "x", stack };
  const { cause, errors } = withoutOwnFrames({ ...inner, cause: inner, errors: [inner] });
  for (const failure of [cause, errors?.[0]]) {
    expect(failure?.stack).toBe("Error: x\n    at run (/home/me/etl.ts:2:3)");
  }
});

test("errors within errors are bounded together, also when they loop", () => {
  const loop: AggregateError = new AggregateError([], "loop");
  loop.errors = Array.from({ length: 100 }, () => loop);
  const count = ({ errors = [] }: Failure): number =>
    1 + errors.reduce((sum, each) => sum + count(each), 0);
  expect(count(toFailure(loop))).toBeLessThanOrEqual(25);
});
