// Bytecode is for what a run uses. The bundler cannot leave it out for single modules, but it has a depth: functions nested
// deeper than `bytecodeDepth` get none. So the modules that no run loads are wrapped in functions, and are compiled when they
// are loaded.
//
//     export function ui() {}      const { ui } = (() => (() => (() => { function ui() {} … return { ui }; })())())();

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

/** Deep enough: the innermost function, which has the module's code, gets no bytecode either. */
const levels = 3;
const [opened, closed] = ["(() => ".repeat(levels), `)()${")()".repeat(levels - 1)};`];

/** @param entrypoints paths of the program and of its threads, in the folder `src` */
export function coldModules(src: string, entrypoints: readonly string[]): Bun.BunPlugin {
  const early = loadedEarly.map((file) => join(src, file));
  const warm = reachedFrom([...entrypoints, ...early]);
  return {
    name: "no bytecode for what no run loads",
    setup(build) {
      // What the page runs in the browser is a bundle of its own, and the loaders are replaced.
      build.onLoad(
        { filter: /\/src\/(?!page\/app\/)[^.]+(?<!\/load-(?:app|kit))\.ts$/ },
        ({ path }) => {
          const text = warm.has(path) ? undefined : wrapped(sourceText(path));
          return text === undefined ? undefined : { contents: text, loader: "ts" };
        },
      );
      // Draws the graph of the page.
      build.onLoad({ filter: /\/@dagrejs\/dagre\/.*\.js$/ }, ({ path }) => {
        return { contents: wrappedLibrary(readFileSync(path, "utf8"), path), loader: "js" };
      });
    },
  };
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

/** The modules that are loaded with these: `import()` is not followed. */
function reachedFrom(files: readonly string[]): ReadonlySet<string> {
  const reached = new Set(files);
  // The set grows during the loop.
  for (const file of reached) {
    if (!file.endsWith(".ts")) continue;
    for (const { path, kind } of transpiler.scanImports(codeOf(file))) {
      if (kind === "import-statement" && path.startsWith("."))
        reached.add(join(dirname(file), path));
    }
  }
  return reached;
}

/** The transpiler takes no `#!` line. */
const codeOf = (file: string): string => readFileSync(file, "utf8").replace(/^#!.*/, "");

/**
 * The same lines, with the module's code in nested functions. Nothing may import the module in a circle. Undefined where it
 * has types only, or an export that is no declaration.
 */
export function wrapped(text: string): string | undefined {
  const { exports } = transpiler.scan(text);
  const lines = text.split("\n");
  if (exports.length === 0 || lines.some((line) => /^export (?:default|let|\*|\{)/.test(line)))
    return undefined;
  const first = endOfImports(lines);
  const code = lines.slice(first).map((line) => line.replace(/^export (?=\w)/, ""));
  const names = `{ ${exports.join(", ")} }`;
  return [
    ...lines.slice(0, first),
    `export const ${names} = ${opened}{ ${code.join("\n")}`,
    `return ${names}; }${closed}`,
  ].join("\n");
}

/** The index of the line after the last import. The formatter writes each statement at the beginning of a line. */
function endOfImports(lines: readonly string[]): number {
  let end = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.startsWith("import ")) {
      while (lines[at]?.endsWith(";") === false) at++;
      end = at + 1;
    } else if (!/^$|^\/\/|^\/\*| \*/.test(line)) break;
  }
  return end;
}

/**
 * For a minified module without imports, which ends with `export{a as layout};`.
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
