// Downloads a list of addresses into a folder, one task per address, and records each file in a table.
// Run it:       pipeloom run pipeline.ts
// Another list: pipeloom run pipeline.ts --param list=addresses.txt --param folder=files

import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { each, pipeline, task } from "pipeloom";

const readList = task({
  name: "read-list",
  async run({ list }: { list: string }, ctx) {
    if (!existsSync(list)) {
      ctx.log.warn(`${list}: no such file; write one address per line into it`);
      return [];
    }
    const lines = (await Bun.file(list).text()).split("\n").map((line) => line.trim());
    // Addresses are relative to the list, so a line may also name a file in its folder.
    return lines
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => new URL(line, pathToFileURL(resolve(list))).href);
  },
});

const download = task({
  name: "download",
  retries: { limit: 3, delay: "2s" },
  timeout: "5m",
  async run({ url, folder }: { url: string; folder: string }, ctx) {
    const response = await fetch(url, { signal: ctx.signal });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
    const total = Number(response.headers.get("content-length"));
    const chunks: Uint8Array[] = [];
    const hash = new Bun.CryptoHasher("sha256");
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      hash.update(chunk);
      bytes += chunk.length;
      ctx.progress(bytes, total);
    }
    const path = join(folder, nameFor(url));
    await mkdir(folder, { recursive: true });
    // A file is not part of the transaction, so a retry may write it again. The rename makes it appear complete.
    await Bun.write(`${path}.part`, new Blob(chunks));
    await rename(`${path}.part`, path);
    const row = { url, path, bytes, sha256: hash.digest("hex"), at: new Date() };
    await ctx.upsert("downloads", [row], { key: "url" });
    return bytes;
  },
});

const report = task({
  name: "report",
  run({ sizes }: { sizes: number[] }, ctx) {
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    ctx.log.info(`${sizes.length} files, ${bytes} bytes`);
    return bytes;
  },
});

export default pipeline({
  name: "template-downloads",
  db: "./pipeloom.db",
  params: { list: join(import.meta.dir, "data/addresses.txt"), folder: "downloads" },
  schema: `CREATE TABLE IF NOT EXISTS downloads (
    url TEXT PRIMARY KEY, path TEXT, bytes INTEGER, sha256 TEXT, at TEXT
  ) STRICT`,
  tasks({ params: { list, folder } }) {
    return report({ sizes: each(readList({ list }), (url) => download({ url, folder })) });
  },
});

/** The last part of the address. If two addresses end alike, add the host or a number. */
function nameFor(url: string): string {
  const { pathname, protocol } = new URL(url);
  const path = protocol === "file:" ? fileURLToPath(url) : decodeURIComponent(pathname);
  return basename(path) || "index.html";
}
