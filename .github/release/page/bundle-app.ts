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
    plugins: [onlyUsedPlots],
  });
  const textOf = async (extension: string): Promise<string> =>
    (await outputs.find(({ path }) => path.endsWith(extension))?.text()) ?? "";
  return { script: await textOf(".js"), style: await textOf(".css") };
}

/** What no plot of the page has. */
const unusedParts = [
  "assign",
  "fmtNum",
  "rangeNum",
  "rangeLog",
  "rangeAsinh",
  "orient",
  "join",
  "fmtDate",
  "tzDate",
  "sync",
  "addGap",
  "clipGaps",
  "stepped",
  "bars",
  "spline",
] as const;

/** Its names of days and months: the page's axes write times in the person's language. */
const englishTimes = [
  [/^(const (?:days|months)3 = \w+)\.map\(slice3\);$/gm, "$1;"],
  [/^function fmtDate\(tpl, names\) \{\n[^]*?^\}$/m, 'function fmtDate() { return () => ""; }'],
] as const;

/**
 * uPlot hangs all of its parts on itself, so that a bundler cannot see which of them nobody uses: 8 kB. Without the statements that do
 * that, it does.
 */
const onlyUsedPlots: Bun.BunPlugin = {
  name: "only the parts of uPlot that the page uses",
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await Bun.file(path).text();
      for (const part of unusedParts) {
        const statement = new RegExp(`^\\s*\\(?(?:uPlot|paths)\\.${part}\\s*= \\w+\\)?;$`, "m");
        if (!statement.test(contents)) throw new Error(`${path} has no part ${part} any more`);
        contents = contents.replace(statement, "");
      }
      for (const [text, instead] of englishTimes) {
        if (contents.search(text) < 0) throw new Error(`${path} writes times in another way`);
        contents = contents.replace(text, instead);
      }
      return { contents, loader: "js" };
    });
  },
};
