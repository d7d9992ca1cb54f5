// The files that embed the page's app in an executable, for `Bun.build({ files })`.

import { join } from "node:path";

import { packApp } from "../../../src/page/app-files.ts";
import { bundleApp } from "./bundle-app.ts";

const folder = join(import.meta.dir, "../../../src/page");

/** Replaces src/page/load-app.ts in the executable. */
const loader = `
import path from "./app.zst" with { type: "file" };
import { unpackApp } from "./app-files.ts";

export const loadApp = async () => unpackApp(await Bun.file(path).bytes());
`;

/** About 60 kB, the same for every target. */
export async function embeddedApp(): Promise<Record<string, string | Uint8Array<ArrayBuffer>>> {
  return {
    [join(folder, "load-app.ts")]: loader,
    [join(folder, "app.zst")]: packApp(await bundleApp(), 19),
  };
}
