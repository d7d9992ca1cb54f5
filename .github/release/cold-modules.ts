// Bytecode is for what a run uses. The modules that no run loads, nor `status`, `runs`, `logs` and `why`, have none: their text is
// compressed in one file of the executable, the archive, and each is evaluated when it is loaded (cold-loader.ts).
//
//     import{a as b}from"./a.ts";import{c}from"./c.ts";function d(){return b(c)}export{d as ui};
//
// is a function of what it imports, and where that is:
//
//     [["a.js","a"],[4,12]]              of another such module, and of the 5th file of links (cold-links.ts) the 13th value
//     (function(b,c,$load,$meta){"use strict";function d(){return b(c)}return{ui:d}})
//
// The bundler sees none of them, and in place of `import("./ui.ts")` it sees `loadCold("commands/ui.js")`. As files of their own
// they would be 110 chunks, and 0.4 MB more of imports and exports, with the parts into which they cut the others.

import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";

import { bundledLibrary } from "./bundled-library.ts";
import { type Address, Links } from "./cold-links.ts";
import { coldFolder, coldLoader, type Given, partSeparator, separator } from "./cold-loader.ts";
import { isSource } from "./node-modules.ts";

/** What is loaded by `import()`, and soon after the start, by most who use pipeloom. */
const loadedEarly = [
  "cli/command-line.ts",
  "cli/outputs.ts",
  "commands/pipeloom-cli.ts",
  ...["run", "status", "runs", "logs", "why"].map((command) => `commands/${command}.ts`),
  "module/fingerprints.ts",
  "module/task-parts.ts",
];

/** Each is a module of the archive, too. */
const coldLibraries = new Set(["@clack/prompts", "@dagrejs/dagre"]);

const archiveFile = join(import.meta.dir, "cold.zst");

/**
 * The links to modules that the same of these load are in one file, if they load about as many themselves. In fewer files they would
 * take 0.09 MB less, and `query` would load a run: a sixth more CPU time.
 */
const loadedTogether = [
  ["worker/main.ts"],
  ["cli.ts", "cli/command-line.ts", "commands/pipeloom-cli.ts", "cli/outputs.ts"],
  ["commands/status.ts", "commands/runs.ts", "commands/logs.ts", "commands/why.ts"],
  ["commands/run.ts", "run-pipeline.ts"],
];
const aboutAsMany = [8, 20, 50, 100];

export type ColdModules = {
  /** For `Bun.build({ files })`. */
  readonly files: Record<string, string | Uint8Array<ArrayBuffer>>;
  /** Source maps, by the names of the files in a stack. */
  readonly maps: ReadonlyMap<string, string>;
  readonly plugin: Bun.BunPlugin;
  /** The text of a module that is not cold, with `loadCold("commands/ui.js")` in place of `import("./ui.ts")`. */
  withLoads(path: string, text: string): string;
};

type Sources = {
  /** The folder `src`. */
  readonly src: string;
  /** Paths of the program and of its threads. */
  readonly entrypoints: readonly string[];
  /** By path, in place of what is on the disk. */
  readonly files: Record<string, string | Uint8Array<ArrayBuffer>>;
  readonly define: Record<string, string>;
};

export async function coldModules(sources: Sources): Promise<ColdModules> {
  const { src, entrypoints } = sources;
  const graph = new Graph(sources.files);
  const early = loadedEarly.map((file) => join(src, file));
  const warm = graph.reachedFrom([...entrypoints, ...early], isStatic);
  const all = graph.reachedFrom(entrypoints, () => true);
  const cold = new Set([...all].filter((file) => isSource.test(file) && !warm.has(file)));
  const links = new Links(src, (path) => (warm.has(path) ? groupIn(graph, src, path) : path));
  const archive = new Archive(src, cold, links);
  const maps = await pack(sources, archive);
  const loader = join(src, "cold-loader.js");
  return {
    files: {
      ...links.files(),
      [loader]: coldLoader(archiveFile, links.paths(), archive.loads),
      [archiveFile]: archive.packed(),
    },
    maps,
    plugin: nothingIsCold(cold),
    withLoads: (path, text) => withLoads(path, text, { src, cold, loader }),
  };
}

/** Modules of one group are loaded together: `pipeloom query` must not load what a run needs. */
function groupIn(graph: Graph, src: string, path: string): string {
  const sets = loadedTogether.map((files) =>
    graph.loadedWith(files.map((file) => join(src, file))),
  );
  // Each command loads these before.
  const [, ofAll] = sets;
  const loaded = [...graph.loadedWith([path])].filter((each) => !ofAll?.has(each)).length;
  return [
    ...sets.map((set) => (set.has(path) ? 1 : 0)),
    aboutAsMany.filter((limit) => loaded > limit).length,
  ].join("");
}

/** A module that the bundler finds too would be there twice, with two states. */
const nothingIsCold = (cold: ReadonlySet<string>): Bun.BunPlugin => ({
  name: "no bytecode for what no run loads",
  setup(build) {
    build.onLoad({ filter: isSource }, ({ path }) => {
      if (cold.has(path))
        throw new Error(`${path} is bundled, though no module of a run imports it`);
      return undefined;
    });
  },
});

