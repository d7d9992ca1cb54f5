import { expect, test } from "bun:test";

import { defineFlags } from "../../../src/cli/flag-defs.ts";
import { parseFlags } from "../../../src/cli/flags.ts";
import { serveWords } from "../../../src/commands/service/serve-words.ts";
import { serveFlags } from "../../../src/commands/serve-flags.ts";

const defs = defineFlags({
  page: { type: "boolean", default: true, description: "…" },
  quiet: { type: "boolean", description: "…" },
  verbose: { type: "boolean", count: true, alias: "v", description: "…" },
  maxRuns: { type: "string", valueType: "integer", default: "32", description: "…" },
  logFile: { type: "string", valueHint: "file", description: "…" },
  allow: { type: "string", repeat: true, description: "…" },
});

test.each([
  [[], []],
  [["--page"], []],
  [
    ["--no-page", "-vv", "--quiet"],
    ["--no-page", "--quiet", "--verbose", "--verbose"],
  ],
  [["--max-runs", "32"], []],
  [
    ["--max-runs=4", "--allow", "a", "--allow=-b"],
    ["--max-runs", "4", "--allow", "a", "--allow=-b"],
  ],
  [
    ["--log-file", "x/serve.log"],
    ["--log-file", "/home/ada/x/serve.log"],
  ],
])("%p as a service has them: %p", (typed, words) => {
  const values = parseFlags(typed, defs);
  expect(serveWords(defs, values, "/home/ada")).toEqual(words);
  // They mean the same.
  const again = {
    ...values,
    logFile: words.at(-1)?.startsWith("/") === true ? words.at(-1) : undefined,
  };
  expect<object>(parseFlags(words, defs)).toEqual(again);
});

test("what serve takes comes back as it was", () => {
  const typed = ["--host", "::1", "--port", "0", "--allow-host", "a:1", "--max-runs", "3", "-v"];
  const values = parseFlags(typed, serveFlags);
  expect(parseFlags(serveWords(serveFlags, values, "/"), serveFlags)).toEqual(values);
});
