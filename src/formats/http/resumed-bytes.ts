// The bytes of a body. A broken transfer resumes while the server still has the same version.

import { Attempts } from "./attempts.ts";
import {
  bodyBytes,
  BrokenError,
  contentEncodings,
  gunzipped,
  type Piece,
  textOf,
  unpacked,
} from "./body.ts";
import { discardBody, retriedFetch, pause, type FetchPolicy } from "./retried-fetch.ts";
import { continuation, contentLength, validatorOf, refusedRange } from "./range.ts";
import { shownUrl } from "./shown-url.ts";

export type ResumeOptions = FetchPolicy & {
  /** A transfer that receives nothing for this long is broken. Default: 30,000 ms. */
  readonly stallMs?: number;
};

/**
 * @param first the response to a request for the whole body
 * @throws BrokenError when the server cannot send the rest of the same version, or attempts fail without progress
 */
async function* resumedBytes(
  url: string,
  first: Response,
  options: ResumeOptions,
): AsyncGenerator<Piece> {
  const { signal, stallMs } = options;
  const validator = first.status === 200 ? validatorOf(first) : null;
  const attempts = new Attempts(options.attempts, options.delayMs);
  let response = first;
  let total = contentLength(first);
  let end = total;
  let bytes = 0;
  for (;;) {
    let broken = new BrokenError(`${shownUrl(url)}: the server ended its response early`);
    try {
      for await (const piece of bodyBytes(response, signal, stallMs)) {
        bytes += piece.length;
        yield piece;
      }
      if (end === null || (bytes === end && end === total)) return;
    } catch (error) {
      if (!(error instanceof BrokenError)) throw error;
      broken = error;
    }
    if (validator === null) throw broken;
    const waitMs = attempts.waitAfter(broken, bytes);
    options.onWait?.(`${broken.message} after ${bytes} bytes`, waitMs);
    await pause(waitMs, signal);
    const headers = { ...options.headers, range: `bytes=${bytes}-`, "if-range": validator };
    response = await retriedFetch(url, { ...options, headers }, refusedRange);
    const rest = continuation(response, { bytes, validator, total });
    if (rest === null || coding(response) !== coding(first)) {
      await discardBody(response);
      throw new BrokenError(
        `${shownUrl(url)}: the server cannot send the rest of the same version`,
      );
    }
    total = rest.total;
    end = rest.end + 1;
  }
}

/**
 * The body as text, decompressed; also that of a gzip file.
 * @throws as `resumedBytes`; Error for data that is not what the response says, see `unpacked` and `textOf`
 */
export function resumedText(
  url: string,
  first: Response,
  options: ResumeOptions,
): AsyncGenerator<string> {
  const wire = resumedBytes(url, first, options);
  const bytes = gunzipped(unpacked(wire, contentEncodings(first)));
  return textOf(bytes, first.headers.get("content-type"));
}

const coding = ({ headers }: Response): string => headers.get("content-encoding") ?? "";
