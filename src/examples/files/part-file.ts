// A partial download: the bytes in `name.part`, and a record in `name.part.json`. The record proves that pipeloom wrote
// the file. It is deleted only after another durable record exists.

import type { Stats } from "node:fs";
import { lstat, readFile, rename, rm, writeFile } from "node:fs/promises";

type PartRecord = {
  readonly url: string;
  /** A strong ETag or Last-Modified. Null: the download cannot resume, because a changed file would not be noticed. */
  readonly validator: string | null;
  /** Length of the whole file in bytes; null if the server did not send it. */
  readonly total: number | null;
  /** Set when the download is complete; the file may already have its final name. */
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
    `${path}: the download needs this file name, and pipeloom did not create the existing file; move it away`,
  );

/** Atomic (rename): the next run would take half a record for another program's file. */
export async function writeRecord(path: string, record: PartRecord): Promise<void> {
  const name = `${recordPath(path)}.new`;
  await writeFile(name, JSON.stringify(record), { flush: true });
  await rename(name, recordPath(path));
}

/** Deletes the part before its record: a part without a record counts as another program's file. */
export async function dropPart(path: string): Promise<void> {
  await rm(partPath(path), { force: true });
  await rm(recordPath(path), { force: true });
}

/**
 * Length of the part in bytes; null if there is none.
 * @throws Error for a file of this name that pipeloom did not write
 */
export async function partBytes(path: string, record: PartRecord | null): Promise<number | null> {
  const found = await lstatOrNull(partPath(path));
  if (found === null) return null;
  if (record !== null && found.isFile()) return found.size;
  throw foreign(partPath(path));
}

/** `lstat` (links are not followed); null if nothing has this name. */
export async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
