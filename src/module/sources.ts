// A run uses the code that it began with. The main thread notes the text of the pipeline's own files when it has loaded
// them, and a thread that starts while the run goes on, for another was lost, loads these texts and not what has been
// edited since. Where that cannot be done, the thread does not start: a run never mixes two versions.

import { readFileSync, statSync } from "node:fs";
import { dirname, extname, relative } from "node:path";

import { JSON } from "../base/globals.ts";
import type { ModuleSource } from "../protocol/messages.ts";
import { shownPath } from "../base/path.ts";
import { LoadError } from "./load-module.ts";

/** Data that is larger is read where it lies. */
const maxBytes = 4 * 1024 * 1024;
/** Comes from the executable; beside a checkout of pipeloom, its name leads to that. */
const own = "pipeloom";
const inPackage = /[\\/]node_modules[\\/]/;

const codeLoaders: Readonly<Record<string, "js" | "jsx" | "ts" | "tsx">> = {
  ".js": "js",
  ".cjs": "js",
  ".mjs": "js",
  ".jsx": "jsx",
  ".ts": "ts",
  ".cts": "ts",
  ".mts": "ts",
  ".tsx": "tsx",
};
/** Data comes as Bun would have read it from the file. */
const dataParsers: Readonly<Record<string, (text: string) => unknown>> = {
  ".json": (text) => JSON.parse(text),
  ".toml": (text) => Bun.TOML.parse(text),
  ".yaml": (text) => Bun.YAML.parse(text),
  ".yml": (text) => Bun.YAML.parse(text),
  ".txt": (text) => text,
  ".sql": (text) => text,
};

/** The file and all that it imports by name, one from another; of installed packages nothing. */
export function sourcesOf(entry: string): ModuleSource[] {
  const sources = new Map<string, ModuleSource>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (sources.has(path)) continue;
    const text = readText(path);
    if (text === undefined) continue;
    sources.set(path, { path, text });
    open.push(...importsOf(path, text));
  }
  return [...sources.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** SHA-256 of them all. Where the folder lies does not matter. */
export function codeHash(entry: string, sources: readonly ModuleSource[]): string {
  const hash = new Bun.CryptoHasher("sha256");
  const folder = dirname(entry);
  for (const { path, text } of sources) {
    const name = relative(folder, path).replaceAll("\\", "/");
    hash.update(JSON.stringify([name, text]));
  }
  return hash.digest("hex");
}

function readText(path: string): string | undefined {
  try {
    return statSync(path).size > maxBytes ? undefined : readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function importsOf(path: string, text: string): string[] {
  const loader = codeLoaders[extname(path)];
  if (loader === undefined) return [];
  try {
    const transpiler = new Bun.Transpiler({ loader });
    const names = transpiler.scanImports(text).map((found) => found.path);
    return names.filter((name) => name !== own).flatMap((name) => resolved(name, dirname(path)));
  } catch {
    // Whoever loads it says what is wrong.
    return [];
  }
}

function resolved(specifier: string, folder: string): string[] {
  try {
    const path = Bun.resolveSync(specifier, folder);
    return inPackage.test(path) ? [] : [path];
  } catch {
    return [];
  }
}

/** A text is always loaded as an ES module. */
function canStandIn({ path, text }: ModuleSource): boolean {
  const extension = extname(path);
  if (extension in dataParsers) return true;
  const loader = codeLoaders[extension];
  return loader !== undefined && !extension.startsWith(".c") && !isCommonJs(text, loader);
}

function isCommonJs(text: string, loader: "js" | "jsx" | "ts" | "tsx"): boolean {
  if (!/\bmodule\.exports\b|\bexports\.\w/.test(text)) return false;
  const { exports, imports } = new Bun.Transpiler({ loader }).scan(text);
  return exports.length === 0 && imports.every(({ kind }) => kind !== "import-statement");
}

/**
 * Before the module is loaded: where a file is no longer what it was, its text is loaded instead.
 * @throws LoadError for a file whose text cannot stand in for it
 */
export function loadAsTheyWere(sources: readonly ModuleSource[]): void {
  for (const source of sources) {
    if (readText(source.path) === source.text) continue;
    if (canStandIn(source)) loadText(source);
    else {
      throw new LoadError(
        `${shownPath(source.path)} was edited while the run was going on, and a new thread cannot load it as it was (it is no ES module); run again: the run goes on, with the file as it is now`,
      );
    }
  }
}

function loadText({ path, text }: ModuleSource): void {
  const loader = codeLoaders[extname(path)];
  Bun.plugin({
    name: `as it was: ${path}`,
    setup(build) {
      build.onLoad({ filter: new RegExp(`^${RegExp.escape(path)}$`) }, () =>
        loader === undefined
          ? { exports: dataExports(path, text), loader: "object" }
          : { contents: text, loader },
      );
    },
  });
}

function dataExports(path: string, text: string): Record<string, unknown> {
  const parse = dataParsers[extname(path)];
  if (parse === undefined)
    throw new Error(`Internal error: ${path} was recorded and cannot be read`);
  const value = parse(text);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return { ...(isObject ? value : undefined), default: value };
}
