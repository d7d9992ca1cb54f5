// `import()` of a user's file, whatever characters are in its path.

import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

import { JSON } from "../base/globals.ts";

export type Exports = Readonly<Record<string, unknown>>;

/** Bun 1.4.5 takes the text after a `?` in a path for a query, in every form of address, escaped or not. */
export const importFile = (path: string): Promise<Exports> =>
  path.includes("?") ? importBundled(path) : (import(path) as Promise<Exports>);

/** The bundler reads such paths, so the file and its imports become one module with a name of its own. */
async function importBundled(path: string): Promise<Exports> {
  const name = `bundle:${path}`;
  Bun.plugin({
    name,
    setup(build) {
      build.module(name, async () => ({ contents: await bundle(path), loader: "js" }));
    },
  });
  return (await import(name)) as Exports;
}

async function bundle(path: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [path],
    external: ["pipeloom"],
    target: "bun",
    format: "esm",
    define: {
      "import.meta.url": JSON.stringify(pathToFileURL(path).href),
      "import.meta.path": JSON.stringify(path),
      "import.meta.dir": JSON.stringify(dirname(path)),
    },
  });
  const [output] = outputs;
  if (output === undefined) throw new Error("Internal error: a bundle without output");
  return output.text();
}
