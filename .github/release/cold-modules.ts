// Bytecode is for what a run uses. The modules that no run loads, nor `status`, `runs`, `logs` and `why`, have none, and their text
// is compressed: all of them are one file in the executable, and each is evaluated when it is loaded.
//
//     import{a as b}from"./a.ts";function c(){return b()}export{c as ui};
//
// is imported as
//
//     import{a as b}from"./a.ts";const{ui:_ui}=evaluated("commands/ui.js")(b,[],import.meta);export{_ui as ui};

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { sourceText } from "./node-modules.ts";

/** What is loaded by `import()`, and soon after the start, by most who use pipeloom. */
const loadedEarly = [
  "cli/command-line.ts",
  "cli/outputs.ts",
  "commands/pipeloom-cli.ts",
  ...["run", "status", "runs", "logs", "why"].map((command) => `commands/${command}.ts`),
  "module/fingerprints.ts",
  "module/task-parts.ts",
];

/** Where a stack says that the code of these modules is. */
const folder = "cold/";
const separator = "\0";
const address = "pipeloom:cold";
const packedFile = join(import.meta.dir, "cold.zst");

const loader = `
import path from ${JSON.stringify(packedFile)} with { type: "file" };

const { readFileSync } = process.getBuiltinModule("node:fs");
const evaluate = eval;
let codes;
export function evaluated(name) {
  codes ??= unpacked();
  return evaluate(codes.get(name) + "\\n//# sourceURL=/$bunfs/root/${folder}" + name);
}

function unpacked() {
  const parts = Bun.zstdDecompressSync(readFileSync(path)).toString().split("\\0");
  return new Map(parts.map((part) => part.split("\\n", 1)[0]).map((name, at) => [name, parts[at].slice(name.length + 1)]));
}
`;

export type ColdModules = {
  readonly plugin: Bun.BunPlugin;
  /** For `Bun.build({ files })`. */
  readonly files: Record<string, Uint8Array<ArrayBuffer>>;
  /** Source maps, by the names of the files in a stack. */
  readonly maps: ReadonlyMap<string, string>;
};

/** @param entrypoints paths of the program and of its threads, in the folder `src` */
export async function coldModules(
  src: string,
  entrypoints: readonly string[],
  define: Record<string, string>,
): Promise<ColdModules> {
  const early = loadedEarly.map((file) => join(src, file));
  const warm = reachedFrom([...entrypoints, ...early], isStatic);
  const all = reachedFrom(entrypoints, () => true);
  const cold = [...all].filter((file) => isSource.test(file) && !warm.has(file));
  const { modules, maps } = await packed(src, cold, define);
  const archive = Array.from(modules.values(), ({ name, code }) => `${name}\n${code}`);
  const bytes = Bun.zstdCompressSync(archive.join(separator), { level: 19 });
  return {
    files: { [packedFile]: new Uint8Array(bytes) },
    plugin: pluginOf(modules),
    maps,
  };
}

/** What the page runs in the browser is a bundle of its own, and the loaders are replaced. */
const isSource = /\/src\/(?!page\/app\/)[^.]+(?<!\/load-(?:app|kit))\.ts$/;

const pluginOf = (modules: ReadonlyMap<string, PackedModule>): Bun.BunPlugin => ({
  name: "no bytecode for what no run loads",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^${address}$`) }, ({ path }) => {
      return { path, namespace: "cold-modules" };
    });
    build.onLoad({ filter: /./, namespace: "cold-modules" }, () => {
      return { contents: loader, loader: "js" };
    });
    build.onLoad({ filter: isSource }, ({ path }) => {
      const module = modules.get(path);
      return module === undefined ? undefined : { contents: module.stub, loader: "js" };
    });
    // Draws the graph of the page.
    build.onLoad({ filter: /\/@dagrejs\/dagre\/.*\.js$/ }, ({ path }) => {
      return { contents: wrappedLibrary(readFileSync(path, "utf8"), path), loader: "js" };
    });
  },
});

// ── which ──────────────────────────────────────────────────────────────────────────────────────────────

const transpiler = new Bun.Transpiler({ loader: "ts" });

const isStatic = (kind: Bun.ImportKind): boolean => kind === "import-statement";

/** The modules that are loaded with these. */
function reachedFrom(
  files: readonly string[],
  follows: (kind: Bun.ImportKind) => boolean,
): ReadonlySet<string> {
  const reached = new Set(files);
  // The set grows during the loop.
  for (const file of reached) {
    if (!file.endsWith(".ts")) continue;
    for (const { path, kind } of transpiler.scanImports(codeOf(file))) {
      if (follows(kind) && path.startsWith(".")) reached.add(join(dirname(file), path));
    }
  }
  return reached;
}

/** The transpiler takes no `#!` line. */
const codeOf = (file: string): string => readFileSync(file, "utf8").replace(/^#!.*/, "");

// ── packing ────────────────────────────────────────────────────────────────────────────────────────────

type PackedModule = {
  readonly name: string;
  /** A function of what the module imports. */
  readonly code: string;
  /** What is bundled in place of the module. */
  readonly stub: string;
};

/** Each by itself: all that it imports stays an import. */
async function packed(src: string, files: readonly string[], define: Record<string, string>) {
  const { outputs } = await Bun.build({
    entrypoints: [...files],
    root: src,
    target: "bun",
    format: "esm",
    minify: true,
    sourcemap: "external",
    define,
    plugins: [nothingIsFollowed],
  });
  const modules = new Map<string, PackedModule>();
  const maps = new Map<string, string>();
  for (const output of outputs) {
    const name = output.path.replaceAll("\\", "/").replace(/^\.\//, "");
    const text = await output.text();
    if (output.kind === "sourcemap") maps.set(`${folder}${name.replace(/\.map$/, "")}`, text);
    const module = output.kind === "entry-point" ? packedModule(name, text) : undefined;
    if (module !== undefined) modules.set(join(src, name.replace(/\.js$/, ".ts")), module);
  }
  return { modules, maps };
}

const nothingIsFollowed: Bun.BunPlugin = {
  name: "nothing is followed",
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, kind }) =>
      kind.startsWith("entry-point") ? undefined : { path, external: true },
    );
    build.onLoad({ filter: isSource }, ({ path }) => ({
      contents: sourceText(path),
      loader: "ts",
    }));
  },
};

