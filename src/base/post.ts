// A message that is posted: of what a server answers, only whether it has accepted it.

import { messageOf } from "./fetch-problem.ts";
import { AbortSignal, URL } from "./globals.ts";

type Message = {
  readonly body: string;
  /** For the server of the address only, also where it redirects to another one: they may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
};

const json = { "content-type": "application/json" };
const maxRedirects = 5;

/** @returns the problem; undefined when the server has accepted the message */
export async function post(url: URL, message: Message): Promise<string | undefined> {
  const { body, timeoutMs } = message;
  const signal = AbortSignal.timeout(timeoutMs);
  let address = url;
  let headers: Record<string, string> = { ...json, ...message.headers };
  try {
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const request = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const response = await fetch(address, request);
      // The answer is known, even if the connection breaks now.
      await response.body?.cancel().catch(() => undefined);
      if (response.ok) return undefined;
      const next = redirectOf(response, address);
      if (typeof next === "string") return next;
      if (next.origin !== address.origin) headers = json;
      address = next;
    }
    return `it redirects more than ${maxRedirects} times`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/**
 * 307 and 308 ask for the same request at another address. After another redirect `fetch` would GET a page there, without the message,
 * and the page's 200 would pass for its acceptance.
 * @returns the problem where there is no such address
 */
function redirectOf({ status, headers }: Response, from: URL): URL | string {
  const location = headers.get("location");
  const to = location === null ? null : URL.parse(location, from.href);
  if (status < 300 || status > 399 || to === null) return `it answered ${status}`;
  if ((status === 307 || status === 308) && /^https?:$/.test(to.protocol)) return to;
  // The rest of an address may be a secret.
  return `it answered ${status}, a redirect to ${to.protocol}//${to.host}, which takes no message along: give the address there`;
}