const loadOf = /\bimport\(\s*"(\.[^"]+\.ts)",?\s*\)/g;

type Replacing = {
  readonly src: string;
  readonly cold: ReadonlySet<string>;
  readonly loader: string;
};

/** Lines keep their numbers. */
function withLoads(path: string, text: string, { src, cold, loader }: Replacing): string {
  let found = 0;
  const replaced = text.replaceAll(loadOf, (whole, address: string) => {
    const file = join(dirname(path), address);
    if (!cold.has(file)) return whole;
    found++;
    return `loadCold(${JSON.stringify(nameOf(src, file))})`;
  });
  return found === 0 ? text : `${replaced}\nimport { loadCold } from ${JSON.stringify(loader)};\n`;
}

/** `commands/ui.js` */
const nameOf = (src: string, file: string): string =>
  relative(src, file).replaceAll("\\", "/").replace(/\.ts$/, ".js");

// ── which ──────────────────────────────────────────────────────────────────────────────────────────────

const transpiler = new Bun.Transpiler({ loader: "ts" });

const isStatic = (kind: Bun.ImportKind): boolean => kind === "import-statement";

class Graph {
  readonly #files: Sources["files"];
  readonly #loaded = new Map<string, ReadonlySet<string>>();

  constructor(files: Sources["files"]) {
    this.#files = files;
  }

  /** The modules that are loaded with these. */
  reachedFrom(
    files: readonly string[],
    follows: (kind: Bun.ImportKind) => boolean,
  ): ReadonlySet<string> {
    const reached = new Set(files);
    // The set grows during the loop.
    for (const file of reached) {
      if (!file.endsWith(".ts")) continue;
      for (const { path, kind } of transpiler.scanImports(this.#textOf(file))) {
        if (follows(kind) && path.startsWith(".")) reached.add(join(dirname(file), path));
      }
    }
    return reached;
  }

  /** By static imports. */
  loadedWith(files: readonly string[]): ReadonlySet<string> {
    const key = files.join();
    const known = this.#loaded.get(key) ?? this.reachedFrom(files, isStatic);
    this.#loaded.set(key, known);
    return known;
  }

  #textOf(file: string): string {
    const replaced = this.#files[file];
    if (typeof replaced === "string") return replaced;
    // The transpiler takes no `#!` line.
    return readFileSync(file, "utf8").replace(/^#!.*/, "");
  }
}

// ── packing ────────────────────────────────────────────────────────────────────────────────────────────

/** Each by itself: all that it imports stays an import. @returns the source maps */
async function pack({ src, files, define }: Sources, archive: Archive) {
  const { outputs } = await Bun.build({
    entrypoints: [...archive.paths],
    root: src,
    target: "bun",
    format: "esm",
    minify: true,
    sourcemap: "external",
    define,
    files,
    plugins: [nothingIsFollowed],
  });
  const maps = new Map<string, string>();
  for (const output of outputs) {
    const name = moduleName(output.path);
    const text = await output.text();
    if (output.kind === "sourcemap") maps.set(`${coldFolder}${name.replace(/\.map$/, "")}`, text);
    if (output.kind === "entry-point") archive.add(name, text);
  }
  for (const { name, text } of archive.libraries()) {
    archive.addLibrary(name, await bundledLibrary(src, text));
  }
  return maps;
}

/** The bundler's `./commands/ui.js`, or `.\commands\ui.js` → `commands/ui.js` */
const moduleName = (path: string): string => path.replaceAll("\\", "/").replace(/^\.\//, "");

const nothingIsFollowed: Bun.BunPlugin = {
  name: "nothing is followed",
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, kind }) =>
      kind.startsWith("entry-point") ? undefined : { path, external: true },
    );
  },
};

const syntax = new Bun.Transpiler({ loader: "js" });

class Archive {
  readonly paths: ReadonlySet<string>;
  readonly #src: string;
  readonly #links: Links;
  readonly #loads: string[] = [];
  readonly #modules: string[] = [];
  /** What is imported of each. */
  readonly #libraries = new Map<string, Set<string>>();

  constructor(src: string, paths: ReadonlySet<string>, links: Links) {
    this.paths = paths;
    this.#src = src;
    this.#links = links;
  }

  /** What is between the parentheses of each `import()` of a module that is not in the archive. */
  get loads(): readonly string[] {
    return this.#loads;
  }

