// Texts that few read, compressed in the executable: as imports of type `text` they would be as long as their files.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(import.meta.dir, "../..");

const texts = ["src/commands/docs/guide.md", "src/prove/write-recorder.c"].map((path) =>
  join(root, path),
);

/** In place of a text. */
const loaderOf = (path: string): string => `
import path from "./${basename(path)}.zst" with { type: "file" };

const { readFileSync } = process.getBuiltinModule("node:fs");
export default Bun.zstdDecompressSync(readFileSync(path)).toString();
`;

/** For `Bun.build({ files })`, with the plugin. */
export const packedTexts = (): Record<string, Uint8Array<ArrayBuffer>> =>
  Object.fromEntries(
    texts.map((path) => [
      `${path}.zst`,
      new Uint8Array(Bun.zstdCompressSync(readFileSync(path), { level: 19 })),
    ]),
  );

export const loadsPackedTexts: Bun.BunPlugin = {
  name: "texts that few read are compressed",
  setup(build) {
    build.onLoad({ filter: /\.(?:md|c)$/ }, ({ path }) =>
      texts.includes(path) ? { contents: loaderOf(path), loader: "js" } : undefined,
    );
  },
};
