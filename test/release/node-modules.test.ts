import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";

import { withoutNode } from "../../.github/release/node-modules.ts";
import { executable } from "../support/program.ts";

const source = `import { join } from "node:path";
import {
  readFileSync,
  type Stats,
} from "node:fs";
import { createHash } from "node:crypto";
const text = "import from node:fs";
`;

test("only a module whose bytecode is worth its size is imported of Node", () => {
  expect(withoutNode(source, "")).toBe(
    source
      .replace('"node:fs"', '"pipeloom:node:fs"')
      .replace('"node:crypto"', '"pipeloom:node:crypto"'),
  );
});

test("a library's minified imports too", () => {
  const text = "import{a as b}from'node:tty';import c from\"node:os\";import*as d from 'node:fs';";
  expect(withoutNode(text, "?library")).toBe(
    "import{a as b}from 'pipeloom:node:tty?library';import c from\"node:os\";import*as d from 'pipeloom:node:fs?library';",
  );
});

test.skipIf(!existsSync(executable))(
  "the executable imports nothing else of Node: one import would add 1.2 MB",
  () => {
    // The program is behind the runtime.
    const text = readFileSync(executable).subarray(-8e6).toString("latin1");
    const imported = Array.from(
      text.matchAll(/\bimport(?:\{[^{}]*\}|\*as \w+| \w+| )?from"([a-z_/:]+)"/g),
      ([, name = ""]) => name.replace(/^node:/, ""),
    );
    const ofBun = ["bun:ffi", "bun:jsc", "bun:sqlite"];
    expect([...new Set(imported)].filter(isBuiltin).toSorted()).toEqual(
      [...ofBun, "async_hooks", "module", "os", "path", "url", "util"].toSorted(),
    );
  },
);
