// `fetchRetry` and `fetchPages`: `fetch` for tasks.

import { describeValue } from "../../base/describe-value.ts";
import { type Duration, durationMs } from "../../base/parse-duration.ts";
import { linkedPages } from "./linked-pages.ts";
import { discardBody, fetchDefaults, type FetchPolicy, retriedFetch } from "./retried-fetch.ts";

/** The options of `fetch`, and how it is tried again. */
export type FetchRetryOptions = RequestInit & {
  /** Requests at most, the first one included. Default: 6. */
  readonly tries?: number;
  /** First wait; it doubles with each try. Default: 500 ms. */
  readonly delay?: Duration;
  /** Longest wait, where the server does not ask for one. Default: 1 minute. */
  readonly maxDelay?: Duration;
  /** Longest wait that the server may ask for (`Retry-After`); a longer one is an error. Default: 1 hour. */
  readonly maxRetryAfter?: Duration;
  /** How long a server may take until it answers, for each try. Default: 1 minute. */
  readonly timeout?: Duration;
  /** Statuses besides 2xx that are no error, such as 404. */
  readonly accept?: readonly number[];
};

export type FetchPagesOptions = FetchRetryOptions & {
  /** More pages are an error: the links may have no end. Default: 100,000. */
  readonly maxPages?: number;
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const defaultMaxPages = 100_000;

export async function fetchRetried(
  url: string | URL,
  options: FetchRetryOptions,
): Promise<Response> {
  const { address, policy, accept } = request(url, options, "fetchRetry");
  return retriedFetch(address, { ...policy, decompress: true }, accept);
}

export async function* fetchedPages(
  url: string | URL,
  { maxPages, ...options }: FetchPagesOptions,
): AsyncGenerator<Response> {
  const { address, policy, accept } = request(url, options, "fetchPages");
  const mostPages = countOf(maxPages ?? defaultMaxPages, "fetchPages: maxPages");
  const pages = linkedPages(address, mostPages, (page) => {
    const isElsewhere = new URL(page).origin !== new URL(address).origin;
    const headers = isElsewhere ? withoutCredentials(policy.headers) : policy.headers;
    return retriedFetch(page, { ...policy, headers, decompress: true }, accept);
  });
  for await (const { response } of pages) {
    yield response;
    // Nobody reads the rest, and its connection would stay open.
    if (!response.bodyUsed) await discardBody(response);
  }
}

/** As a redirect to another server drops them. */
const withoutCredentials = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(?:authorization|cookie|proxy-authorization)$/i.test(name),
    ),
  );

type Request = {
  readonly address: string;
  readonly policy: FetchPolicy & { readonly headers: Readonly<Record<string, string>> };
  readonly accept: readonly number[];
};

/** @throws TypeError or RangeError for what cannot be requested */
export function request(url: string | URL, options: FetchRetryOptions, call: string): Request {
  const { tries, delay, maxDelay, maxRetryAfter, timeout, accept, headers, signal, ...init } =
    options;
  const attempts = countOf(tries ?? fetchDefaults.attempts, `${call}: tries`);
  if (attempts > 1 && isStream(init.body)) {
    throw new TypeError(
      `${call}: the body is a stream, which can be sent only once; pass text or bytes, or tries: 1`,
    );
  }
  const ms = (value: Duration | undefined, name: string, otherwise: number): number =>
    value === undefined ? otherwise : durationMs(value, `${call}: ${name}`);
  return {
    address: addressOf(url, call),
    accept: accept ?? [],
    policy: {
      init,
      headers: Object.fromEntries(new Headers(headers)),
      signal: signal ?? new AbortController().signal,
      attempts,
      delayMs: ms(delay, "delay", fetchDefaults.delayMs),
      maxDelayMs: ms(maxDelay, "maxDelay", fetchDefaults.maxDelayMs),
      longestWaitMs: ms(maxRetryAfter, "maxRetryAfter", hourMs),
      timeoutMs: ms(timeout, "timeout", minuteMs),
      // In a task, its log.
      onWait: (why, waitMs) => console.warn(`${why}; trying again in ${waitMs / 1000} s`),
    },
  };
}

function addressOf(url: unknown, call: string): string {
  const text = url instanceof URL ? url.href : url;
  if (typeof text === "string" && URL.canParse(text)) {
    const { protocol } = new URL(text);
    if (protocol === "http:" || protocol === "https:") return text;
    throw new TypeError(
      `${call}: the address begins with ${protocol}; pass one of http: or https:`,
    );
  }
  const found = typeof text === "string" ? JSON.stringify(text) : describeValue(text);
  throw new TypeError(
    `${call}: the address is ${found}; pass a whole one, such as "https://example.com/data.json"`,
  );
}

function countOf(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`${what} must be a whole number of at least 1, not ${String(value)}`);
}

const isStream = (body: unknown): boolean =>
  typeof body === "object" &&
  body !== null &&
  (body instanceof ReadableStream || Symbol.asyncIterator in body);
