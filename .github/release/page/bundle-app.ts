// Bundles what runs in the browser: one script and one stylesheet, so that the page and a report are one HTML file each.

import { join } from "node:path";

import type { AppFiles } from "../../../src/page/app-files.ts";

const folder = join(import.meta.dir, "../../../src/page/app");

/** @throws AggregateError with the errors of the bundler */
export async function bundleApp(): Promise<AppFiles> {
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, "main.tsx")],
    target: "browser",
    format: "iife",
    minify: true,
    tsconfig: join(folder, "tsconfig.json"),
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const textOf = async (extension: string): Promise<string> =>
    (await outputs.find(({ path }) => path.endsWith(extension))?.text()) ?? "";
  return { script: await textOf(".js"), style: await textOf(".css") };
}
