// The beginning of a file that is being downloaded, `name.part`, and what is known of it, `name.part.json`. The record
// outlives the part until the download is known elsewhere: it is the proof that the file is pipeloom's.

import type { Stats } from "node:fs";
import { lstat, readFile, rename, rm, writeFile } from "node:fs/promises";

type PartRecord = {
  readonly url: string;
  /** A strong ETag or Last-Modified; null: there is no way to tell whether the server still has the same file. */
  readonly validator: string | null;
  /** How long the whole file is, if the server said it. */
  readonly total: number | null;
  /** Of the whole file; it may have its name already. */
  readonly sha256?: string;
};

export const partPath = (path: string): string => `${path}.part`;
export const recordPath = (path: string): string => `${partPath(path)}.json`;

/** @throws Error for a file of this name that pipeloom did not write */
export async function readRecord(path: string): Promise<PartRecord | null> {
  const name = recordPath(path);
  if ((await lstatOrNull(name)) === null) return null;
  const record = parsed(await readFile(name, "utf8"));
  if (isRecord(record)) return record;
  throw foreign(name);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is PartRecord =>
  typeof value === "object" &&
  value !== null &&
  "url" in value &&
  typeof value.url === "string" &&
  "validator" in value;

const foreign = (path: string): Error =>
  new Error(
    `${path}: pipeloom writes to a file of this name, and there is one that it did not make; move it away`,
  );

/** Whole or not at all: half a record would be somebody else's file to the next run. */
export async function writeRecord(path: string, record: PartRecord): Promise<void> {
  const name = `${recordPath(path)}.new`;
  await writeFile(name, JSON.stringify(record), { flush: true });
  await rename(name, recordPath(path));
}

/** The part first: without its record it would be somebody else's. */
export async function dropPart(path: string): Promise<void> {
  await rm(partPath(path), { force: true });
  await rm(recordPath(path), { force: true });
}

/**
 * How many bytes of the part there are; null: none.
 * @throws Error for a file of this name that pipeloom did not write
 */
export async function partBytes(path: string, record: PartRecord | null): Promise<number | null> {
  const found = await lstatOrNull(partPath(path));
  if (found === null) return null;
  if (record !== null && found.isFile()) return found.size;
  throw foreign(partPath(path));
}

/** Null when there is nothing of this name; a link is looked at, not followed. */
export async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
