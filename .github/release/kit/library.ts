// Bundles the library: what `import … from "pipeloom"` gives in a Bun program without the executable. Includes the
// files of the Workers that it starts.

import { join } from "node:path";

import type { TextFiles } from "../../../src/kit/kit.ts";

/** The bundler requires each Worker's file to be an entrypoint. */
const entrypoints = ["index.ts", "worker/main.ts", "store/write/main.ts"];

/**
 * `index.js`, the Workers' files and their shared chunks. Paths are relative to the package.
 * @param root the checkout
 * @throws AggregateError with the bundler's messages
 */
export async function makeLibrary(root: string): Promise<TextFiles> {
  const source = join(root, "src");
  const spawn = join(source, "spawn.ts");
  const { outputs } = await Bun.build({
    entrypoints: entrypoints.map((file) => join(source, file)),
    root: source,
    target: "bun",
    format: "esm",
    splitting: true,
    minify: { whitespace: true, syntax: true },
    // The bundler does not rewrite file names in `new URL(…)`, and the bundled Workers end in `.js`.
    files: { [spawn]: (await Bun.file(spawn).text()).replaceAll("/main.ts", "/main.js") },
  });
  const texts = outputs.map(async (output) => [packagePath(output.path), await output.text()]);
  return Object.fromEntries(await Promise.all(texts));
}

const packagePath = (path: string): string => path.replaceAll("\\", "/").replace(/^\.\//, "");
