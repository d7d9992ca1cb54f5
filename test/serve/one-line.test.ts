import { expect, test } from "bun:test";

import { inOneLine } from "../../src/serve/one-line.ts";

test.each([
  [
    "b.ts:2:23: Cannot find module './shared.ts'\n  import { greet } from \"./shared.ts\";\n                        ^",
    "b.ts:2:23: Cannot find module './shared.ts' | import { greet } from \"./shared.ts\"",
  ],
  ["fetch failed:\n\n  timeout\tof 3 s", "fetch failed: | timeout of 3 s"],
  ["x".repeat(501), `${"x".repeat(500)}…`],
])("%#: a message is one line of the log, which goes on after a semicolon", (message, line) => {
  expect(inOneLine(message)).toBe(line);
});
