// The bundler adds the bytecode of each module of Node that the program imports, and of all that this module may ever require:
// 1.2 MB for `node:fs`, whose `glob`, `readline` and streams hardly a run loads, 0.4 MB for `node:stream`. What is got by
// `process.getBuiltinModule` is not seen by the bundler, and the runtime compiles the little of it that is used.
//
//     import { join } from "node:path";                 stays: a module of the list below
//     import { readFileSync } from "node:fs";           import { readFileSync } from "pipeloom:node:fs";

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** 0.27 MB together, with all that they require: `status` takes a tenth less CPU time than without their bytecode. */
const imported = new Set(
  ["async_hooks", "os", "path", "url", "util", "module"].map((name) => `node:${name}`),
);

/** What the page runs in the browser is a bundle of its own. */
export const isSource = /\/src\/(?!page\/app\/)[^.]+\.ts$/;

const prefix = "pipeloom:";
const origin = /\bfrom\s*(["'])(node:[a-z_/]+)\1/g;

/** The text of a module, with the addresses of the modules that the runtime is asked for. */
export const sourceText = (path: string): string => withoutNode(readFileSync(path, "utf8"), "");

/** @param suffix of the addresses */
export const withoutNode = (text: string, suffix: "" | "?library"): string =>
  text.replaceAll(origin, (whole, quote: string, name: string) =>
    imported.has(name) ? whole : `from ${quote}${prefix}${name}${suffix}${quote}`,
  );

/**
 * Comes after the plugins that change sources.
 * @param textOf the text of the module at a path, by `sourceText`
 */
export function nodeModules(src: string, textOf: (path: string) => string): Bun.BunPlugin {
  const names = importedNames(src);
  return {
    name: "no bytecode of what a run hardly uses of Node",
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${prefix}node:`) }, ({ path }) => {
        return { path: path.slice(prefix.length), namespace: "node-modules" };
      });
      build.onLoad({ filter: /./, namespace: "node-modules" }, ({ path }) => {
        return { contents: loaderOf(path, names), loader: "js" };
      });
      build.onLoad({ filter: isSource }, ({ path }) => {
        return { contents: textOf(path), loader: "ts" };
      });
      build.onLoad({ filter: /\/node_modules\/.*\.m?js$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        const without = withoutNode(text, "?library");
        return without === text ? undefined : { contents: without, loader: "js" };
      });
    },
  };
}

/** A library may import in any form; a module of pipeloom imports names. */
function loaderOf(address: string, names: ReadonlyMap<string, ReadonlySet<string>>): string {
  const [name = ""] = address.split("?");
  const module = `process.getBuiltinModule(${JSON.stringify(name)})`;
  if (name !== address) return `module.exports = ${module};`;
  return `export const { ${[...(names.get(name) ?? [])].join(", ")} } = ${module};`;
}

const namedImport = /^import \{([^}]*)\} from "(node:[a-z_/]+)";/gm;
const unnamedImport = /^import (?!type )[^{\n]*from "node:.*|^import "node:.*/m;

/** What all modules of `src` import of each module of Node. */
function importedNames(src: string): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const file of new Bun.Glob("**/*.ts").scanSync(src)) {
    const text = readFileSync(join(src, file), "utf8");
    for (const [, list = "", module = ""] of text.matchAll(namedImport)) {
      const known = names.get(module) ?? new Set<string>();
      names.set(module, known);
      for (const name of importedBy(list)) known.add(name);
    }
    const [other] = unnamedImport.exec(text) ?? [];
    if (other !== undefined) throw new Error(`${file}: import the names of the module: ${other}`);
  }
  return names;
}

/** `a, type B, c as d` → `a`, `c` */
const importedBy = (list: string): string[] =>
  list
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && !each.startsWith("type "))
    .map((each) => each.replace(/ as .*/, ""));
