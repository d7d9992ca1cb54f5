// The kit: what a user's project needs beside the executable. It holds the type declarations of pipeloom and of Bun for
// the editor, the library for tests that run as plain Bun programs, and the templates of `pipeloom init`. The build
// embeds it in the executable, so a project needs no network.

/** Relative path (with `/`) → text. */
export type TextFiles = Readonly<Record<string, string>>;

export type Kit = {
  /** Files of a project's `node_modules`. The first folder (`pipeloom`, `@types/node`) is the package. */
  readonly modules: TextFiles;
  /** The first folder is the template's name. */
  readonly templates: TextFiles;
};

/** @param level 1 (fast) to 19 (small) */
export const packKit = (kit: Kit, level: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Bun.zstdCompressSync(JSON.stringify(kit), { level }));

/** @param packed output of `packKit`; not validated */
export const unpackKit = (packed: Uint8Array<ArrayBuffer>): Kit =>
  JSON.parse(Bun.zstdDecompressSync(packed).toString()) as Kit;

/** The files below one folder, with paths relative to that folder. */
export const below = (files: TextFiles, folder: string): TextFiles =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path.startsWith(`${folder}/`))
      .map(([path, text]) => [path.slice(folder.length + 1), text]),
  );
