// The kit: what a project needs beside the executable. The type declarations of pipeloom and of Bun for the editor, the
// library for tests that run as plain Bun programs, and the templates of `pipeloom init`. It is made when pipeloom is
// built and travels inside the executable, so that nothing has to be fetched.

/** Path with slashes, relative to where the files belong, to text. */
export type TextFiles = Readonly<Record<string, string>>;

export type Kit = {
  /** Belongs in a project's `node_modules`; the first folder (`pipeloom`, `@types/node`) is the package. */
  readonly modules: TextFiles;
  /** The first folder is the template's name. */
  readonly templates: TextFiles;
};

/** @param level 1 (fast) to 19 (small) */
export const packKit = (kit: Kit, level: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Bun.zstdCompressSync(JSON.stringify(kit), { level }));

/** Only what `packKit` made: it is not checked. */
export const unpackKit = (packed: Uint8Array<ArrayBuffer>): Kit =>
  JSON.parse(Bun.zstdDecompressSync(packed).toString()) as Kit;

/** The files below one folder, their paths relative to it. */
export const below = (files: TextFiles, folder: string): TextFiles =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path.startsWith(`${folder}/`))
      .map(([path, text]) => [path.slice(folder.length + 1), text]),
  );
