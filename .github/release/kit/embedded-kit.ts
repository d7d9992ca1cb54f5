// The files that embed the kit in an executable, for `Bun.build({ files })`.

import { join } from "node:path";

import { packKit } from "../../../src/kit/kit.ts";
import { packedFile } from "../packed-libraries.ts";
import { librariesFile } from "./library.ts";
import { makeKit } from "./make-kit.ts";

const folder = join(import.meta.dir, "../../../src/kit");

const libraries = `pipeloom/${librariesFile}`;

/** Replaces src/kit/load-kit.ts in the executable. */
const loader = `
import path from "./kit.zst" with { type: "file" };
import libraries from ${JSON.stringify(packedFile)} with { type: "file" };
import { unpackKit } from "./kit.ts";

export async function loadKit() {
  const { modules, templates } = unpackKit(await Bun.file(path).bytes());
  const text = Bun.zstdDecompressSync(await Bun.file(libraries).bytes()).toString();
  return { modules: { ...modules, ${JSON.stringify(libraries)}: text }, templates };
}
`;

/** About 0.35 MB, identical for every target, without what the executable has for itself. Takes a few seconds. */
export async function embeddedKit(): Promise<Record<string, string | Uint8Array<ArrayBuffer>>> {
  const { modules, templates } = await makeKit();
  const { [libraries]: _, ...rest } = modules;
  const kit = { modules: rest, templates };
  return {
    [join(folder, "load-kit.ts")]: loader,
    [join(folder, "kit.zst")]: packKit(kit, 19),
  };
}
