// Joins declarations, with texts as tsc emits them.

import { expect, test } from "bun:test";

import { flatten } from "../../../.github/release/kit/flatten.ts";

const join = (files: Readonly<Record<string, string>>): Promise<string> =>
  flatten("index.ts", (module) => {
    const text = files[module];
    return text === undefined ? Promise.reject(new Error(module)) : Promise.resolve(text);
  });

test("only the exports and their references, across modules", async () => {
  const text = await join({
    "index.ts": `export { make, type Made } from "./api/make.ts";\n`,
    "api/make.ts": [
      `import type { Part, Unused } from "../parts.ts";`,
      `/** A thing. */`,
      `export interface Made {`,
      `    part: Part;`,
      `}`,
      `declare const hidden: unique symbol;`,
      `export declare function make(part: Part): Made;`,
      `export {};`,
      ``,
    ].join("\n"),
    "parts.ts": [
      `/** One of two. */`,
      `export type Part = `,
      `{`,
      `    kind: "a";`,
      `}`,
      `/** The other. */`,
      ` | {`,
      `    kind: "b";`,
      `};`,
      `export type Unused = string;`,
      ``,
    ].join("\n"),
  });
  expect(text).toBe(
    [
      `declare function make(part: Part): Made;`,
      `/** One of two. */`,
      `type Part = `,
      `{`,
      `    kind: "a";`,
      `}`,
      `/** The other. */`,
      ` | {`,
      `    kind: "b";`,
      `};`,
      `/** A thing. */`,
      `interface Made {`,
      `    part: Part;`,
      `}`,
      `export {`,
      `  make,`,
      `  type Made,`,
      `};`,
      ``,
    ].join("\n"),
  );
});

test("a class exported as a type stays one", async () => {
  const text = await join({
    "index.ts": `export { type Pipeline } from "./a.ts";\n`,
    "a.ts": `export declare class Pipeline {\n    name: string;\n}\n`,
  });
  expect(text).toEndWith("export {\n  type Pipeline,\n};\n");
});

test("two declarations of one name are an error that names both modules", async () => {
  const joined = join({
    "index.ts": `export { type A } from "./a.ts";\nexport { type B } from "./b.ts";\n`,
    "a.ts": `type Same = 1;\nexport type A = Same;\n`,
    "b.ts": `type Same = 2;\nexport type B = Same;\n`,
  });
  expect(joined).rejects.toThrow(`"Same" is declared in a.ts and in b.ts`);
});

test.each([
  ["export * from", `export * from "./a.ts";\n`],
  ["a renamed export", `export { a as b } from "./a.ts";\n`],
  ["something cut off", `export interface A {\n`],
])("%s is an error", async (_, index) => {
  expect(join({ "index.ts": index, "a.ts": "" })).rejects.toThrow();
});
