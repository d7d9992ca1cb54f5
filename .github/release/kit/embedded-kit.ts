// The files that embed the kit in an executable, for `Bun.build({ files })`.

import { join } from "node:path";

import { packKit } from "../../../src/kit/kit.ts";
import { makeKit } from "./make-kit.ts";

const folder = join(import.meta.dir, "../../../src/kit");

/** Replaces src/kit/load-kit.ts in the executable. */
const loader = `
import path from "./kit.zst" with { type: "file" };
import { unpackKit } from "./kit.ts";

export const loadKit = async () => unpackKit(await Bun.file(path).bytes());
`;

/** About 0.5 MB, identical for every target. Takes a few seconds. */
export async function embeddedKit(): Promise<Record<string, string | Uint8Array<ArrayBuffer>>> {
  return {
    [join(folder, "load-kit.ts")]: loader,
    [join(folder, "kit.zst")]: packKit(await makeKit(), 19),
  };
}
