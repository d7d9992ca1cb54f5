import { expect, test } from "bun:test";

import { wrapped, wrappedLibrary } from "../../.github/release/cold-modules.ts";

const imports = `// Looks at the colour of water.

import { join } from "node:path";
import {
  type Water,
  waters,
} from "./water.ts";
`;

const code = `
export type Colour = Water["colour"];
/** In the order of depth. */
export const { list: colours } = waters;
const deep = "#034";

// import { shallow } from "./none.ts";
export async function colourOf(name: string): Promise<Colour> {
  return join(name, deep);
}
`;

test("a module has its imports, its lines and its exports, and its code in functions", () => {
  const text = wrapped(imports + code);
  expect(text).toStartWith(imports);
  expect(new Bun.Transpiler({ loader: "ts" }).scan(text ?? "")).toEqual(
    new Bun.Transpiler({ loader: "ts" }).scan(imports + code),
  );
  const lines = (imports + code).split("\n").map((line) => line.replace(/^export /, ""));
  const first = imports.split("\n").length - 1;
  expect(text?.split("\n").slice(first + 1, lines.length)).toEqual(lines.slice(first + 1));
});

test("what is wrapped works as before", async () => {
  const text = wrapped(
    "let n = 40;\nexport function next(): number {\n  return ++n;\n}\nexport class A {}\n",
  );
  const script = new Bun.Transpiler({ loader: "ts" }).transformSync(text ?? "");
  const { next, A } = (await import(`data:text/javascript,${encodeURIComponent(script)}`)) as {
    readonly next: () => number;
    readonly A: new () => object;
  };
  expect([next(), next(), new A() instanceof A]).toEqual([41, 42, true]);
});

test.each([
  ["types only", "export type A = 1;\n"],
  ["a default export", "export const a = 1;\nexport default a;\n"],
  ["a variable that may change", "export let a = 1;\n"],
  ["exports of another module", 'export { a } from "./a.ts";\n'],
])("%s: a module stays as it is", (_, text) => {
  expect(wrapped(text)).toBeUndefined();
});

test("a minified library is wrapped, with names other than its own", async () => {
  const text = wrappedLibrary("var e=1,r=()=>e+1;export{r as layout,e};\n/*! licence */\n", "x.js");
  const { layout, e } = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    readonly layout: () => number;
    readonly e: number;
  };
  expect([layout(), e]).toEqual([2, 1]);
  expect(() => wrappedLibrary("var e = 1;", "x.js")).toThrow(
    "x.js does not end with its exports any more",
  );
});
