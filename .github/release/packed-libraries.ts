// BullMQ and its Redis client in an executable: a bundle by itself, compressed, which is unpacked when an engine is opened. As
// other modules, with bytecode, they would take 4.5 MB instead of 0.2.

import { join } from "node:path";

import { bundledLibrary } from "./bundled-library.ts";

const folder = import.meta.dir;

/** In the executable, for this loader and for that of the kit. */
export const packedFile = join(folder, "libraries.zst");

/** What `src` imports of them. */
const library = `
export { Queue, WaitingError, Worker } from "bullmq";
export { Redis } from "ioredis";
`;

/** In place of both modules. */
const loader = `
import path from "./libraries.zst" with { type: "file" };

const library = { exports: {} };
const { readFileSync } = process.getBuiltinModule("node:fs");
const run = (0, eval)(Bun.zstdDecompressSync(readFileSync(path)).toString());
run(library.exports, import.meta.require, library, "", "");
export const { Queue, WaitingError, Worker, Redis } = library.exports;
`;

/** For `Bun.build({ files })`, with the plugin. The same for every target. */
export async function packedLibraries(): Promise<Record<string, string | Uint8Array<ArrayBuffer>>> {
  const bytes = Bun.zstdCompressSync(await bundledLibraries(), { level: 19 });
  return {
    [join(folder, "libraries.js")]: loader,
    [packedFile]: new Uint8Array(bytes),
  };
}

let bundled: Promise<string> | undefined;

/** Both in one CommonJS module. The kit has the same text as a file. */
export const bundledLibraries = (): Promise<string> =>
  (bundled ??= bundledLibrary(folder, library));

export const loadsPackedLibraries: Bun.BunPlugin = {
  name: "BullMQ and its Redis client are packed",
  setup(build) {
    build.onResolve({ filter: /^(?:bullmq|ioredis)$/ }, () => ({
      path: join(folder, "libraries.js"),
    }));
  },
};