  add(name: string, text: string): void {
    const folder = join(this.#src, dirname(name));
    const { imports, loads, code } = packedModule(name, text);
    const given: Given = {
      imports: imports.map(({ path, attributes, names }) =>
        this.#import(addressIn(folder, path, attributes), names),
      ),
      loads: loads.map(({ path, attributes }) => this.#load(addressIn(folder, path, attributes))),
    };
    this.#push(name, given, code);
  }

  /** @param text a CommonJS module of the bundler: `(function(exports, require, module, __filename, __dirname) {…})` */
  addLibrary(name: string, text: string): void {
    const code = `(function($load,$meta){const module={exports:{}};(${text})(module.exports,$meta.require,module,"","");return module.exports})`;
    this.#push(name, { imports: [], loads: [] }, code);
  }

  #push(name: string, given: Given, code: string): void {
    // Throws where a module is written in a way that `packedModule` does not know.
    syntax.transformSync(code);
    this.#modules.push([name, JSON.stringify(given), code].join(partSeparator));
  }

  /** @throws Error for all names at once (`import * as a`): of a chunk, the bundler would keep them all */
  #import({ path, attributes }: Address, names: readonly string[]): Given["imports"][number] {
    if (names.includes("*")) throw new Error(`import the names of ${path}`);
    if (this.paths.has(path)) return [nameOf(this.#src, path), ...names];
    if (coldLibraries.has(path)) return this.#importLibrary(path, names);
    // The bundler leaves `node:` out.
    if (isBuiltin(path)) return [/^\w+:/.test(path) ? path : `node:${path}`, ...names];
    return this.#links.add({ path, attributes }, names);
  }

  #importLibrary(path: string, names: readonly string[]): Given["imports"][number] {
    const known = this.#libraries.get(path) ?? new Set<string>();
    this.#libraries.set(path, known);
    for (const name of names) known.add(name);
    return [libraryName(path), ...names];
  }

  /** What is to be bundled for each. */
  libraries(): { readonly name: string; readonly text: string }[] {
    return Array.from(this.#libraries, ([path, names]) => ({
      name: libraryName(path),
      text: `export { ${[...names].join(", ")} } from ${JSON.stringify(path)};`,
    }));
  }

  #load({ path, attributes }: Address): string | number {
    if (this.paths.has(path)) return nameOf(this.#src, path);
    return this.#loads.push(`${JSON.stringify(path)}${attributes}`) - 1;
  }

  packed(): Uint8Array<ArrayBuffer> {
    const text = this.#modules.join(separator);
    return new Uint8Array(Bun.zstdCompressSync(text, { level: 19 }));
  }
}

const libraryName = (path: string): string => `libraries/${path}.js`;

const addressIn = (folder: string, path: string, attributes: string): Address => ({
  path: path.startsWith(".") ? join(folder, path) : path,
  attributes,
});

type PackedModule = {
  readonly imports: readonly (Address & { readonly names: readonly string[] })[];
  /** What its `import()` load, in the order of the text. */
  readonly loads: readonly Address[];
  /** A function of what the module imports. */
  readonly code: string;
};

/**
 * The code keeps its lines and columns: the source map of the text is that of the code.
 * @param text a minified module: a comment, imports, code, `export{a as b};`
 * @throws Error where it is none
 */
export function packedModule(name: string, text: string): PackedModule {
  const [, head = "", body = "", list = ""] = moduleText.exec(text) ?? [];
  const loads: Address[] = [];
  const code = body
    .replaceAll(
      /\bimport\("([^"]+)"((?:,\{[^()]*\})?)\)/g,
      (load, path: string, attributes: string) =>
        `$load[${loads.push({ path, attributes }) - 1}]()`.padEnd(load.length),
    )
    .replaceAll(/\bimport\.meta\b/g, (meta) => "$meta".padEnd(meta.length));
  if (/\bimport\(/.test(code)) throw new Error(`${name} imports what is known at run time only`);
  const imports = [...head.matchAll(importStatement)].map(importOf);
  const exports = list.split(",").filter((each) => each.trim() !== "");
  const returned = exports.map((each) => {
    const [local = "", outer = local] = each.trim().split(" as ");
    return `${outer}:${local}`;
  });
  const parameters = [...imports.flatMap(({ locals }) => locals), "$load", "$meta"];
  return {
    imports,
    loads,
    code: `(function(${parameters.join(",")}){"use strict";\n${" ".repeat(head.length)}${code}\nreturn{${returned.join(",")}}})`,
  };
}

const moduleText =
  /^\/\/ @bun\n((?:import\b(?!\s*[.(])[^;]*;)*)([^]*?)(?:export\{([^{}]*)\};)?(?:\s*\n\/\/.*)*\s*$/;

const importStatement = /import(?:([^;"']*)\bfrom)?\s*"([^"]+)"([^;]*);/g;

/** `import{a as b,c}from"…";import d from"…"with{type:"text"};import"…";` */
function importOf([, clause = "", path = "", attributes = ""]: RegExpMatchArray) {
  const [standard = ""] = /^\s*[\w$]*/.exec(clause) ?? [];
  const rest = clause.slice(standard.length).replaceAll(/[{}]/g, "");
  const list = rest.replace(/\*\s*as\b/, "* as").split(",");
  const names = list.map((each) => each.trim()).filter((each) => each !== "");
  if (standard.trim() !== "") names.unshift(`default as ${standard.trim()}`);
  return {
    path,
    attributes,
    names: names.map((each) => each.replace(/ as .*/, "")),
    locals: names.map((each) => each.replace(/^.* as /, "")),
  };
}
