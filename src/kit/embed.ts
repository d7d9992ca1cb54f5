// For the build: the files that put the kit into an executable, to be handed to `Bun.build({ files })`.

import { join } from "node:path";

import { packKit } from "./kit.ts";
import { makeKit } from "./make.ts";

const loader = `
import path from "./kit.zst" with { type: "file" };
import { unpackKit } from "./kit.ts";

export const loadKit = async () => unpackKit(await Bun.file(path).bytes());
`;

/** Half a megabyte, the same for every target; takes a few seconds. */
export async function embeddedKit(): Promise<Record<string, string | Uint8Array<ArrayBuffer>>> {
  return {
    [join(import.meta.dir, "load.ts")]: loader,
    [join(import.meta.dir, "kit.zst")]: packKit(await makeKit(), 19),
  };
}
