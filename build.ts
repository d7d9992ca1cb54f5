// Compiles pipeloom into one executable: `bun build.ts` for this machine.

import { statSync } from "node:fs";
import { join } from "node:path";

import { version } from "./package.json";

const root = import.meta.dir;
const outfile = join(root, "dist", process.platform === "win32" ? "pipeloom.exe" : "pipeloom");

/** The short commit, with a mark when the tree differs from it; `unknown` outside a checkout. */
async function commit(): Promise<string> {
  const head = await Bun.$`git rev-parse --short HEAD`.cwd(root).quiet().nothrow();
  if (head.exitCode !== 0) return "unknown";
  const changes = await Bun.$`git status --porcelain`.cwd(root).quiet().nothrow();
  return head.text().trim() + (changes.text().trim() === "" ? "" : "+");
}

const result = await Bun.build({
  // A Worker's file must be an entrypoint; the bundle is flattened relative to `root`.
  entrypoints: ["src/cli.ts", "src/worker/main.ts", "src/writer/main.ts"].map((file) =>
    join(root, file),
  ),
  root: join(root, "src"),
  compile: {
    outfile,
    // The user's own .env is part of a pipeline's surroundings; Bun's configuration is not.
    autoloadDotenv: true,
    autoloadBunfig: false,
    autoloadTsconfig: true,
    autoloadPackageJson: true,
  },
  target: "bun",
  format: "esm",
  minify: true,
  sourcemap: "linked",
  bytecode: true,
  define: {
    PIPELOOM_VERSION: JSON.stringify(version),
    PIPELOOM_COMMIT: JSON.stringify(await commit()),
  },
});
if (!result.success) {
  for (const log of result.logs) console.error(log);
  process.exit(1);
}
const megabytes = (statSync(outfile).size / 1e6).toFixed(1);
console.error(`built ${outfile.slice(root.length + 1)} (${version}, ${megabytes} MB)`);
