// Builds the kit from a checkout with its dev dependencies. Runs in the build, and when pipeloom is used from source.

import { join } from "node:path";

import { version } from "../../../package.json";
import { withoutComments, withShortComments } from "./comments.ts";
import { makeDeclarations } from "./declarations.ts";
import type { Kit, TextFiles } from "../../../src/kit/kit.ts";
import { makeLibrary } from "./library.ts";

const root = join(import.meta.dir, "../../..");
const templates = join(root, "src/commands/init/templates");

/** `bun-types` refers to the other two. All three are MIT-licensed, as their package.json files say. */
const typePackages = ["bun-types", "@types/node", "undici-types"];

export async function makeKit(): Promise<Kit> {
  const [library, declarations, templateFiles, ...types] = await Promise.all([
    makeLibrary(root),
    makeDeclarations(root),
    readFiles(templates, /./),
    ...typePackages.map(readTypes),
  ]);
  const pipeloom = { ...library, "index.d.ts": declarations, "package.json": packageJson() };
  return {
    modules: Object.assign({}, within("pipeloom", pipeloom), ...types),
    templates: templateFiles,
  };
}

const packageJson = (): string =>
  `${JSON.stringify(
    {
      name: "pipeloom",
      version,
      description: "Written by the pipeloom executable, and kept in step with it",
      license: "MIT",
      type: "module",
      exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
    },
    undefined,
    2,
  )}\n`;

const within = (folder: string, files: TextFiles): TextFiles =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));

/** Files that keep a short comment per declaration: a pipeline's author looks up the `Bun` API in the editor. */
const documented = /^bun-types\/bun\.d\.ts$/;

/** A package's declarations, `package.json` and license. */
async function readTypes(name: string): Promise<TextFiles> {
  const folder = join(root, "node_modules", name);
  const files = within(name, await readFiles(folder, /^(?:package\.json|LICENSE|.*\.d\.ts)$/));
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [
      path,
      path.endsWith(".d.ts") ? shortened(path, text) : text,
    ]),
  );
}

const shortened = (path: string, text: string): string =>
  (documented.test(path) ? withShortComments : withoutComments)(text);

/** Includes hidden files, because a template may have some. */
async function readFiles(folder: string, wanted: RegExp): Promise<TextFiles> {
  const found = await Array.fromAsync(new Bun.Glob("**/*").scan({ cwd: folder, dot: true }));
  const paths = found.map((path) => path.replaceAll("\\", "/")).filter((path) => wanted.test(path));
  const files = paths
    .toSorted()
    .map(async (path) => [path, await Bun.file(join(folder, path)).text()]);
  return Object.fromEntries(await Promise.all(files));
}
