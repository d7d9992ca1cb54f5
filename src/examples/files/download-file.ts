// One file from the web. It is written as `name.part` and gets its name only when it is whole; what is there of it is
// kept across failures and continued where the server can, if it is still the same file there.

import type { Hash } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";

import { Attempts } from "../http/attempts.ts";
import { bodyBytes, BrokenError, unpacked } from "../http/body.ts";
import { fetchRetry, pause } from "../http/fetch-retry.ts";
import { shownUrl } from "../http/shown-url.ts";
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
} from "../http/range.ts";
import { writeAll } from "./write-all.ts";

export type DownloadOptions = {
  readonly signal: AbortSignal;
  readonly progress?: (bytes: number, of: number | null) => void;
  readonly onWait?: (why: string, delayMs: number) => void;
  /** How often a transfer that breaks is taken up again without a byte more than before. */
  readonly attempts?: number;
  readonly delayMs?: number;
  /** A transfer that brings nothing for this long is broken. */
  readonly stallMs?: number;
  /** What the file's SHA-256 must be, in hexadecimal. */
  readonly sha256?: string | null;
  /** What the record beside the file calls its source. Default: the address. */
  readonly source?: string;
  /** A file that has the name already is replaced. Default false: it is an error. */
  readonly replace?: boolean;
  /** Makes the file known as pipeloom's; until then a record beside it says so. */
  readonly commit?: (file: Downloaded) => Promise<void>;
};

export type Downloaded = {
  readonly bytes: number;
  readonly sha256: string;
  /** How many of the bytes an earlier attempt had left. */
  readonly resumedAt: number;
  /** Whether the server said how long the file is or where it ends, or its checksum is right. */
  readonly isKnownWhole: boolean;
};

/**
 * Downloads `url` to `path`.
 * @throws HttpError for an answer that will not change, BrokenError when attempts broke without progress, Error for
 *   another checksum and for a file that is there
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

/** What an answer brings. */
type Incoming = {
  readonly response: Response;
  readonly start: number;
  /** Where the answer ends, and the file; null when the server does not say. */
  readonly end: number | null;
  readonly total: number | null;
  readonly codings: readonly string[];
};

class Download {
  readonly #url: string;
  readonly #path: string;
  readonly #options: DownloadOptions;
  /** The most bytes that any attempt had. */
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
      throw new BrokenError(`${this.#shown}: ${bytes} bytes came, not ${end}`);
    }
    if (total !== null && bytes < total) {
      throw new BrokenError(`${this.#shown}: only ${bytes} of ${total} bytes came`);
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

  /** Asks for what is missing, and for all of it where that is not to be had of the same version. */
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
      await response.body?.cancel();
    }
    const response = await this.#fetch({}, []);
    const { status } = response;
    if (status === 200 || status === 203) return this.#begin(response);
    await response.body?.cancel();
    throw new Error(`${this.#shown}: the server answered ${status}, which is no whole file`);
  }

  /** Nothing is unpacked on the way: a file's length would not be the one that is announced. */
  #fetch(headers: Readonly<Record<string, string>>, accept: readonly number[]): Promise<Response> {
    const all = { "accept-encoding": "identity", ...headers };
    return fetchRetry(this.#url, { ...this.#options, headers: all }, accept);
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
    // Of a beginning that is all of it, the last byte is asked for again: there is no range behind the end.
    return { bytes: bytes === total ? bytes - 1 : bytes, validator, total };
  }

  async #begin(response: Response): Promise<Incoming> {
    const codings = this.#codings(response);
    const total = codings.length === 0 ? contentLength(response) : null;
    // A place in what is unpacked is no place in what is sent.
    const validator = codings.length === 0 ? validatorOf(response) : null;
    await dropPart(this.#path);
    await writeRecord(this.#path, { url: this.#source, validator, total });
    return { response, start: 0, end: total, total, codings };
  }

  async #receive({ response, start, total, codings }: Incoming, hash: Hash): Promise<number> {
    const { signal, stallMs, progress } = this.#options;
    await using file = await open(partPath(this.#path), start === 0 ? "wx" : "r+");
    let bytes = start;
    for await (const piece of unpacked(bodyBytes(response, signal, stallMs), codings)) {
      await this.#write(file, piece, bytes);
      hash.update(piece);
      bytes += piece.length;
      this.furthest = Math.max(this.furthest, bytes);
      progress?.(bytes, total);
    }
    // Before it gets its name: a whole file must be whole after a power cut too.
    await file.sync();
    const [own, named] = [await file.stat(), await lstatOrNull(partPath(this.#path))];
    if (own.size === bytes && named?.ino === own.ino) return bytes;
    throw new Error(`${partPath(this.#path)}: somebody else writes to this file`);
  }

  async #write(...[file, piece, at]: Parameters<typeof writeAll>): Promise<void> {
    try {
      await writeAll(file, piece, at);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `${partPath(this.#path)}: ${why}; what came is kept: make room and run again`,
        { cause },
      );
    }
  }

  async #check(sha256: string, start: number): Promise<void> {
    const wanted = this.#options.sha256 ?? sha256;
    if (sha256 === wanted) return;
    await dropPart(this.#path);
    const what = `${this.#shown}: its SHA-256 is ${sha256}, not ${wanted}`;
    // The beginning that was kept may be what is wrong.
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

/** Codes of a file system without hard links. There, a file may come between the look and the `rename`. */
const noHardLinks = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"];

/** `rename` that replaces nothing. @throws Error when there is a file */
async function renameNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await rm(from);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "EEXIST") throw new Error(`${to}: there is a file of this name by now`);
    const isRefused = noHardLinks.includes(String(code)) && (await lstatOrNull(to)) === null;
    if (isRefused) return rename(from, to);
    throw error;
  }
}
