// `fetch` that waits and asks again: for 429 and 503 as long as the server says, for other 5xx and a broken connection
// longer each time.

export type RetryOptions = {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** How often it is tried, the first time included. */
  readonly attempts?: number;
  /** The first wait; it doubles. */
  readonly delayMs?: number;
  /** No wait is longer, whatever the server says. */
  readonly maxDelayMs?: number;
  /** The answer's head must come within this time. */
  readonly timeoutMs?: number;
  /** Told before each wait. */
  readonly onWait?: (why: string, delayMs: number) => void;
};

/** The server said no, and asking again would not help. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  constructor(url: string, response: Response) {
    super(`${url}: ${response.status} ${response.statusText}`.trim());
    this.status = response.status;
  }
}

const isWorthRetrying = (status: number): boolean =>
  status === 429 || status === 408 || status >= 500;

/**
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
      if (!isWorthRetrying(tried.status) || attempt >= attempts) throw new HttpError(url, tried);
      wait = Math.min(
        maxDelayMs,
        retryAfterMs(tried.headers.get("retry-after"), Date.now()) ?? backoff,
      );
    } else if (attempt >= attempts) throw tried;
    options.onWait?.(tried instanceof Response ? `${tried.status}` : tried.message, wait);
    await pause(wait, signal);
  }
}

async function tryFetch(url: string, options: RetryOptions): Promise<Response | Error> {
  const { signal, headers = {}, timeoutMs = 30_000 } = options;
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new Error(`no answer in ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await fetch(url, { headers, signal: AbortSignal.any([signal, timeout.signal]) });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** `Retry-After` as ms from now: seconds, or a date; null when there is none that can be read. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
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
