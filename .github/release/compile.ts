// One executable: the program, its Workers and the runtime in one file.

import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { version } from "../../package.json";

export const root = resolve(import.meta.dir, "../..");

/** A Worker's file must be an entrypoint; the bundle is flattened relative to `src`. */
const entrypoints = ["src/cli.ts", "src/worker/main.ts", "src/writer/main.ts"];

/**
 * Writes `outfile`. It appears whole or not at all, so that a program that runs the old one, or a second build at the
 * same time, never sees half a file.
 * @param target this machine's system when it is not given
 * @throws AggregateError with what the bundler says
 */
export async function compile(
  outfile: string,
  commit: string,
  target?: Bun.Build.CompileTarget,
): Promise<void> {
  mkdirSync(dirname(outfile), { recursive: true });
  // In the same folder, so that the move stays within one file system. The bundler leaves the maps of its chunks here
  // too; the executable has them inside.
  const workshop = mkdtempSync(join(dirname(outfile), ".build-"));
  const made = join(workshop, basename(outfile));
  try {
    await bundle(made, commit, target);
    chmodSync(made, 0o755);
    renameSync(made, outfile);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

async function bundle(
  outfile: string,
  commit: string,
  target: Bun.Build.CompileTarget | undefined,
): Promise<void> {
  await Bun.build({
    entrypoints: entrypoints.map((file) => join(root, file)),
    root: join(root, "src"),
    compile: {
      outfile,
      ...(target === undefined ? {} : { target }),
      // The user's own .env is part of a pipeline's surroundings; Bun's configuration is not.
      autoloadDotenv: true,
      autoloadBunfig: false,
      autoloadTsconfig: true,
      autoloadPackageJson: true,
    },
    target: "bun",
    format: "esm",
    // What is imported when it is needed is also read when it is needed: `--version` starts as fast as an empty
    // program, and without this two thirds slower.
    splitting: true,
    minify: true,
    sourcemap: "linked",
    bytecode: true,
    define: {
      PIPELOOM_VERSION: JSON.stringify(version),
      PIPELOOM_COMMIT: JSON.stringify(commit),
    },
  });
}

/** The short commit, with a mark when the tree differs from it; `unknown` outside a checkout. */
export async function commitName(): Promise<string> {
  const head = await Bun.$`git rev-parse --short HEAD`.cwd(root).quiet().nothrow();
  if (head.exitCode !== 0) return "unknown";
  const changes = await Bun.$`git status --porcelain`.cwd(root).quiet().nothrow();
  return head.text().trim() + (changes.text().trim() === "" ? "" : "+");
}
