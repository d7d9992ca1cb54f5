// Downloads one file. It is written to `name.part` and renamed when it is complete. A partial file survives failures
// and is resumed if the server supports ranges and still has the same version.

import type { Hash } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";

import { Attempts } from "../../formats/http/attempts.ts";
import { bodyBytes, BrokenError, type Piece, unpacked } from "../../formats/http/body.ts";
import { discardBody, retriedFetch, pause } from "../../formats/http/retried-fetch.ts";
import { shownUrl } from "../../formats/http/shown-url.ts";
import { hashFile } from "./hash-file.ts";
import {
  dropPart,
  lstatOrNull,
  partBytes,
  partPath,
  readRecord,
  recordPath,
  writeRecord,
} from "./part-file.ts";
import {
  type Beginning,
  contentLength,
  continuation,
  foreignCodings,
  validatorOf,
  refusedRange,
} from "../../formats/http/range.ts";
import { writeAll } from "./write-all.ts";

export type DownloadOptions = {
  readonly signal: AbortSignal;
  readonly progress?: (bytes: number, of: number | null) => void;
  readonly onWait?: (why: string, delayMs: number) => void;
  /** See FetchPolicy. */
  readonly ownHeaders?: Readonly<Record<string, string>>;
  /** Consecutive attempts without a new byte before giving up. Default: 5. */
  readonly attempts?: number;
  /** First wait between attempts. Default: 500 ms. */
  readonly delayMs?: number;
  /** A transfer that receives nothing for this long is broken. Default: 30,000 ms. */
  readonly stallMs?: number;
  /** Expected SHA-256 of the file, in hexadecimal. */
  readonly sha256?: string | null;
  /** Source name in the record file. Default: the address without its password. */
  readonly source?: string;
  /** Replace an existing file. Default false: an existing file is an error. */
  readonly replace?: boolean;
  /** Records durably that pipeloom downloaded the file. The record file is deleted after it. */
  readonly commit?: (file: Downloaded) => Promise<void>;
};

export type Downloaded = {
  readonly bytes: number;
  readonly sha256: string;
  /** Bytes that came from an earlier attempt. */
  readonly resumedAt: number;
  /** The file is certainly complete: its length, end marker or checksum was verified. */
  readonly isKnownWhole: boolean;
};

/**
 * Downloads `url` to `path`.
 * @throws HttpError for a response that a retry cannot change, BrokenError when attempts fail without progress, Error
 *   for a wrong checksum and for an existing file
 */
export async function downloadFile(
  url: string,
  path: string,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { signal } = options;
  const attempts = new Attempts(options.attempts, options.delayMs);
  const download = new Download(url, path, options);
  for (;;) {
    try {
      return await download.transfer();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BrokenError)) throw error;
      const waitMs = attempts.waitAfter(error, download.furthest);
      options.onWait?.(error.message, waitMs);
      await pause(waitMs, signal);
    }
  }
}

/** A response, and the byte range that it carries. */
type Incoming = {
  readonly response: Response;
  readonly start: number;
  /** End of the response's range, and of the file, in bytes; null if the server does not send it. */
  readonly end: number | null;
  readonly total: number | null;
  readonly codings: readonly string[];
};

class Download {
  readonly #url: string;
  readonly #path: string;
  readonly #options: DownloadOptions;
  /** The most bytes that any attempt has received. */
  furthest = 0;

  constructor(url: string, path: string, options: DownloadOptions) {
    this.#url = url;
    this.#path = path;
    this.#options = options;
  }

