// What runs in the browser, as the executable has it.

import { JSON } from "../base/globals.ts";

export type AppFiles = { readonly script: string; readonly style: string };

/** @param level 1 (fast) to 19 (small) */
export const packApp = (app: AppFiles, level: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Bun.zstdCompressSync(JSON.stringify(app), { level }));

/** @param packed output of `packApp`; not validated */
export const unpackApp = (packed: Uint8Array<ArrayBuffer>): AppFiles =>
  JSON.parse(Bun.zstdDecompressSync(packed).toString()) as AppFiles;
