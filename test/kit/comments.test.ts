import { expect, test } from "bun:test";

import { withoutComments } from "../../src/kit/comments.ts";

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
