// One file from the web. It is written as `name.part` and gets its name only when it is whole; what is there of it is
// kept across failures and continued where the server can, if it is still the same file there.

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";

import { fetchRetry, pause } from "../http/fetch-retry.ts";
import { writeAll } from "./write-all.ts";

export type DownloadOptions = {
  readonly signal: AbortSignal;
  readonly progress?: (bytes: number, of: number | null) => void;
  readonly onWait?: (why: string, delayMs: number) => void;
  /** How often a transfer that breaks is taken up again. */
  readonly attempts?: number;
  readonly delayMs?: number;
  /** A transfer that brings nothing for this long is broken. */
  readonly stallMs?: number;
  /** What the file's SHA-256 must be, in hexadecimal. */
  readonly sha256?: string | null;
};

export type Downloaded = {
  readonly bytes: number;
  readonly sha256: string;
  /** How many of the bytes an earlier attempt had left. */
  readonly resumedAt: number;
};

/** What is known of the file whose beginning is in `.part`; a JSON file beside it. */
type PartInfo = { readonly url: string; readonly validator: string };

/** The transfer broke; what came is in `.part`. */
class BrokenError extends Error {
  override readonly name = "BrokenError";
}

/**
 * Downloads `url` to `path`.
 * @throws HttpError for an answer that will not change, BrokenError when all attempts broke
 */
export async function downloadFile(
  url: string,
  path: string,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { attempts = 5, delayMs = 500, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await transfer(url, path, options);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BrokenError) || attempt >= attempts) throw error;
      const wait = delayMs * 2 ** (attempt - 1);
      options.onWait?.(error.message, wait);
      await pause(wait, signal);
    }
  }
}

async function transfer(url: string, path: string, options: DownloadOptions): Promise<Downloaded> {
  const part = `${path}.part`;
  const kept = await keptPart(url, part);
  const response = await fetchRetry(url, { ...options, headers: rangeHeaders(kept) }, [416]);
  const start = kept !== null && isContinued(response, kept.bytes) ? kept.bytes : 0;
  if (response.status === 416 || (response.status === 206 && start === 0)) {
    // The part does not fit what is there now.
    await response.body?.cancel();
    await dropPart(part);
    throw new BrokenError(`${url}: the file has changed since its beginning was fetched`);
  }
  const total = totalOf(response, start);
  if (start === 0) await begin(part, url, response);
  const hash = start === 0 ? createHash("sha256") : await hashOf(part);
  const bytes = await receive(response, part, start, hash, total, options);
  if (total !== null && bytes !== total) {
    if (bytes > total) await dropPart(part);
    throw new BrokenError(`${url}: ${bytes} bytes came, not ${total}`);
  }
  const sha256 = hash.digest("hex");
  const wanted = options.sha256 ?? sha256;
  if (sha256 !== wanted) {
    await dropPart(part);
    throw new Error(`${url}: its SHA-256 is ${sha256}, not ${wanted}`);
  }
  await rename(part, path);
  await rm(infoPath(part), { force: true });
  return { bytes, sha256, resumedAt: start };
}

// ── what is kept ───────────────────────────────────────────────────────────────────────────────────────

const infoPath = (part: string): string => `${part}.json`;

async function dropPart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(infoPath(part), { force: true });
}

type Kept = { readonly bytes: number; readonly validator: string };

/** Null when there is nothing, or no way to tell whether the server still has the same file. */
async function keptPart(url: string, part: string): Promise<Kept | null> {
  try {
    const info = JSON.parse(await readFile(infoPath(part), "utf8")) as PartInfo;
    const { size } = await stat(part);
    return info.url === url && size > 0 ? { bytes: size, validator: info.validator } : null;
  } catch {
    return null;
  }
}

async function begin(part: string, url: string, response: Response): Promise<void> {
  await dropPart(part);
  await writeFile(part, "");
  const validator = validatorOf(response);
  if (validator === null) return;
  await writeFile(infoPath(part), JSON.stringify({ url, validator } satisfies PartInfo));
}

/** A weak ETag does not promise the same bytes. */
function validatorOf({ headers }: Response): string | null {
  const etag = headers.get("etag");
  if (etag !== null && !etag.startsWith("W/")) return etag;
  return headers.get("last-modified");
}

// ── the request and its answer ─────────────────────────────────────────────────────────────────────────

/** Unpacked on the way, a file's length would not be the one that is announced. */
const rangeHeaders = (kept: Kept | null): Record<string, string> => ({
  "accept-encoding": "identity",
  ...(kept === null ? {} : { range: `bytes=${kept.bytes}-`, "if-range": kept.validator }),
});

const contentRange = /^bytes (\d+)-(\d+)\/(\d+|\*)$/;

function isContinued(response: Response, at: number): boolean {
  if (response.status !== 206) return false;
  const [, start] = contentRange.exec(response.headers.get("content-range") ?? "") ?? [];
  return Number(start) === at;
}

/** How long the whole file is; null when the server does not say. */
function totalOf(response: Response, start: number): number | null {
  if (start > 0) {
    const [, , end, total] = contentRange.exec(response.headers.get("content-range") ?? "") ?? [];
    return total === undefined || total === "*" ? Number(end) + 1 : Number(total);
  }
  const length = response.headers.get("content-length");
  const isPacked = !["identity", ""].includes(response.headers.get("content-encoding") ?? "");
  return length === null || isPacked ? null : Number(length);
}

// ── the bytes ──────────────────────────────────────────────────────────────────────────────────────────

async function hashOf(path: string): Promise<Hash> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return hash;
}

async function receive(
  response: Response,
  part: string,
  start: number,
  hash: Hash,
  total: number | null,
  options: DownloadOptions,
): Promise<number> {
  await using file = await open(part, "a");
  let bytes = start;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const piece = reader === undefined ? null : await nextPiece(reader, options);
      if (piece === null) break;
      await writeAll(file, piece);
      hash.update(piece);
      bytes += piece.length;
      options.progress?.(bytes, total);
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
  // Before it gets its name: a whole file must be whole after a power cut too.
  await file.sync();
  return bytes;
}

type Reader = { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };

/** Null at the end. */
async function nextPiece(
  reader: Reader,
  { signal, stallMs = 30_000 }: DownloadOptions,
): Promise<Uint8Array | null> {
  const waiting = new AbortController();
  const stalled = pause(stallMs, AbortSignal.any([signal, waiting.signal])).then(() => {
    throw new BrokenError(`nothing came for ${stallMs / 1000} s`);
  });
  try {
    const { done, value } = await Promise.race([reader.read(), stalled]);
    return done ? null : (value ?? null);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof BrokenError ? error : new BrokenError(String(error));
  } finally {
    stalled.catch(() => undefined);
    waiting.abort();
  }
}
