// The words with which a run of the file is continued.

import { expect, test } from "bun:test";

import { goOnWords } from "../../src/commands/go-on-words.ts";

const run = { params: "{}", scheduledFor: null, engine: "threads" };

test.each([
  ["none", run, []],
  [
    "of each type, as the command line takes them",
    { ...run, params: '{"n":3,"s":"x y","list":[1,"a"],"none":null,"on":false}' },
    [
      "--param",
      "n=3",
      "--param",
      "s=x y",
      "--param",
      'list=[1,"a"]',
      "--param",
      "none=null",
      "--param",
      "on=false",
    ],
  ],
  ["a secret stays out", { ...run, params: '{"token":"***"}' }, ["--param", "token=***"]],
  ["a name like a flag", { ...run, params: '{"-n":1}' }, ["--param=-n=1"]],
  ["a name that --param cannot give", { ...run, params: '{"a=b":1}' }, ["--params", "…"]],
  ["null, written by a user", { ...run, params: "null" }, ["--params", "…"]],
  ["a list", { ...run, params: "[1]" }, ["--params", "…"]],
  ["no JSON", { ...run, params: "{" }, ["--params", "…"]],
  [
    "longer than a command that is read",
    { ...run, params: JSON.stringify({ list: "x".repeat(600) }) },
    ["--params", "…"],
  ],
  [
    "of a slot, with an engine",
    { ...run, scheduledFor: "2026-11-27T00:00:00.000Z", engine: "redis://host:6379" },
    ["--scheduled-for", "2026-11-27T00:00:00.000Z", "--engine", "redis://host:6379"],
  ],
])("%s", (_, stored, words) => {
  expect(goOnWords("etl.ts", stored)).toEqual(["etl.ts", ...words]);
});
