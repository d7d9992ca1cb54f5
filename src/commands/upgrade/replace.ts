// Replaces the executable with that of another version, or changes nothing.

import { accessSync, chmodSync, constants, realpathSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { TextDecoder } from "../../base/globals.ts";
import { toFailure } from "../../base/failure.ts";
import { UserError } from "../../cli/user-error.ts";
import { downloadFile } from "./releases.ts";

declare const PIPELOOM_TARGET: string;

type Replacement = {
  readonly releases: string;
  readonly version: string;
  /** The executable to replace; default: this program. */
  readonly executable?: string;
  /** The name of the system in archive names: `linux-x64-musl`. */
  readonly target?: string;
};

/**
 * @returns the path of the replaced executable
 * @throws UserError; the old executable is then unchanged
 */
export async function replaceExecutable({
  releases,
  version,
  executable = ownExecutable(),
  target = PIPELOOM_TARGET,
}: Replacement): Promise<string> {
  assertReplaceable(executable);
  const bytes = await fetchExecutable(`${releases}/download/v${version}`, target);
  const staged = join(dirname(executable), `.pipeloom-${process.pid}${extension(target)}`);
  try {
    await Bun.write(staged, bytes);
    chmodSync(staged, 0o755);
    assertStarts(staged, version);
    exchange(staged, executable);
  } catch (error) {
    throw error instanceof UserError ? error : notWritable(executable, error);
  } finally {
    rmSync(staged, { force: true });
  }
  return executable;
}

/** @throws UserError when run from source, or when a package manager owns the executable */
function ownExecutable(): string {
  if (typeof PIPELOOM_TARGET !== "string") {
    throw new UserError("this pipeloom runs from its source", "to bring it up to date: git pull");
  }
  const path = realpathSync(process.execPath);
  if (/[\\/]node_modules[\\/]/.test(path)) {
    throw new UserError(
      `${path} belongs to npm`,
      "npm install pipeloom@latest (-g if it is global)",
    );
  }
  if (path.includes("/Cellar/")) {
    throw new UserError(`${path} belongs to Homebrew`, "brew upgrade pipeloom");
  }
  return path;
}

/** Checked before 54 MB are downloaded. */
function assertReplaceable(executable: string): void {
  try {
    accessSync(dirname(executable), constants.W_OK);
  } catch (error) {
    throw notWritable(executable, error);
  }
}

const notWritable = (executable: string, error: unknown): UserError =>
  new UserError(
    `cannot replace ${executable}: ${toFailure(error).message}`,
    "nothing was changed; run it as the user who owns that folder",
  );

const extension = (target: string): string => (target.startsWith("windows-") ? ".exe" : "");

async function fetchExecutable(from: string, target: string): Promise<Uint8Array<ArrayBuffer>> {
  const name = `pipeloom-${target}.tar.gz`;
  const sums = new TextDecoder().decode(await downloadFile(`${from}/SHA256SUMS`));
  const archive = await downloadFile(`${from}/${name}`);
  assertChecksum(name, archive, sums);
  const bytes = await unpack(archive, `pipeloom${extension(target)}`);
  if (bytes === undefined)
    throw new UserError(`${name} holds no executable`, "nothing was changed");
  return bytes;
}

/** @returns undefined when the archive has no such file */
export async function unpack(
  archive: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const files = await new Bun.Archive(archive).files(name);
  return files.get(name)?.bytes();
}

function assertChecksum(name: string, archive: Uint8Array<ArrayBuffer>, sums: string): void {
  const lines = sums.split("\n").map((line) => line.split(/ [ *]/));
  const wanted = lines.find(([, file]) => file === name)?.[0];
  if (wanted === undefined) {
    throw new UserError(`SHA256SUMS does not name ${name}`, "nothing was changed");
  }
  const got = new Bun.CryptoHasher("sha256").update(archive).digest("hex");
  if (got === wanted) return;
  throw new UserError(
    `${name} is not what was released: its SHA-256 is wrong`,
    `expected ${wanted}\nreceived ${got}\nnothing was changed; run this again`,
  );
}

/** An executable that does not start would also break `pipeloom upgrade`. */
function assertStarts(staged: string, version: string): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync([staged, "--version"]);
  const said = stdout.toString().trim();
  if (exitCode === 0 && said.startsWith(`pipeloom ${version} `)) return;
  throw new UserError(
    `the new executable fails its test: ${said || stderr.toString().trim() || `exit code ${exitCode}`}`,
    "nothing was changed",
  );
}

/** One atomic rename. Windows can rename a running executable, but not overwrite it. */
function exchange(staged: string, executable: string): void {
  if (process.platform !== "win32") return renameSync(staged, executable);
  const old = join(dirname(executable), `.${basename(executable)}.old`);
  rmSync(old, { force: true });
  renameSync(executable, old);
  try {
    renameSync(staged, executable);
  } catch (error) {
    renameSync(old, executable);
    throw error;
  }
}
