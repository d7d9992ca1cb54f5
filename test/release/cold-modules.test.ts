import { expect, test } from "bun:test";
import { join } from "node:path";

import { Links } from "../../.github/release/cold-links.ts";
import { packedModule } from "../../.github/release/cold-modules.ts";
import { tempFolder } from "../support/temp-folder.ts";

const imports = `import{join as a,sep}from"node:path";import c from"./water.txt"with{type:"text"};import"./b.ts";`;
const code = `var n=40;function d(){return n+=1,import("./deep.ts")}function h(){return import("./a.sh",{with:{type:"text"}})}class e{f=import.meta.url}var g=a("b",sep,c);`;
const module = `// @bun\n${imports}${code}export{d as next,h as script,e as Water,g as deep};\n//# debugId=0\n`;

test("what a cold module imports, and what it loads later", () => {
  const packed = packedModule("water.js", module);
  expect(packed.imports.map(({ path, names }) => [path, ...names])).toEqual([
    ["node:path", "join", "sep"],
    ["./water.txt", "default"],
    ["./b.ts"],
  ]);
  expect(packed.imports[1]?.attributes).toBe('with{type:"text"}');
  expect(packed.loads).toEqual([
    { path: "./deep.ts", attributes: "" },
    { path: "./a.sh", attributes: ',{with:{type:"text"}}' },
  ]);
});

test("its code is a function of these, in which each place stays where it was", async () => {
  const { code: packed } = packedModule("water.js", module);
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
  ["nothing but types", "// @bun\n"],
  ["an address in a regular expression", "// @bun\nvar a=/^https?:\\/\\//;export{a};\n"],
])("a module with %s", async (_, text) => {
  const { code: packed } = packedModule("a.js", text);
  const made = (await import(
    `data:text/javascript,${encodeURIComponent(`export default ${packed}([], {})`)}`
  )) as { readonly default: object };
  expect(Object.keys(made.default)).toEqual(text.includes("export") ? ["a"] : []);
});

test("links of one group are in one file, a value that two modules import once", async () => {
  using folder = tempFolder();
  const paths = ["a.ts", "b.ts", "c.ts"].map((name) => join(folder.path, name));
  const [a = "", b = "", c = ""] = paths;
  for (const path of paths)
    await Bun.write(path, `export const x = "x of ${path.at(-4)}", y = "y of ${path.at(-4)}";`);
  const links = new Links(folder.path, (path) => (path === c ? "other" : "one"));
  const given = [
    links.add({ path: a, attributes: "" }, ["x"]),
    links.add({ path: c, attributes: "" }, ["y"]),
    links.add({ path: b, attributes: "" }, ["y", "x"]),
    links.add({ path: a, attributes: "" }, ["y", "x"]),
  ];
  const files = Object.entries(links.files());
  for (const [path, text] of files) await Bun.write(path, text);
  expect(links.paths()).toEqual(files.map(([path]) => path));
  const values = await Promise.all(
    files.map(async ([path]) => ((await import(path)) as { links: string[] }).links),
  );
  expect(given.map(([file, ...at]) => at.map((each) => values[file]?.[each]))).toEqual([
    ["x of a"],
    ["y of c"],
    ["y of b", "x of b"],
    ["y of a", "x of a"],
  ]);
});
