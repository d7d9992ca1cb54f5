// One text of all modules of a pipeline. Bun's bundler links the imports, and gives every local a name that the top level
// does not have.

import { dirname, extname } from "node:path";

import { JSON } from "../../base/globals.ts";
import { sha256 } from "../../base/sha256.ts";
import type { ModuleSource } from "../../protocol/messages.ts";
import { importsOf } from "../sources.ts";

type Bundle = {
  readonly text: string;
  /** Of each package: the folders of the files that import it. */
  readonly importers: ReadonlyMap<string, readonly string[]>;
};

/** The value of a data file that is larger is the hash of its text. */
const maxDataLength = 64 * 1024;

/** To read a longer text would keep the main thread busy for a second. */
const maxLength = 1_000_000;

/**
 * @param shortens gives locals short names that the top level does not have
 * @throws AggregateError with the errors of the bundler; Error for a bundle that is too long
 */
export async function bundleOf(
  entry: string,
  sources: readonly ModuleSource[],
  shortens: boolean,
): Promise<Bundle> {
  const importers = importersIn(sources);
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    files: Object.fromEntries(sources.map((source) => [source.path, shortened(source)])),
    external: [...importers.keys()],
    target: "bun",
    format: "esm",
    minify: { identifiers: shortens, syntax: false, whitespace: false },
    // An author's `sideEffects: false` or `@__PURE__` may be wrong, and Bun heeds neither when it runs a file.
    ignoreDCEAnnotations: true,
    // Otherwise the bundler puts a value in its place, and drops the branches of other values.
    define: {
      "process.env.NODE_ENV": "process.env.NODE_ENV",
      ...globalsIn(shortens ? sources : []),
    },
  });
  const [output] = outputs;
  if (output === undefined) throw new Error("Internal error: a bundle without output");
  if (output.size > maxLength) throw new Error("it is longer than 1 MB");
  return { text: await output.text(), importers };
}

function importersIn(sources: readonly ModuleSource[]): Map<string, string[]> {
  const importers = new Map<string, string[]>([["pipeloom", []]]);
  for (const { path, text } of sources) {
    for (const { name, file } of importsOf(path, text)) {
      if (file !== undefined) continue;
      const folders = importers.get(name) ?? [];
      folders.push(dirname(path));
      importers.set(name, folders);
    }
  }
  return importers;
}

/**
 * A global whose name is as short as those of locals is written as a property, so that it keeps its name. The bundler replaces
 * only names that nothing declares.
 */
function globalsIn(sources: readonly ModuleSource[]): Record<string, string> {
  const names = sources
    .filter(({ path }) => isCode(path))
    .flatMap(({ text }) => text.match(/(?<![\w$])[A-Za-z_$][\w$]?(?![\w$])/g) ?? [])
    .filter((name) => !/^(?:do|if|in)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, `globalThis.${name}`]));
}

const isCode = (path: string): boolean => /^\.[cm]?[jt]sx?$/.test(extname(path));

function shortened({ path, text, isDigest }: ModuleSource): string {
  if (isDigest !== true && (text.length <= maxDataLength || isCode(path))) return text;
  const hash = isDigest === true ? text : sha256(text);
  switch (extname(path)) {
    case ".json":
    case ".jsonc":
    case ".json5":
    case ".yaml":
    case ".yml":
      return JSON.stringify(hash);
    case ".toml":
      return `hash = "${hash}"`;
    default:
      return hash;
  }
}
