// The peers, installed into a folder outside the repository: packages from npm, and a Node that they run on. Servers are
// those of the machine.

import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Exact, so that figures can be compared. graphile-worker asks for Node 22.18 or newer. */
const packages: Readonly<Record<string, string>> = {
  "graphile-worker": "0.18.0",
  pg: "8.23.1",
  plainjob: "0.0.14",
  bullmq: "6.7.0",
  ioredis: "6.0.0",
  node: "24.21.0",
};

const programs = join(import.meta.dir, "programs");

/** @throws Error with what npm printed when the packages cannot be installed */
export async function install(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, "package.json");
  const wanted = JSON.stringify({ private: true, type: "module", dependencies: packages });
  const there = existsSync(manifest) && (await Bun.file(manifest).text()) === wanted;
  if (!there || !existsSync(nodeOf(folder))) {
    await Bun.write(manifest, wanted);
    const npm = Bun.spawn(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], {
      cwd: folder,
      stdout: "ignore",
      stderr: "pipe",
    });
    const [said, code] = await Promise.all([npm.stderr.text(), npm.exited]);
    if (code !== 0) throw new Error(`npm install exited with ${code} in ${folder}:\n${said}`);
  }
  for (const name of readdirSync(programs)) copyFileSync(join(programs, name), join(folder, name));
  copyFileSync(join(import.meta.dir, "../pipelines/item.ts"), join(folder, "item.ts"));
}

export const nodeOf = (folder: string): string => join(folder, "node_modules/node/bin/node");

export async function versionOf(folder: string, name: string): Promise<string> {
  const { version } = await Bun.file(join(folder, "node_modules", name, "package.json")).json();
  return String(version);
}

/** Debian keeps PostgreSQL's server programs off the PATH. */
export function findPostgres(): string | undefined {
  const onPath = Bun.which("postgres");
  if (onPath !== null) return onPath;
  const versions = "/usr/lib/postgresql";
  if (!existsSync(versions)) return undefined;
  return readdirSync(versions)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, "bin/postgres"))
    .find((file) => existsSync(file));
}

export const findRedis = (): string | undefined => Bun.which("redis-server") ?? undefined;
