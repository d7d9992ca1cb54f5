import { expect, test } from "bun:test";
import { join } from "node:path";

import { packedModule, wrappedLibrary } from "../../.github/release/cold-modules.ts";
import { tempFolder } from "../support/temp-folder.ts";

const imports = `import{join as a,sep}from"node:path";import c from"./water.txt"with{type:"text"};`;
const code = `var n=40;function d(){return n+=1,import("./deep.ts")}function h(){return import("./a.sh",{with:{type:"text"}})}class e{f=import.meta.url}var g=a("b",sep,c);`;
const module = `// @bun\n${imports}${code}export{d as next,h as script,e as Water,g as deep};\n//# debugId=0\n`;

test("what is bundled for a cold module has its imports and exports, and gives the code what it imports", () => {
  const { stub } = packedModule("water.js", module) ?? { stub: "" };
  expect(stub).toStartWith(imports);
  const { exports, imports: imported } = new Bun.Transpiler({ loader: "js" }).scan(stub);
  expect(exports.toSorted()).toEqual(["Water", "deep", "next", "script"]);
  expect(imported.map(({ path }) => path)).toEqual([
    "node:path",
    "./water.txt",
    "pipeloom:cold",
    "./deep.ts",
    "./a.sh",
  ]);
  expect(stub).toContain(
    '("water.js")(a,sep,c,[()=>import("./deep.ts"),()=>import("./a.sh",{with:{type:"text"}})],import.meta)',
  );
});

test("its code is a function of these, in which each place stays where it was", async () => {
  const { code: packed = "" } = packedModule("water.js", module) ?? {};
  expect(packed.split("\n")[1]?.indexOf("class e")).toBe(module.split("\n")[1]?.indexOf("class e"));
  using folder = tempFolder();
  const file = join(folder.path, "made.mjs");
  await Bun.write(
    file,
    `export const made = ${packed}((...parts) => parts.join(), "/", "c", [() => 41], { url: "u" });`,
  );
  const { made } = (await import(file)) as { readonly made: unknown };
  const { next, Water, deep } = made as {
    readonly next: () => number;
    readonly Water: new () => { readonly f: string };
    readonly deep: string;
  };
  expect([next(), new Water().f, deep]).toEqual([41, "u", "b,/,c"]);
});

test("an import whose module is not written out is an error of the build", () => {
  expect(() => packedModule("a.js", "// @bun\nvar a=(b)=>import(b);export{a};\n")).toThrow(
    "a.js imports what is known at run time only",
  );
});

test.each([
  ["types only", "// @bun\n"],
  ["what another module exports", '// @bun\nexport{a}from"./a.ts";\n'],
])("%s: a module stays as it is", (_, other) => {
  expect(packedModule("a.js", other)).toBeUndefined();
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
