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

/**
 * For scales of logarithms, times in English, bands between two lines, the area below one, and points without lines: called for other
 * plots only, or for what nobody asks for.
 */
const unusedFunctions = [
  "rangeLog",
  "rangeAsinh",
  "logAxisSplits",
  "asinhAxisSplits",
  "log10AxisValsFilt",
  "log2AxisValsFilt",
  "clipBandLine",
  "snapLogY",
  "snapAsinhY",
  "seriesFillTo",
  "numSeriesVal",
  "setDefaults2",
  "timeAxisStamps",
  "timeAxisVals",
  "timeAxisVal",
  "timeSeriesStamp",
  "timeSeriesVal",
] as const;

/** Texts of it, and others for them. The page's axes write times in the person's language. */
const insteadOf = [
  [/^(const (?:days|months)3 = \w+)\.map\(slice3\);$/gm, "$1;"],
  [/^function fmtDate\(tpl, names\) \{\n[^]*?^\}$/m, 'function fmtDate() { return () => ""; }'],
  [
    /^function bandFillClipDirs\(self, seriesIdx\) \{\n[^]*?^\}$/m,
    "function bandFillClipDirs() { return [0, 0]; }",
  ],
  [/^\tfunction (?:add|set|del)Band\([^]*?^\t\}$|^\tself\.(?:add|set|del)Band = \w+;$/gm, ""],
  [/^\tconst _timeAxisStamps = \[\n[^]*?^\t\];$/m, "\tconst _timeAxisStamps = [];"],
  ...unusedFunctions.map(
    (name) =>
      [
        new RegExp(`^function ${name}\\([^)]*\\) \\{\\n[^]*?^\\}$`, "m"),
        `function ${name}() {}`,
      ] as const,
  ),
] as const;

/** A plot has the font of the page, no title, and a legend of one line that shows values. */
const unusedStyle =
  /font-family: [^;]+;|\.u-title \{[^}]*\}|\.u-inline:not\(\.u-live\) \.u-value \{[^}]*\}/g;

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
      for (const [text, instead] of insteadOf) {
        if (contents.search(text) < 0) throw new Error(`${path} is written in another way`);
        contents = contents.replace(text, instead);
      }
      return { contents, loader: "js" };
    });
    build.onLoad({ filter: /uPlot\.min\.css$/ }, async ({ path }) => {
      const contents = (await Bun.file(path).text()).replaceAll(unusedStyle, "");
      return { contents, loader: "css" };
    });
  },
};
