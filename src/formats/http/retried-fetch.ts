// `fetch` with retries, for the importers and for `fetchRetry`. The wait is the server's `Retry-After` if it is sent, else
// exponential back-off.

import { messageOf } from "../../base/fetch-problem.ts";
import { codeOf } from "../../base/system-error.ts";
import { grouped } from "../../base/text.ts";
import { HttpError, triesText } from "./http-error.ts";
import { shownUrl } from "./shown-url.ts";

export type FetchPolicy = {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the server of the address only, also where it redirects to another one: they may be secrets. */
  readonly ownHeaders?: Readonly<Record<string, string>>;
  /** The rest of the request. Default: a GET. */
  readonly init?: RequestInit;
  /** Decompress the body. Default: false. */
  readonly decompress?: boolean;
  /** Number of attempts, including the first. Default: as in `fetchDefaults`, like the next two. */
  readonly attempts?: number;
  /** First wait; it doubles. */
  readonly delayMs?: number;
  /** Longest wait, except for the server's `Retry-After`. */
  readonly maxDelayMs?: number;
  /** Time limit for the response's headers. Default: 30,000 ms. */
  readonly timeoutMs?: number;
  /** A longer `Retry-After` is an error. Default: a day, because a run should not wait for longer. */
  readonly longestWaitMs?: number;
  /** Called before each wait. */
  readonly onWait?: (why: string, delayMs: number) => void;
};

export const fetchDefaults = { attempts: 6, delayMs: 500, maxDelayMs: 60_000 } as const;

const dayMs = 24 * 3600 * 1000;

const isWorthRetrying = ({ status, headers }: Response): boolean =>
  status === 429 ||
  status === 408 ||
  status >= 500 ||
  // GitHub sends this for a rate limit.
  (status === 403 && headers.has("retry-after"));

/**
 * The body of the response is not decompressed, unless the policy says so.
 * @returns a response whose status is 2xx or one of `accept`
 * @throws HttpError for another status, or the last error, when no attempt is left
 */
export async function retriedFetch(
  url: string,
  policy: FetchPolicy,
  accept: readonly number[] = [],
): Promise<Response> {
  const {
    signal,
    attempts = fetchDefaults.attempts,
    delayMs = fetchDefaults.delayMs,
    maxDelayMs = fetchDefaults.maxDelayMs,
  } = policy;
  for (let attempt = 1; ; attempt++) {
    const tried = await tryFetch(url, policy);
    signal.throwIfAborted();
    if (tried instanceof Response && (tried.ok || accept.includes(tried.status))) return tried;
    let waitMs = Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1));
    if (tried instanceof Response) {
      await discardBody(tried);
      waitMs = retryAfterMs(tried.headers, Date.now()) ?? waitMs;
    }
    const refusal = refusalOf(tried, { url, attempt, waitMs, policy, isLast: attempt >= attempts });
    if (refusal !== undefined) throw refusal;
    const why = tried instanceof Response ? String(tried.status) : messageOf(tried);
    policy.onWait?.(`${shownUrl(url)}: ${why}`, waitMs);
    await pause(waitMs, signal);
  }
}

type Tried = {
  readonly url: string;
  readonly attempt: number;
  /** Until the next attempt. */
  readonly waitMs: number;
  readonly policy: FetchPolicy;
  readonly isLast: boolean;
};

/** Why there is no further attempt; undefined where there is one. */
function refusalOf(
  tried: Response | Error,
  { url, attempt, waitMs, policy, isLast }: Tried,
): Error | undefined {
  const shown = shownUrl(url);
  if (tried instanceof Response) {
    if (isLast || !isWorthRetrying(tried)) return new HttpError(shown, tried, attempt);
    const longestMs = policy.longestWaitMs ?? dayMs;
    if (waitMs <= longestMs) return undefined;
    return new HttpError(shown, tried, attempt, tooLong(waitMs, longestMs));
  }
  if (!isLast && isPassing(tried)) return undefined;
  const error = new Error(`${shown}: ${messageOf(tried)}${triesText(attempt)}`);
  // For `retryOn`. As a cause, the runtime's error would say the same again.
  const code = codeOf(tried);
  return code === undefined ? error : Object.assign(error, { code });
}

const tooLong = (waitMs: number, longestMs: number): string =>
  `; the server asks to wait ${longTime(waitMs)}, which is more than ${longTime(longestMs)}`;

const longTime = (ms: number): string =>
  ms >= 3_600_000 ? `${grouped(Math.ceil(ms / 3_600_000))} h` : `${Math.ceil(ms / 1000)} s`;

/** A connection that breaks meanwhile does not matter: nobody reads the rest. */
export async function discardBody({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => undefined);
}

async function tryFetch(url: string, policy: FetchPolicy): Promise<Response | Error> {
  const { signal, init, headers = {}, ownHeaders } = policy;
  const { timeoutMs = 30_000, decompress = false } = policy;
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new Error(`no response in ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    const request = {
      ...init,
      headers,
      signal: AbortSignal.any([signal, timeout.signal]),
      decompress,
    };
    return await (ownHeaders === undefined
      ? fetch(url, request)
      : fetchWithOwn(url, request, ownHeaders));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

type OwnRequest = Omit<RequestInit, "headers"> & {
  readonly headers: Readonly<Record<string, string>>;
};

const isRedirect = ({ status }: Response): boolean => [301, 302, 303, 307, 308].includes(status);
/** As in browsers. */
const maxRedirects = 20;

/** Follows redirects itself: the runtime takes all headers but `Authorization` and `Cookie` along to another server. */
async function fetchWithOwn(
  url: string,
  request: OwnRequest,
  own: Readonly<Record<string, string>>,
): Promise<Response> {
  let address = url;
  let headers = { ...request.headers, ...own };
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await fetch(address, { ...request, headers, redirect: "manual" });
    const location = response.headers.get("location");
    if (location === null || !isRedirect(response)) return response;
    await discardBody(response);
    const next = new URL(location, address);
    if (!/^https?:$/.test(next.protocol)) {
      throw redirectError(`the server redirects to an address that begins with ${next.protocol}`);
    }
    // They stay away, also if that server redirects back.
    if (next.origin !== new URL(address).origin) headers = request.headers;
    address = next.href;
  }
  throw redirectError(`the server redirects more than ${maxRedirects} times`);
}

/** With a code that `isPassing` knows. */
const redirectError = (message: string): Error =>
  Object.assign(new Error(message), { code: "ERR_REDIRECT" });

/** False for errors that a retry cannot change: a bad redirect, an invalid address or certificate. */
const isPassing = (error: Error): boolean =>
  !/redirect|INVALID_URL|CERT|SIGNATURE|SELF_SIGNED/i.test(codeOf(error) ?? "");

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
