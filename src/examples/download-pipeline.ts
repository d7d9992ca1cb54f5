// Downloads files into a folder, one task per file. A broken transfer resumes, checksums are verified, and a table
// lists the files.

import { mkdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { each, pipeline, task, type TaskContext } from "pipeloom";

import { type Downloaded, downloadFile } from "./files/download-file.ts";
import { hashFile } from "./files/hash-file.ts";
import { dropPart, lstatOrNull, readRecord } from "./files/part-file.ts";
import { type Wanted, wantedFiles } from "./files/wanted-files.ts";
import { headersOf } from "./http/header-lines.ts";
import { sampleFiles, startSampleServer } from "./http/sample-server.ts";
import { shownUrl } from "../formats/http/shown-url.ts";
import { orNone } from "./example-table.ts";

/** Prefix of a sample's address. The task that downloads a sample starts the server for it. */
const samplePrefix = "sample:";

const listFiles = task({
  name: "list-files",
  async run({ urls, list }: { urls: string[]; list: string }, ctx): Promise<Wanted[]> {
    if (urls.length === 0 && list === "") {
      ctx.log.info("no address was given: fetching samples from this machine");
      return sampleFiles.map((name) => ({ url: samplePrefix + name, name, sha256: null }));
    }
    const listed = list === "" ? [] : (await readFile(list, "utf8")).split("\n");
    return [...wantedFiles([...urls, ...listed], knownNames(ctx))];
  },
});

/** Address → file name from earlier downloads. */
function knownNames(ctx: TaskContext): ReadonlyMap<string, string> {
  const rows = orNone(() =>
    ctx.query<{ url: string; file: string }>("SELECT url, file FROM manifest ORDER BY file DESC"),
  );
  return new Map(rows.map(({ url, file }) => [url, file]));
}

type Stored = { bytes: number; sha256: string };
type Target = Wanted & { out: string; overwrite: boolean; headers: string[] };

const download = task({
  name: "download",
  async run(target: Target, ctx): Promise<Stored> {
    const { url, name, sha256, out } = target;
    await mkdir(out, { recursive: true });
    const path = join(out, name);
    const existing = await existingFile(target, path, ctx);
    if (existing.is === "wanted") {
      ctx.log.info(`${path}: already downloaded`);
      return existing.file;
    }
    await using sample = url.startsWith(samplePrefix) ? startSampleServer() : null;
    const from = sample === null ? url : `${sample.url}/files/${url.slice(samplePrefix.length)}`;
    const got = await downloadFile(from, path, {
      signal: ctx.signal,
      ownHeaders: headersOf(target.headers, ctx.env),
      sha256,
      source: shownUrl(url),
      replace: existing.is === "replaceable",
      progress: (bytes, of) => ctx.progress(bytes, of ?? 0),
      onWait: (why, ms) => ctx.log.warn(`${why}; trying again in ${ms / 1000} s`),
      commit: (file) => store(target, file, ctx),
    });
    logResult(path, got, ctx);
    return { bytes: got.bytes, sha256: got.sha256 };
  },
});

/** Commits at once: the row in `manifest` must exist before the record file is deleted. */
async function store(
  { name, url }: Wanted,
  { bytes, sha256 }: Stored,
  ctx: TaskContext,
): Promise<void> {
  const row = { file: name, url: shownUrl(url), bytes, sha256, finished_at: new Date() };
  await ctx.upsert("manifest", [row], { key: "file" });
  await ctx.checkpoint();
}

function logResult(
  path: string,
  { resumedAt, bytes, isKnownWhole }: Downloaded,
  ctx: TaskContext,
): void {
  if (resumedAt > 0) ctx.log.info(`${path}: resumed at byte ${resumedAt}`);
  if (!isKnownWhole) {
    ctx.log.warn(
      `${path}: the server did not send the file's length; it closed the connection after ${bytes} bytes`,
    );
  }
}

/** What exists at the target's path. */
type Existing = { is: "nothing" } | { is: "wanted"; file: Stored } | { is: "replaceable" };

/** @throws Error for a file that pipeloom did not download: it is never overwritten without `overwrite` */
async function existingFile(target: Target, path: string, ctx: TaskContext): Promise<Existing> {
  if ((await lstatOrNull(path)) === null) return { is: "nothing" };
  const { name, sha256, overwrite } = target;
  const url = shownUrl(target.url);
  const [known] = orNone(() =>
    ctx.query<Stored>("SELECT bytes, sha256 FROM manifest WHERE file = ? AND url = ?", name, url),
  );
  // The record of a run that died between renaming the file and committing its row in `manifest`.
  const record = await readRecord(path);
  const recorded = record?.url === url ? record.sha256 : undefined;
  const file = await storedIn(path);
  const isOwn = file !== null && (file.sha256 === known?.sha256 || file.sha256 === recorded);
  if (file !== null && (sha256 === null ? isOwn : file.sha256 === sha256)) {
    if (file.sha256 !== known?.sha256) await store(target, file, ctx);
    if (record !== null) await dropPart(path);
    return { is: "wanted", file };
  }
  if (isOwn || overwrite) return { is: "replaceable" };
  const why =
    known === undefined
      ? "a file of this name exists, and pipeloom did not download it from this address"
      : "the file has changed since pipeloom downloaded it";
  throw new Error(
    `${path}: ${why}; it is not overwritten: move it away, choose another --out, or replace it with --overwrite`,
  );
}

/** Null for a broken link. @throws Error for a directory or another non-file */
async function storedIn(path: string): Promise<Stored | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  if (!found.isFile()) throw new Error(`${path}: this path exists, but it is not a file`);
  const hash = await hashFile(path);
  return { bytes: found.size, sha256: hash.digest("hex") };
}

export default pipeline({
  name: "download",
  params: {
    /** Addresses. */
    urls: [] as string[],
    /** A file with one address per line, optionally followed by its SHA-256. */
    list: "",
    out: "downloads",
    /** Replaces existing files that pipeloom did not download, or that have changed since. */
    overwrite: false,
    /** `Authorization: Bearer $TOKEN`: `$TOKEN` is an environment variable. */
    headers: [] as string[],
  },
  schema: `CREATE TABLE IF NOT EXISTS manifest (
    file TEXT PRIMARY KEY, url TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, finished_at TEXT NOT NULL
  )`,
  tasks({ params }) {
    const { urls, list, out, overwrite, headers } = params;
    return each(listFiles({ urls, list }), (wanted) =>
      download({ ...wanted, out, overwrite, headers }, { name: basename(wanted.name) }),
    );
  },
});
