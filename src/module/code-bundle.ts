// A pipeline file and all that it imports as one text, for machines that have neither. It is named by its hash.

import { existsSync } from "node:fs";
import { basename, extname, join, normalize, resolve } from "node:path";

import { Buffer, JSON } from "../base/globals.ts";
import { shownPath } from "../base/path.ts";
import { sha256 } from "../base/sha256.ts";
import type { ModuleSource } from "../protocol/messages.ts";
import { LoadError } from "./load-error.ts";
import { isAsLoaded } from "./sources.ts";

type Bundle = {
  /** SHA-256 of `text`. */
  readonly hash: string;
  /** The file's name without its extension. */
  readonly name: string;
  readonly text: string;
  /** Packages in it that have native code beside them, which is not in it. */
  readonly natives: readonly string[];
};

/** Where a package keeps native code, or makes it. What it loads from there is known only when it runs. */
const nativeMarks = ["binding.gyp", "src/binding.gyp", "prebuilds", "build/Release"];

/**
 * @param path the pipeline's file, which has been loaded
 * @param sources its files as they were then
 * @throws LoadError where the code cannot be one text: a native package, or a file that is not code
 */
export async function bundleOf(path: string, sources: readonly ModuleSource[]): Promise<Bundle> {
  const shown = shownPath(path);
  const built = await Bun.build({
    entrypoints: [path],
    // The executable provides it.
    external: ["pipeloom"],
    target: "bun",
    format: "esm",
    // Files that are not code keep their paths, to be named in the refusal.
    naming: { asset: "[dir]/[name].[ext]" },
    throw: false,
    metafile: true,
    sourcemap: "external",
  });
  if (!built.success) {
    const why = built.logs.map(({ message }) => message).join("\n");
    throw new LoadError(`${shown} cannot be bundled for other machines: ${why}`);
  }
  const others = built.outputs.filter(({ kind }) => kind !== "entry-point" && kind !== "sourcemap");
  if (others.length > 0)
    throw new LoadError(
      refusal(
        shown,
        others.map(({ path: file }) => file),
      ),
    );
  const [code] = built.outputs;
  if (code?.sourcemap === null || code === undefined) {
    throw new Error(`Internal error: no bundle of ${path}`);
  }
  const text = withPlaces(await code.text(), await code.sourcemap.text());
  const edited = sources.find((source) => !isAsLoaded(source));
  if (edited !== undefined) {
    throw new LoadError(`${shownPath(edited.path)} was edited while it was loaded; run again`);
  }
  const natives = nativesAmong(Object.keys(built.metafile?.inputs ?? {}));
  return { hash: sha256(text), name: basename(path, extname(path)), text, natives };
}

/** The same code, whose stacks name the files of this machine, as in a run without other machines. */
function withPlaces(code: string, sourceMap: string): string {
  const map = JSON.parse(sourceMap) as { readonly sources: readonly string[] };
  // Relative to the working directory.
  const sources = map.sources.map((source) => resolve(source));
  // The runtime ignores a map that lacks the texts, and stacks need none.
  const places = { ...map, sources, sourcesContent: sources.map(() => "") };
  const encoded = Buffer.from(JSON.stringify(places)).toString("base64");
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`;
}

/** @param files relative to the working directory */
function nativesAmong(files: readonly string[]): readonly string[] {
  const found = new Map<string, boolean>();
  for (const file of files) {
    const [folder, name] = packageOf(file);
    if (name === undefined || found.get(name) === true) continue;
    found.set(
      name,
      nativeMarks.some((mark) => existsSync(join(folder, mark))),
    );
  }
  return Array.from(found).flatMap(([name, isNative]) => (isNative ? [name] : []));
}

/** Its folder and name; no name for a file of the project itself. */
function packageOf(file: string): readonly [folder: string, name?: string] {
  const [folder = file, name] =
    /^.*\bnode_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/s.exec(file) ?? [];
  return name === undefined ? [folder] : [folder, name.replaceAll("\\", "/")];
}

function refusal(shown: string, files: readonly string[]): string {
  const names = files.map((file) => normalize(file).replace(/^.*\bnode_modules\W/s, "")).join(", ");
  return files.some((file) => extname(file) === ".node")
    ? `${shown} uses a native package (${names}), which other machines cannot get from here; use a package without native code, or run without --engine`
    : `${shown} imports files that are not code (${names}), which other machines cannot get from here; name them in the \`files\` of a task with \`reuse\` and read them by their paths, or run without --engine`;
}