/**
 * The code keeps its lines and columns: the source map of the text is that of the code.
 * @param text a minified module: a comment, imports, code, `export{a as b};`
 * @returns undefined where it exports nothing of its own
 */
export function packedModule(name: string, text: string): PackedModule | undefined {
  const [, imports = "", body = "", list] =
    /^\/\/ @bun\n((?:import\b(?!\s*[.(])[^;]*;)*)([^]*?)export\{([^{}]*)\};\s*(?:\/\/.*\s*)*$/.exec(
      text,
    ) ?? [];
  if (list === undefined) return undefined;
  const loads: string[] = [];
  const code = body
    .replaceAll(/\bimport\("[^"]+"(?:,\{[^()]*\})?\)/g, (load) =>
      `$load[${loads.push(load) - 1}]()`.padEnd(load.length),
    )
    .replaceAll(/\bimport\.meta\b/g, (meta) => "$meta".padEnd(meta.length));
  if (/\bimport\(/.test(code)) throw new Error(`${name} imports what is known at run time only`);
  const names = importedNames(imports);
  const exports = list.split(",").map((each) => each.trim().split(" as "));
  const inside = exports.map(([local, outer = local]) => `${outer}:${local}`).join(",");
  const outside = exports.map(([local, outer = local]) => `${outer}:_${outer}`).join(",");
  const named = exports.map(([local, outer = local]) => `_${outer} as ${outer}`).join(",");
  const given = [...names, `[${loads.map((load) => `()=>${load}`).join(",")}]`, "import.meta"];
  return {
    name,
    code: `(function(${[...names, "$load", "$meta"].join(",")}){"use strict";\n${" ".repeat(imports.length)}${code}\nreturn{${inside}}})`,
    stub: `${imports}import{evaluated as _evaluated}from"${address}";const{${outside}}=_evaluated("${name}")(${given.join(",")});export{${named}};`,
  };
}

/** The local names of `import{a as b,c}from"…";import d from"…";` */
function importedNames(imports: string): string[] {
  return [...imports.matchAll(/import([^;"']*)\bfrom\b/g)].flatMap(([, clause = ""]) =>
    clause
      .replaceAll(/[{}]/g, ",")
      .split(",")
      .map((each) => each.trim().replace(/^.* as /, ""))
      .filter((each) => each !== ""),
  );
}

/** Deep enough: the innermost function, which has the module's code, gets no bytecode. */
const levels = 3;
const [opened, closed] = ["(() => ".repeat(levels), `)()${")()".repeat(levels - 1)};`];

/**
 * For a minified module without imports, which ends with `export{a as layout};`: the same in nested functions. The bundler makes
 * bytecode to a depth (`bytecodeDepth`).
 * @throws Error where it is none
 */
export function wrappedLibrary(text: string, path: string): string {
  const [statement = "", list] =
    /\bexport\s*\{([^{}]*)\};\s*(?:\/\*[^*]*\*\/\s*|\/\/.*\s*)*$/.exec(text) ?? [];
  if (list === undefined) throw new Error(`${path} does not end with its exports any more`);
  const exports = list.split(",").map((each) => each.trim().split(/\s+as\s+/));
  const inside = exports.map(([local, name = local]) => `${name}: ${local}`).join(", ");
  const outside = exports.map(([local, name = local]) => `${name}: $${name}`).join(", ");
  const names = exports.map(([local, name = local]) => `$${name} as ${name}`).join(", ");
  const code = text.slice(0, -statement.length);
  return `const { ${outside} } = ${opened}{ ${code}\nreturn { ${inside} }; }${closed}\nexport { ${names} };\n`;
}
