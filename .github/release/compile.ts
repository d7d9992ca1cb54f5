// One executable: the program, its Workers and the runtime in one file.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { version } from "../../package.json";
import { embeddedKit } from "./kit/embedded-kit.ts";
import { targets } from "./targets.ts";
import type { Target } from "./targets.ts";

export const root = resolve(import.meta.dir, "../..");

/** A Worker's file must be an entrypoint; the bundle is flattened relative to `src`. */
const entrypoints = [
  "src/cli.ts",
  "src/worker/main.ts",
  "src/store/write/main.ts",
  "src/guard/main.ts",
];

/**
 * Writes `outfile`. It appears whole or not at all, so that a program that runs the old one, or a second build at the
 * same time, never sees half a file.
 * @throws AggregateError with what the bundler says
 */
export async function compile(outfile: string, target: Target, commit: string): Promise<void> {
  mkdirSync(dirname(outfile), { recursive: true });
  // In the same folder, so that the move stays within one file system. The bundler leaves the maps of its chunks here
  // too; the executable has them inside.
  const workshop = mkdtempSync(join(dirname(outfile), ".build-"));
  const made = join(workshop, basename(outfile));
  try {
    await bundle(made, target, commit);
    chmodSync(made, 0o755);
    renameSync(made, outfile);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

async function bundle(outfile: string, target: Target, commit: string): Promise<void> {
  await Bun.build({
    entrypoints: entrypoints.map((file) => join(root, file)),
    root: join(root, "src"),
    compile: {
      outfile,
      // Code that runs a few hundred times, as most of a short run's does, is not worth compiling: 2 MB less at the peak
      // of a small run, and the hot paths are compiled a moment later.
      jitPolicy: 3,
      // Without one, this machine's own runtime is used, and nothing is fetched.
      ...(target === hostTarget() ? {} : { target: target.bun }),
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
    // A run of 1,000 no-op tasks takes 62 ms instead of 122, for four threads read the program; 3.3 MB of the 4.8 that
    // the executable may be larger than an empty one.
    bytecode: true,
    // What is nested deeper than the functions of a function is seldom called at the start: 0.15 MB less.
    bytecodeDepth: 2,
    files: await kit(),
    define: {
      PIPELOOM_VERSION: JSON.stringify(version),
      PIPELOOM_COMMIT: JSON.stringify(commit),
      PIPELOOM_TARGET: JSON.stringify(target.name),
    },
  });
}

/** @throws Error on a system that is none of the targets */
export function hostTarget(): Target {
  const { platform, arch } = process;
  const libc = platform === "linux" ? hostLibc() : undefined;
  const host = targets.find(
    (each) => each.os === platform && each.cpu === arch && each.libc === libc,
  );
  if (host === undefined) throw new Error(`pipeloom is not built for ${platform} ${arch}`);
  return host;
}

/** The C library that the running Bun is linked to; a system may have both. */
function hostLibc(): "glibc" | "musl" {
  const maps = readFileSync("/proc/self/maps", "utf8");
  return maps.includes("/ld-musl-") ? "musl" : "glibc";
}

let made: ReturnType<typeof embeddedKit> | undefined;

/** The same for every target. */
const kit = (): ReturnType<typeof embeddedKit> => (made ??= embeddedKit());

/**
 * The short commit, with a mark when the tree differs from it; `unknown` outside a checkout, unless `PIPELOOM_COMMIT`
 * says it.
 */
export async function commitName(): Promise<string> {
  const given = process.env["PIPELOOM_COMMIT"];
  if (given !== undefined) return given.slice(0, 7);
  const head = await Bun.$`git rev-parse --short HEAD`.cwd(root).quiet().nothrow();
  if (head.exitCode !== 0) return "unknown";
  const changes = await Bun.$`git status --porcelain`.cwd(root).quiet().nothrow();
  return head.text().trim() + (changes.text().trim() === "" ? "" : "+");
}
