import { expect, test } from "bun:test";

import { assertPageFlags } from "../../src/commands/serve-flags.ts";

const flags = {
  page: false,
  port: undefined,
  host: "127.0.0.1",
  allowHost: [],
  readOnly: false,
  open: false,
  webhook: undefined,
  maxRuns: 32,
  logFile: undefined,
  quiet: false,
  verbose: 0,
};

test.each([
  ["--port", { port: 0 }],
  ["--host", { host: "0.0.0.0" }],
  ["--allow-host", { allowHost: ["proxy"] }],
  ["--read-only", { readOnly: true }],
  ["--open", { open: true }],
])("%s without a page is refused, as it would have no effect", (flag, given) => {
  expect(() => assertPageFlags({ ...flags, ...given })).toThrow(`${flag} is for the page`);
  expect(() => assertPageFlags({ ...flags, ...given, page: true })).not.toThrow();
  expect(() => assertPageFlags(flags)).not.toThrow();
});
