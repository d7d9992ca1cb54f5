// A run uses the code it started with. The main thread records the text of the pipeline's own files after loading them. A
// thread that starts during the run, in place of a lost one, loads these texts and not later edits. Where it cannot, the
// thread does not start: a run never mixes two versions.

import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, isAbsolute, relative } from "node:path";

import { JSON } from "../base/globals.ts";
import { isObject } from "../base/json.ts";
import { sha256 } from "../base/sha256.ts";
import type { ModuleSource } from "../protocol/messages.ts";
import { shownPath } from "../base/path.ts";
import { LoadError } from "./load-error.ts";

/** Of a larger file, the SHA-256 is recorded: it is known that it was edited, and a thread loads it as it is. */
const maxBytes = 4 * 1024 * 1024;
/** The executable provides this package. Inside a checkout of pipeloom the name would resolve to the checkout. */
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
/** These parse data as Bun does on import. */
const dataParsers: Readonly<Record<string, (text: string) => unknown>> = {
  ".json": (text) => JSON.parse(text),
  ".toml": (text) => Bun.TOML.parse(text),
  ".yaml": (text) => Bun.YAML.parse(text),
  ".yml": (text) => Bun.YAML.parse(text),
  ".txt": (text) => text,
  ".sql": (text) => text,
};

/** The path under which Bun loads a file: where links lead to. Sources are recorded under such paths. */
export function loadedPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The file and its imports, transitively, without installed packages. */
export function sourcesOf(entry: string): ModuleSource[] {
  const sources = new Map<string, ModuleSource>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (sources.has(path)) continue;
    const source = readSource(path);
    if (source === undefined) continue;
    sources.set(path, source);
    if (source.isDigest === true) continue;
    open.push(...importsOf(path, source.text).flatMap(({ file }) => file ?? []));
  }
  return [...sources.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** SHA-256 of all sources, by paths relative to the entry. */
export function codeHash(entry: string, sources: readonly ModuleSource[]): string {
  const hash = new Bun.CryptoHasher("sha256");
  const folder = dirname(entry);
  for (const { path, text } of sources) {
    const name = relative(folder, path).replaceAll("\\", "/");
    hash.update(JSON.stringify([name, text]));
  }
  return hash.digest("hex");
}

function readSource(path: string): ModuleSource | undefined {
  try {
    if (statSync(path).size <= maxBytes) return { path, text: readFileSync(path, "utf8") };
    return { path, text: sha256(readFileSync(path)), isDigest: true };
  } catch {
    return undefined;
  }
}

/** `file`: undefined for a package, a part of the runtime, and what cannot be found. */
type Import = { readonly name: string; readonly file: string | undefined };

/** What the text imports, without `pipeloom`. */
export function importsOf(path: string, text: string): Import[] {
  const loader = codeLoaders[extname(path)];
  if (loader === undefined) return [];
  try {
    const transpiler = new Bun.Transpiler({ loader });
    const names = new Set(transpiler.scanImports(text).map((found) => found.path));
    names.delete(own);
    return Array.from(names, (name) => ({ name, file: resolved(name, dirname(path)) }));
  } catch {
    // Loading the file reports what is wrong with it.
    return [];
  }
}

function resolved(specifier: string, folder: string): string | undefined {
  try {
    // `./rates.ts?v=2` is that file.
    const path = Bun.resolveSync(specifier.replace(/\?.*$/s, ""), folder);
    return inPackage.test(path) || !isAbsolute(path) ? undefined : path;
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The file has the text with which it was loaded, as far as that is recorded. */
export const isAsLoaded = ({ path, text, isDigest }: ModuleSource): boolean =>
  isDigest === true || readText(path) === text;

/** A recorded text always loads as an ES module. */
function canReplace({ path, text }: ModuleSource): boolean {
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
 * Called before the module is loaded: for each file that was edited since, the recorded text is loaded instead.
 * @throws LoadError for a file whose text cannot be loaded instead
 */
export function useRecordedSources(sources: readonly ModuleSource[]): void {
  for (const source of sources) {
    if (isAsLoaded(source)) continue;
    if (canReplace(source)) loadText(source);
    else {
      throw new LoadError(
        `${shownPath(source.path)} was edited during the run, and a new thread cannot load the old version (not an ES module); run again to continue with the new version`,
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
  return { ...(isObject(value) ? value : undefined), default: value };
}
