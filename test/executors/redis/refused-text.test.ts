import { expect, test } from "bun:test";

import { refusedText } from "../../../src/executors/redis/refused-text.ts";

const at = "redis://10.0.0.5";

test("what Redis or the network refuses is said with the next step", () => {
  const texts = [
    new Error("NOAUTH Authentication required."),
    new Error("WRONGPASS invalid username-password pair or user is disabled."),
    Object.assign(new Error("connect ECONNREFUSED 10.0.0.5:6379"), { code: "ECONNREFUSED" }),
    new Error("ERR DB index is out of range"),
  ].map((error) => refusedText(at, error));
  expect(texts).toEqual([
    `${at}: NOAUTH Authentication required; it wants a password: set PIPELOOM_ENGINE_PASSWORD`,
    expect.stringContaining(
      `${at}: WRONGPASS invalid username-password pair or user is disabled; the user`,
    ),
    `${at}: connect ECONNREFUSED 10.0.0.5:6379; does Redis run there, and is the port right?`,
    `${at}: ERR DB index is out of range`,
  ]);
});

test("of several addresses that were tried, the first one's reason is said", () => {
  const first = Object.assign(new Error("connect"), { code: "ENOTFOUND" });
  expect(refusedText(at, new AggregateError([first], "all failed"))).toEndWith(
    "no such host: is the name right?",
  );
});