  async transfer(): Promise<Downloaded> {
    const incoming = await this.#ask();
    const { start, end, total } = incoming;
    const hash = await hashFile(partPath(this.#path), start);
    const bytes = await this.#receive(incoming, hash);
    if (end !== null && bytes !== end) {
      if (bytes > end) await dropPart(this.#path);
      throw new BrokenError(`${this.#shown}: received ${bytes} bytes, expected ${end}`);
    }
    if (total !== null && bytes < total) {
      throw new BrokenError(`${this.#shown}: received only ${bytes} of ${total} bytes`);
    }
    const sha256 = hash.digest("hex");
    await this.#check(sha256, start);
    const isKnownWhole =
      total !== null ||
      incoming.response.headers.has("transfer-encoding") ||
      incoming.codings.length > 0 ||
      (this.#options.sha256 ?? null) !== null;
    const file = { bytes, sha256, resumedAt: start, isKnownWhole };
    await this.#publish(file, total);
    return file;
  }

  get #shown(): string {
    return shownUrl(this.#url);
  }

  get #source(): string {
    return this.#options.source ?? this.#shown;
  }

  /** Requests the missing bytes. Requests the whole file if the server cannot resume the same version. */
  async #ask(): Promise<Incoming> {
    const beginning = await this.#beginning();
    if (beginning !== null) {
      const { bytes, validator } = beginning;
      const headers = { range: `bytes=${bytes}-`, "if-range": validator };
      const response = await this.#fetch(headers, refusedRange);
      const rest = continuation(response, beginning);
      if (rest !== null && this.#codings(response).length === 0) {
        return { response, start: bytes, end: rest.end + 1, total: rest.total, codings: [] };
      }
      if (response.status === 200) return this.#begin(response);
      await discardBody(response);
    }
    const response = await this.#fetch({}, []);
    const { status } = response;
    if (status === 200 || status === 203) return this.#begin(response);
    await discardBody(response);
    throw new Error(`${this.#shown}: the server answered ${status}, which is not a whole file`);
  }

  /** Requests no compression, so that the received length is the announced length. */
  #fetch(headers: Readonly<Record<string, string>>, accept: readonly number[]): Promise<Response> {
    const all = { "accept-encoding": "identity", ...headers };
    return retriedFetch(this.#url, { ...this.#options, headers: all }, accept);
  }

  #codings(response: Response): readonly string[] {
    return foreignCodings(response, this.#path);
  }

  async #beginning(): Promise<Beginning | null> {
    const record = await readRecord(this.#path);
    const bytes = await partBytes(this.#path, record);
    if (record === null || bytes === null || bytes === 0 || record.url !== this.#source)
      return null;
    const { validator, total } = record;
    if (validator === null) return null;
    // If the part is already complete, request its last byte again: a range after the end is invalid.
    return { bytes: bytes === total ? bytes - 1 : bytes, validator, total };
  }

  async #begin(response: Response): Promise<Incoming> {
    const codings = this.#codings(response);
    const total = codings.length === 0 ? contentLength(response) : null;
    // An offset in decompressed data is not an offset in the transfer, so such a download cannot resume.
    const validator = codings.length === 0 ? validatorOf(response) : null;
    await dropPart(this.#path);
    await writeRecord(this.#path, { url: this.#source, validator, total });
    return { response, start: 0, end: total, total, codings };
  }

  /** @throws Error naming the address for data that cannot be decompressed */
  async *#pieces({ response, codings }: Incoming): AsyncGenerator<Piece> {
    const { signal, stallMs } = this.#options;
    try {
      yield* unpacked(bodyBytes(response, signal, stallMs), codings);
    } catch (error) {
      if (signal.aborted || error instanceof BrokenError || !(error instanceof Error)) throw error;
      throw new Error(`${this.#shown}: ${error.message}`, { cause: error });
    }
  }

  async #receive(incoming: Incoming, hash: Hash): Promise<number> {
    const { start, total } = incoming;
    const { progress } = this.#options;
    await using file = await open(partPath(this.#path), start === 0 ? "wx" : "r+");
    let bytes = start;
    for await (const piece of this.#pieces(incoming)) {
      await this.#write(file, piece, bytes);
      hash.update(piece);
      bytes += piece.length;
      this.furthest = Math.max(this.furthest, bytes);
      progress?.(bytes, total);
    }
    // Sync before the rename, so that the final name never refers to an incomplete file after a power cut.
    await file.sync();
    const [own, named] = [await file.stat(), await lstatOrNull(partPath(this.#path))];
    if (own.size === bytes && named?.ino === own.ino) return bytes;
    throw new Error(`${partPath(this.#path)}: another program writes to this file`);
  }

  async #write(...[file, piece, at]: Parameters<typeof writeAll>): Promise<void> {
    try {
      await writeAll(file, piece, at);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `${partPath(this.#path)}: ${why}; the received bytes are kept: free some space and run again`,
        { cause },
      );
    }
  }

  async #check(sha256: string, start: number): Promise<void> {
    const wanted = this.#options.sha256 ?? sha256;
    if (sha256 === wanted) return;
    await dropPart(this.#path);
    const what = `${this.#shown}: its SHA-256 is ${sha256}, not ${wanted}`;
    // The bytes from an earlier attempt may be the wrong ones, so try once more from the beginning.
    if (start > 0) throw new BrokenError(what);
    throw new Error(what);
  }

  async #publish(file: Downloaded, total: number | null): Promise<void> {
    const path = this.#path;
    const record = { url: this.#source, validator: null, total, sha256: file.sha256 };
    await writeRecord(path, record);
    if (this.#options.replace === true) await rename(partPath(path), path);
    else await renameNew(partPath(path), path);
    await this.#options.commit?.(file);
    await rm(recordPath(path), { force: true });
  }
}

/** Error codes of a file system without hard links. There, the check before `rename` is not atomic. */
const noHardLinks = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"];

/** `rename` that never replaces a file. @throws Error if the target exists */
async function renameNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await rm(from);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "EEXIST")
      throw new Error(`${to}: a file of this name was created during the download`);
    const isRefused = noHardLinks.includes(String(code)) && (await lstatOrNull(to)) === null;
    if (isRefused) return rename(from, to);
    throw error;
  }
}
