// A library, or what is used of it, as one CommonJS module.

import { join } from "node:path";

/**
 * @param folder in which the bundler looks for packages
 * @param text of a module: what is used of the library
 */
export async function bundledLibrary(folder: string, text: string): Promise<string> {
  const entry = join(folder, "library.js");
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    files: { [entry]: text },
    target: "bun",
    format: "cjs",
    minify: true,
  });
  const [bundle] = outputs;
  if (bundle === undefined) throw new Error(`the bundler made nothing of ${text}`);
  return bundle.text();
}
