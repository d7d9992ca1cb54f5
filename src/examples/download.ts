// Files from the web into a folder, each a task: continued where it broke, checked, and listed in a table.

import { mkdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { each, pipeline, task } from "pipeloom";

import { downloadFile } from "./files/download-file.ts";
import { uniqueNames } from "./files/file-name.ts";
import { sampleFiles, startSampleServer } from "./http/sample-server.ts";
import { orNone } from "./table.ts";

type Wanted = { url: string; name: string; sha256: string | null };

/** A sample's address; the task that fetches it starts the server. */
const samplePrefix = "sample:";

const listFiles = task({
  name: "list-files",
  async run({ urls, list }: { urls: string[]; list: string }, ctx): Promise<Wanted[]> {
    const lines = [...urls, ...(list === "" ? [] : (await readFile(list, "utf8")).split("\n"))]
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    if (lines.length === 0) {
      ctx.log.info("no --url and no --list were given: fetching samples from this machine");
      return sampleFiles.map((name) => ({ url: samplePrefix + name, name, sha256: null }));
    }
    const wanted = lines.map(parseLine);
    const names = uniqueNames(wanted.map(({ url }) => url));
    return wanted.map((one, index) => ({ ...one, name: names[index] ?? "" }));
  },
});

/** `https://… [sha256]` */
function parseLine(line: string): { url: string; sha256: string | null } {
  const [url = "", sha256 = null] = line.split(/\s+/);
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new TypeError(`${JSON.stringify(url)} is not an http or https address`);
  }
  if (sha256 !== null && !/^[\da-f]{64}$/i.test(sha256)) {
    throw new TypeError(`${url}: ${JSON.stringify(sha256)} is not a SHA-256 in hexadecimal`);
  }
  return { url, sha256: sha256?.toLowerCase() ?? null };
}

type Stored = { bytes: number; sha256: string };

const download = task({
  name: "download",
  async run({ url, name, sha256, out }: Wanted & { out: string }, ctx) {
    await mkdir(out, { recursive: true });
    const path = join(out, name);
    const [known] = orNone(() =>
      ctx.query<Stored>("SELECT bytes, sha256 FROM manifest WHERE file = ? AND url = ?", name, url),
    );
    if (known !== undefined && (await isThere(path, known))) {
      ctx.log.info(`${path}: there already`);
      return known;
    }
    await using sample = url.startsWith(samplePrefix) ? startSampleServer() : null;
    const from = sample === null ? url : `${sample.url}/files/${url.slice(samplePrefix.length)}`;
    const got = await downloadFile(from, path, {
      signal: ctx.signal,
      sha256,
      progress: (bytes, of) => ctx.progress(bytes, of ?? 0),
      onWait: (why, ms) => ctx.log.warn(`${why}; going on in ${ms / 1000} s`),
    });
    const { bytes, resumedAt } = got;
    if (resumedAt > 0) ctx.log.info(`${path}: went on at byte ${resumedAt}`);
    const row = { file: name, url, bytes, sha256: got.sha256, finished_at: new Date() };
    await ctx.upsert("manifest", [row], { key: "file" });
    return { bytes, sha256: got.sha256 };
  },
});

/** Whether the file is what the manifest says, to the last byte. */
async function isThere(path: string, { bytes, sha256 }: Stored): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => null,
  );
  if (size !== bytes) return false;
  const hash = new Bun.CryptoHasher("sha256");
  for await (const piece of Bun.file(path).stream()) hash.update(piece);
  return hash.digest("hex") === sha256;
}

export default pipeline({
  name: "download",
  params: {
    /** Addresses. */
    urls: [] as string[],
    /** A file with an address a line, each with its SHA-256 behind it if it is known. */
    list: "",
    out: "downloads",
  },
  schema: `CREATE TABLE IF NOT EXISTS manifest (
    file TEXT PRIMARY KEY, url TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, finished_at TEXT NOT NULL
  )`,
  tasks({ params }) {
    const { urls, list, out } = params;
    return each(listFiles({ urls, list }), (wanted) =>
      download({ ...wanted, out }, { name: basename(wanted.name) }),
    );
  },
});
