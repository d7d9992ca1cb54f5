// The part of cold-modules.ts that runs in the executable.

/** Where a stack says that the code of these modules is. */
export const coldFolder = "cold/";

/** Between modules, and between what a module has: its name, what it gets, its code. */
export const separator = "\0";
export const partSeparator = "\x01";

/** What the code of a module gets, in the archive as JSON. */
export type Given = {
  /** Where from, and the names there: the name of a module of the archive or of the runtime, or the number of a file of links. */
  readonly imports: readonly (readonly [from: string | number, ...names: (string | number)[]])[];
  /** For each `import()`: the name of a module of the archive, or its place among `loads`. */
  readonly loads: readonly (string | number)[];
};

/**
 * @param archive the path of the archive
 * @param links the paths of the files of links
 * @param loads what is between the parentheses of an `import()`
 */
export const coldLoader = (
  archive: string,
  links: readonly string[],
  loads: readonly string[],
): string => `
import path from ${JSON.stringify(archive)} with { type: "file" };

const { readFileSync } = process.getBuiltinModule("node:fs");
const evaluate = eval;
const links = [${links.map((each) => `() => import(${JSON.stringify(each)})`).join(", ")}];
const loads = [${loads.map((each) => `() => import(${each})`).join(", ")}];
const linked = [];
const evaluated = new Map();
let modules;

export async function loadCold(name) {
  modules ??= unpacked();
  await Promise.all([...linksOf(name)].map(async (at) => (linked[at] ??= (await links[at]()).links)));
  return exportsOf(name);
}

function unpacked() {
  const texts = Bun.zstdDecompressSync(readFileSync(path)).toString().split(${JSON.stringify(separator)});
  return new Map(texts.map((text) => text.split(${JSON.stringify(partSeparator)})).map(([name, ...parts]) => [name, parts]));
}

/** Of the module and of all that it imports. */
function linksOf(name, found = new Set(), seen = new Set()) {
  if (seen.has(name)) return found;
  seen.add(name);
  for (const [from] of JSON.parse(modules.get(name)[0]).imports) {
    if (typeof from === "number") found.add(from);
    else if (!isBuiltin(from)) linksOf(from, found, seen);
  }
  return found;
}

function exportsOf(name) {
  if (!evaluated.has(name)) evaluated.set(name, evaluatedModule(name));
  return evaluated.get(name);
}

function evaluatedModule(name) {
  const [given, code] = modules.get(name);
  const { imports, loads: ownLoads } = JSON.parse(given);
  const values = imports.flatMap(([from, ...names]) => names.map((each) => valuesOf(from)[each]));
  const made = evaluate(code + "\\n//# sourceURL=/$bunfs/root/${coldFolder}" + name);
  const thunks = ownLoads.map((each) => (typeof each === "number" ? loads[each] : () => loadCold(each)));
  return made(...values, thunks, import.meta);
}

const isBuiltin = (from) => typeof from === "string" && from.includes(":");

function valuesOf(from) {
  if (typeof from === "number") return linked[from];
  return isBuiltin(from) ? process.getBuiltinModule(from) : exportsOf(from);
}
`;
