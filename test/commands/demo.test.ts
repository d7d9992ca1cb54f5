// The flags of the demonstration.

import { expect, test } from "bun:test";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const flags = ["demo", "-n", "12", "--steps", "3", "--step-ms", "0", "--db", ":memory:"];

test.each<[rate: string, code: number, said: string]>([
  ["0", 0, "12 of 12 tasks done"],
  ["1", 1, "0 of 12 tasks done, 12 failed"],
])("--fail-rate %s", async (rate, code, said) => {
  using folder = tempFolder();
  const ended = await run([...pipeloom, ...flags, "--fail-rate", rate], folder.path);
  expect(ended.code).toBe(code);
  expect(ended.err).toContain(said);
});
