// `fetch` that waits and asks again: for 429 and 503 as long as the server says, for other 5xx and a broken connection
// longer each time.

import { shownUrl } from "./shown-url.ts";

export type RetryOptions = {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** How often it is tried, the first time included. */
  readonly attempts?: number;
  /** The first wait; it doubles. */
  readonly delayMs?: number;
  /** No wait that is not the server's own is longer. */
  readonly maxDelayMs?: number;
  /** The answer's head must come within this time. */
  readonly timeoutMs?: number;
  /** Told before each wait. */
  readonly onWait?: (why: string, delayMs: number) => void;
};

/** A server that wants a longer wait is an error: nobody watches a run for so long. */
const longestWaitMs = 24 * 3600 * 1000;

/** The server said no, and asking again would not help. */
class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  constructor(url: string, response: Response, hint = "") {
    super(`${shownUrl(url)}: ${response.status} ${response.statusText}`.trim() + hint);
    this.status = response.status;
  }
}

const isWorthRetrying = ({ status, headers }: Response): boolean =>
  status === 429 ||
  status === 408 ||
  status >= 500 ||
  // A rate limit, as GitHub says it.
  (status === 403 && headers.has("retry-after"));

/**
 * The body of the answer comes as it is on the wire: what is packed is not unpacked.
 * @returns an answer with a 2xx status, or one of `accept`
 * @throws HttpError for another status, or the last error, when all attempts are used up
 */
export async function fetchRetry(
  url: string,
  options: RetryOptions,
  accept: readonly number[] = [],
): Promise<Response> {
  const { signal, attempts = 6, delayMs = 500, maxDelayMs = 60_000 } = options;
  for (let attempt = 1; ; attempt++) {
    const backoff = Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1));
    const tried = await tryFetch(url, options);
    signal.throwIfAborted();
    let wait = backoff;
    if (tried instanceof Response) {
      if (tried.ok || accept.includes(tried.status)) return tried;
      await tried.body?.cancel();
      if (!isWorthRetrying(tried) || attempt >= attempts) throw new HttpError(url, tried);
      wait = retryAfterMs(tried.headers, Date.now()) ?? backoff;
      if (wait > longestWaitMs) throw new HttpError(url, tried, `, come back in ${hours(wait)} h`);
    } else if (attempt >= attempts || !isPassing(tried)) {
      throw new Error(`${shownUrl(url)}: ${messageOf(tried)}`, { cause: tried });
    }
    const why = tried instanceof Response ? String(tried.status) : messageOf(tried);
    options.onWait?.(`${shownUrl(url)}: ${why}`, wait);
    await pause(wait, signal);
  }
}

const hours = (ms: number): string => Math.ceil(ms / 3_600_000).toLocaleString("en-US");

async function tryFetch(url: string, options: RetryOptions): Promise<Response | Error> {
  const { signal, headers = {}, timeoutMs = 30_000 } = options;
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new Error(`no answer in ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await fetch(url, {
      headers,
      signal: AbortSignal.any([signal, timeout.signal]),
      decompress: false,
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** A redirect that leads nowhere, or a certificate that is not valid, will be so again. */
const isPassing = (error: Error): boolean =>
  !/redirect|INVALID_URL|CERT|SIGNATURE|SELF_SIGNED/i.test(codeOf(error));

/** What the runtime's `fetch` says, without its advice for programmers. */
export function messageOf(error: unknown): string {
  const code = codeOf(error);
  if (code === "ECONNRESET") return "the connection broke";
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(`${code}: `, "").replace(/\.? For more information, pass `verbose.*$/s, "");
}

/**
 * `Retry-After` as ms from now: seconds, or a date, which is compared with the server's own clock where that is given;
 * null when there is none that can be read.
 */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const at = dateOf(text);
  return at === null ? null : Math.max(0, at - (dateOf(headers.get("date")) ?? now));
}

/** An HTTP date in ms. `Date.parse` alone takes much else for one, such as `-5`. */
export function dateOf(text: string | null): number | null {
  if (text === null || !/^[a-z]+,? .*\d\d:\d\d:\d\d/i.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
