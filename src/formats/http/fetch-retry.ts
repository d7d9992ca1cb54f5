// `fetch` with retries. The wait is the server's `Retry-After` if it is sent, else exponential back-off.

import { shownUrl } from "./shown-url.ts";

export type RetryOptions = {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Number of attempts, including the first. Default: 6. */
  readonly attempts?: number;
  /** First wait; it doubles. Default: 500 ms. */
  readonly delayMs?: number;
  /** Longest wait, except for the server's `Retry-After`. Default: 60,000 ms. */
  readonly maxDelayMs?: number;
  /** Time limit for the response's headers. Default: 30,000 ms. */
  readonly timeoutMs?: number;
  /** Called before each wait. */
  readonly onWait?: (why: string, delayMs: number) => void;
};

/** A longer `Retry-After` is an error, because a run should not wait for more than a day. */
const longestWaitMs = 24 * 3600 * 1000;

/** The server refused the request, and a retry would not help. */
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
  // GitHub sends this for a rate limit.
  (status === 403 && headers.has("retry-after"));

/**
 * The body of the response is not decompressed.
 * @returns a response whose status is 2xx or one of `accept`
 * @throws HttpError for another status, or the last error, when no attempt is left
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
      await discardBody(tried);
      if (!isWorthRetrying(tried) || attempt >= attempts) throw new HttpError(url, tried);
      wait = retryAfterMs(tried.headers, Date.now()) ?? backoff;
      if (wait > longestWaitMs) throw new HttpError(url, tried, `, retry in ${hours(wait)} h`);
    } else if (attempt >= attempts || !isPassing(tried)) {
      throw new Error(`${shownUrl(url)}: ${messageOf(tried)}`, { cause: tried });
    }
    const why = tried instanceof Response ? String(tried.status) : messageOf(tried);
    options.onWait?.(`${shownUrl(url)}: ${why}`, wait);
    await pause(wait, signal);
  }
}

/** A connection that breaks meanwhile does not matter: nobody reads the rest. */
export async function discardBody({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => undefined);
}

const hours = (ms: number): string => Math.ceil(ms / 3_600_000).toLocaleString("en-US");

async function tryFetch(url: string, options: RetryOptions): Promise<Response | Error> {
  const { signal, headers = {}, timeoutMs = 30_000 } = options;
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new Error(`no response in ${timeoutMs} ms`)),
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

/** False for errors that a retry cannot change: a bad redirect, an invalid address or certificate. */
const isPassing = (error: Error): boolean =>
  !/redirect|INVALID_URL|CERT|SIGNATURE|SELF_SIGNED/i.test(codeOf(error));

/** The runtime's error message, without its advice for programmers. */
export function messageOf(error: unknown): string {
  const code = codeOf(error);
  if (code === "ECONNRESET") return "the connection broke";
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(`${code}: `, "").replace(/\.? For more information, pass `verbose.*$/s, "");
}

/**
 * `Retry-After` as ms from now. A date is compared with the server's `Date` header if there is one, because clocks
 * differ. Null if the header is missing or malformed.
 */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const at = dateOf(text);
  return at === null ? null : Math.max(0, at - (dateOf(headers.get("date")) ?? now));
}

/** Parses an HTTP date to ms. `Date.parse` alone accepts too much, such as `-5`. */
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
