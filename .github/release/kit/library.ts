// Bundles the library: what `import … from "pipeloom"` gives in a program that is not the executable, with the Workers
// it starts.

import { join } from "node:path";

import type { TextFiles } from "../../../src/kit/kit.ts";

/** A Worker's file must be an entrypoint. */
const entrypoints = ["index.ts", "worker/main.ts", "store/write/main.ts"];

/**
 * `index.js`, the Workers' files and what they share, relative to the package.
 * @param root the checkout
 * @throws AggregateError with what the bundler says
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
    // The Workers are bundled too, and the bundler leaves the names in `new URL` as they stand in the source.
    files: { [spawn]: (await Bun.file(spawn).text()).replaceAll("/main.ts", "/main.js") },
  });
  const texts = outputs.map(async (output) => [packagePath(output.path), await output.text()]);
  return Object.fromEntries(await Promise.all(texts));
}

const packagePath = (path: string): string => path.replaceAll("\\", "/").replace(/^\.\//, "");
