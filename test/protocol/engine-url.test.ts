import { expect, test } from "bun:test";

import { checkEngine } from "../../src/commands/engine-flag.ts";
import { engineWords, isEngineUrl, shownEngine } from "../../src/protocol/engine-url.ts";

const plain = "rediss://10.0.0.5:6380/3";

test("a command that is shown names the engine as it was given", () => {
  expect(engineWords(plain)).toEqual(["--engine", plain]);
  expect(engineWords(undefined)).toEqual([]);
  expect(engineWords(null)).toEqual([]);
});

test("user, password and options of an address are not shown, and it is seen that they are left out", () => {
  for (const [url, shown] of [
    ["rediss://:s3cret@10.0.0.5:6380/3", "rediss://***@10.0.0.5:6380/3"],
    ["rediss://ada:s3@cret/?x@10.0.0.5:6380/3", "rediss://***@10.0.0.5:6380/3"],
    [`${plain}?password=s3cret`, `${plain}?***`],
    ["rediss://ada:s3cret@10.0.0.5:6380/3?family=6", "rediss://***@10.0.0.5:6380/3?***"],
  ] as const) {
    expect(engineWords(url)).toEqual(["--engine", shown]);
    expect(shownEngine(url)).toBe(plain);
    expect(() => checkEngine(url)).not.toThrow();
    // As the command was copied: what is left out is asked for.
    expect(() => checkEngine(shown)).toThrow("PIPELOOM_ENGINE_PASSWORD");
  }
});

test("what is no address of a Redis is refused", () => {
  const good = ["redis://h", "redis://h/", "redis://[::1]:6379/0", "redis://:a/b?c@h:1/2?family=6"];
  const bad = ["redis://", "redis:///0", "http://h", "h:6379", "redis://h/jobs", "redis://h h"];
  expect(good.filter((url) => !isEngineUrl(url))).toEqual([]);
  expect(bad.filter((url) => isEngineUrl(url))).toEqual([]);
});
