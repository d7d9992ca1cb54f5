// Bundles the library: what `import … from "pipeloom"` gives in a Bun program without the executable. Includes the
// files of the Workers that it starts.

import { join } from "node:path";

import type { TextFiles } from "../../../src/kit/kit.ts";
import { bundledLibraries } from "../packed-libraries.ts";

/** The bundler requires each Worker's file to be an entrypoint. */
const entrypoints = ["index.ts", "worker/main.ts", "store/write/main.ts"];

/** BullMQ and its Redis client. The executable has the same text for itself, and the kit in it goes without. */
export const librariesFile = "libraries.cjs";

/** In place of both modules. The bundler does not follow the path, so the chunk must be beside the file. */
const loader = `
const path = Bun.fileURLToPath(new URL("./${librariesFile}", import.meta.url));
export const { Queue, WaitingError, Worker, Redis } = import.meta.require(path);
`;

const loadsLibraries: Bun.BunPlugin = {
  name: "BullMQ and its Redis client are a file of their own",
  setup(build) {
    build.onResolve({ filter: /^(?:bullmq|ioredis)$/ }, () => ({
      path: "libraries",
      namespace: "kit",
    }));
    build.onLoad({ filter: /./, namespace: "kit" }, () => ({ contents: loader, loader: "js" }));
  },
};

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
    plugins: [loadsLibraries],
    // The bundler does not rewrite file names in `new URL(…)`, and the bundled Workers end in `.js`.
    files: { [spawn]: (await Bun.file(spawn).text()).replaceAll("/main.ts", "/main.js") },
  });
  const texts = outputs.map(async (output) => [packagePath(output.path), await output.text()]);
  const files = Object.fromEntries(await Promise.all(texts)) as Record<string, string>;
  assertLoaderIsInRoot(files);
  return { ...files, [librariesFile]: await bundledLibraries() };
}

function assertLoaderIsInRoot(files: TextFiles): void {
  for (const [path, text] of Object.entries(files)) {
    if (path.includes("/") && text.includes(librariesFile))
      throw new Error(`${path} would look for ${librariesFile} in its own folder`);
  }
}

const packagePath = (path: string): string => path.replaceAll("\\", "/").replace(/^\.\//, "");
