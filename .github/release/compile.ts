// Compiles the executable: the program, its Workers and the runtime in one file.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

import { version } from "../../package.json";
import { type ColdModules, coldModules } from "./cold-modules.ts";
import { embeddedKit } from "./kit/embedded-kit.ts";
import { midTier } from "./mid-tier.ts";
import { nodeModules, sourceText } from "./node-modules.ts";
import { embeddedApp } from "./page/embedded-app.ts";
import { loadsPackedLibraries, packedLibraries } from "./packed-libraries.ts";
import { loadsPackedTexts, packedTexts } from "./packed-texts.ts";
import { isInside, withoutPrivate } from "./private-members.ts";
import { executableName, targets } from "./targets.ts";
import type { Target } from "./targets.ts";

export const root = resolve(import.meta.dir, "../..");

/** A Worker's file must be an entrypoint; the bundle is flattened relative to `src`. */
const entrypoints = [
  "src/cli.ts",
  "src/worker/main.ts",
  "src/store/write/main.ts",
  "src/store/read/main.ts",
  "src/watchdog/main.ts",
  "src/watchdog/bounds-main.ts",
];

/**
 * Writes `outfile` by a rename, so that neither a running executable nor a concurrent build sees a partial file.
 * @throws AggregateError with the errors of the bundler
 */
export async function compile(outfile: string, target: Target, commit: string): Promise<void> {
  mkdirSync(dirname(outfile), { recursive: true });
  // In the same folder, so that the rename stays within one file system.
  const workshop = mkdtempSync(join(dirname(outfile), ".build-"));
  const made = join(workshop, basename(outfile));
  try {
    await bundle(made, target, commit, "none");
    chmodSync(made, 0o755);
    renameSync(made, outfile);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** The source maps of what `compile` makes of the same arguments, by the names that files have in the executable. */
export async function sourceMaps(target: Target, commit: string): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "pipeloom-maps-"));
  try {
    // The bundler leaves them beside the executable.
    const cold = await bundle(join(folder, executableName(target.os)), target, commit, "linked");
    const maps = new Map<string, string>(cold);
    for (const file of new Bun.Glob("*.map").scanSync(folder)) {
      const map = readFileSync(join(folder, file), "utf8");
      maps.set(threadOf(map) ?? file.slice(0, -".map".length), map);
    }
    return maps;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `worker/main.js`, if it is the map of a thread's entry. */
function threadOf(map: string): string | undefined {
  const { sources } = JSON.parse(map) as { readonly sources: readonly string[] };
  const [, ...threads] = entrypoints;
  return threads
    .find((entry) => sources.includes(entry))
    ?.replace(/^src\//, "")
    .replace(/\.ts$/, ".js");
}

/** @returns the source maps of the modules that are no files of the executable */
async function bundle(
  outfile: string,
  target: Target,
  commit: string,
  sourcemap: "none" | "linked",
): Promise<ColdModules["maps"]> {
  const paths = entrypoints.map((file) => join(root, file));
  const define = {
    PIPELOOM_VERSION: JSON.stringify(version),
    PIPELOOM_COMMIT: JSON.stringify(commit),
    PIPELOOM_TARGET: JSON.stringify(target.name),
  };
  const src = join(root, "src");
  const files = {
    ...(await kit()),
    ...(await app()),
    ...(await libraries()),
    ...packedTexts(),
  };
  const cold = await coldModules({ src, entrypoints: paths, files, define });
  const textOf = (path: string): string => {
    const text = sourceText(path);
    return cold.withLoads(path, isInside(path) ? withoutPrivate(text) : text);
  };
  await Bun.build({
    entrypoints: paths,
    root: src,
    compile: {
      outfile,
      // Compile later: code that runs a few hundred times, as in a short run, is not worth it. Saves 2 MB at the peak of a
      // small run, and hot paths are compiled only slightly later.
      jitPolicy: 3,
      // Without a target the bundler uses this machine's runtime and downloads nothing.
      ...(target === hostTarget() ? {} : { target: target.bun }),
      // The .env of the pipeline file is read, not that of the working directory: see src/commands/pipeline-folder.ts. Bun's
      // configuration must not affect a pipeline.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: true,
      autoloadPackageJson: true,
    },
    target: "bun",
    format: "esm",
    // Dynamic imports are read on demand: `--version` starts as fast as an empty program, and two thirds slower without
    // splitting.
    splitting: true,
    minify: true,
    // They take 1.7 MB. The places of a stack are found without them: see places.ts.
    sourcemap,
    // Three threads have a `main.ts`, and their maps would have one name.
    ...(sourcemap === "linked" ? { naming: { entry: "[dir]/[name]-[hash].[ext]" } } : {}),
    // Four threads load the program: a run of 3 tasks takes half of the CPU time. Costs 2.9 MB of executable, of which modules of
    // Node take 0.3.
    bytecode: true,
    // Functions nested deeper are rarely called at the start. With 1, a run of 3 tasks takes 11 % more CPU time; 0.5 MB less.
    bytecodeDepth: 2,
    plugins: [
      cold.plugin,
      midTier(src, textOf),
      loadsPackedLibraries,
      loadsPackedTexts,
      nodeModules(src, textOf),
    ],
    files: { ...files, ...cold.files },
    define,
  });
  return cold.maps;
}

/** @throws Error on a system that is not a target */
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

let madeKit: ReturnType<typeof embeddedKit> | undefined;
let madeApp: ReturnType<typeof embeddedApp> | undefined;
let madeLibraries: ReturnType<typeof packedLibraries> | undefined;

/** All are the same for every target. */
const kit = (): ReturnType<typeof embeddedKit> => (madeKit ??= embeddedKit());
const app = (): ReturnType<typeof embeddedApp> => (madeApp ??= embeddedApp());
const libraries = (): ReturnType<typeof packedLibraries> => (madeLibraries ??= packedLibraries());

/** `PIPELOOM_COMMIT`, or the short commit with a `+` when the tree has changes, or `unknown` outside a checkout. */
export async function commitName(): Promise<string> {
  const given = process.env["PIPELOOM_COMMIT"];
  if (given !== undefined) return given.slice(0, 7);
  const head = await Bun.$`git rev-parse --short HEAD`.cwd(root).quiet().nothrow();
  if (head.exitCode !== 0) return "unknown";
  const changes = await Bun.$`git status --porcelain`.cwd(root).quiet().nothrow();
  return head.text().trim() + (changes.text().trim() === "" ? "" : "+");
}
