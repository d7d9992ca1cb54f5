// Compiles pipeloom.
//
//   bun build.ts                  dist/pipeloom, for this machine
//   bun build.ts all              what a release holds: dist/release and dist/npm
//   bun build.ts linux-x64-musl   dist/bin/linux-x64-musl/pipeloom; several targets at will

import { statSync } from "node:fs";
import { join, relative } from "node:path";

import { commitName, compile, hostTarget, root } from "./.github/release/compile.ts";
import { executableName, targetNamed } from "./.github/release/targets.ts";
import { version } from "./package.json";

const dist = join(root, "dist");

async function build(args: readonly string[]): Promise<void> {
  if (args.length === 0) return buildHere();
  const { buildRelease, buildTargets } = await import("./.github/release/release.ts");
  if (args[0] === "all") await buildRelease(dist);
  else await buildTargets(dist, args.map(targetNamed));
}

async function buildHere(): Promise<void> {
  const outfile = join(dist, executableName(process.platform));
  await compile(outfile, hostTarget(), await commitName());
  const megabytes = (statSync(outfile).size / 1e6).toFixed(1);
  console.error(`built ${relative(root, outfile)} (${version}, ${megabytes} MB)`);
}

try {
  await build(process.argv.slice(2));
} catch (error) {
  for (const each of error instanceof AggregateError ? error.errors : [error]) console.error(each);
  process.exitCode = 1;
}
