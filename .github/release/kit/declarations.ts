// The type declarations of the public API in one file. tsc emits one file per module; flatten.ts joins the public
// parts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { flatten } from "./flatten.ts";

const head = `// The types of pipeloom. Made from its source, and kept in step with the executable that wrote this file.
`;

/** `--noCheck`: `bun check` has already checked the types. Only the emitted text is needed here. */
const flags =
  "--ignoreConfig --noCheck --declaration --emitDeclarationOnly --allowImportingTsExtensions --target esnext --module preserve --lib esnext --types bun-types";

/**
 * The declarations import nothing. They refer only to ECMAScript types and to `AbortSignal` (from the DOM, Node or
 * Bun).
 * @param root the checkout
 */
export async function makeDeclarations(root: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pipeloom-types-"));
  try {
    await emit(root, folder);
    return head + (await flatten("index.ts", (module) => readModule(folder, module)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const readModule = (folder: string, module: string): Promise<string> =>
  Bun.file(join(folder, module.replace(/\.ts$/, ".d.ts"))).text();

async function emit(root: string, folder: string): Promise<void> {
  const source = join(root, "src");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const child = Bun.spawn(
    [
      process.execPath,
      tsc,
      join(source, "index.ts"),
      "--outDir",
      folder,
      "--rootDir",
      source,
      ...flags.split(" "),
    ],
    { cwd: root, stdout: "pipe", stderr: "pipe" },
  );
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`tsc could not emit declarations (exit ${code}):\n${out}${err}`);
}
