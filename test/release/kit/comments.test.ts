import { expect, test } from "bun:test";

import { withoutComments, withShortComments } from "../../../.github/release/kit/comments.ts";

test.each([
  ["/** what */\ndeclare const a: 1; // one\n", "\ndeclare const a: 1; \n"],
  ['declare module "a//b" {}\n', 'declare module "a//b" {}\n'],
  [
    "type A = '/* no */' | \"// no\" | `/* ${string} */`;\n",
    "type A = '/* no */' | \"// no\" | `/* ${string} */`;\n",
  ],
  ['/// <reference types="node" />\n', '/// <reference types="node" />\n'],
  ['type B = "it\\"s // here"; /* gone */\n', 'type B = "it\\"s // here"; \n'],
])("%j", (before, after) => {
  expect(withoutComments(before)).toBe(after);
});

test.each([
  ["/** One line. */\nexport const a: 1;\n", "/** One line. */\nexport const a: 1;\n"],
  [
    "  /**\n   * What it does,\n   * in two lines.\n   *\n   * @example\n   * a()\n   */\n  a(): void;\n",
    "/**\n* What it does,\n* in two lines. */\na(): void;\n",
  ],
  [
    "/**\n * What.\n * @param b more\n */\na(b: string): void;\n",
    "/**\n * What. */\na(b: string): void;\n",
  ],
  [
    '// aside\nexport const glob: "/** no comment */";\n',
    '\nexport const glob: "/** no comment */";\n',
  ],
  [
    "/**\n * Makes it, e.g. a name. Then\n * does more.\n */\na(): void;\n",
    "/**\n * Makes it, e.g. a name. */\na(): void;\n",
  ],
])("of %j the first sentence is left", (before, after) => {
  expect(withShortComments(before).replaceAll(/^ /gm, "")).toBe(after.replaceAll(/^ /gm, ""));
});
