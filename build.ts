// Compiles pipeloom: `bun build.ts` makes dist/pipeloom for this machine, `bun build.ts all` everything that a release
// holds, in dist/release and dist/npm.

import { statSync } from "node:fs";
import { join, relative } from "node:path";

import { commitName, compile, root } from "./.github/release/compile.ts";
import { executableName } from "./.github/release/targets.ts";
import { version } from "./package.json";

const megabytes = (file: string): string => `${(statSync(file).size / 1e6).toFixed(1)} MB`;

async function buildHere(): Promise<void> {
  const outfile = join(root, "dist", executableName(process.platform));
  await compile(outfile, await commitName());
  console.error(`built ${relative(root, outfile)} (${version}, ${megabytes(outfile)})`);
}

try {
  await buildHere();
} catch (error) {
  for (const each of error instanceof AggregateError ? error.errors : [error]) console.error(each);
  process.exitCode = 1;
}
