// Who may ask the server for anything: the one check in front of every answer, also of the page itself, its assets and the stream of
// events. Pure but for the random tokens.
//
// The page reads a database and starts programs, and any web page in the same browser can send requests to this address. So: a
// request must name an address of ours in `Host` (otherwise a foreign name could be resolved to it, DNS rebinding), must have the cookie
// that only our link gives, and what changes anything must come from our own page.

import { createHash, timingSafeEqual } from "node:crypto";

import { Buffer, URL } from "../base/globals.ts";
import { newToken } from "./token.ts";

type Allowed = {
  /** The values of `Host` that are ours: `127.0.0.1:4800`. */
  readonly hosts: readonly string[];
  /** The cookie's name. It has the port, because a browser gives a cookie to all ports of a host. */
  readonly cookie: string;
  /** Where a link leads to. Default: `/`. */
  readonly entry?: string | undefined;
};

type Tokens = {
  /** Opens the page as often as it is used: the user has chosen it. */
  readonly fixed?: string | undefined;
  /** Opens `/metrics`, and nothing else. */
  readonly metrics?: string | undefined;
};

type Verdict =
  /** Whoever asks whether the server works: it is told that, and nothing else. */
  | { readonly type: "probe" }
  /** Show what was asked for. */
  | { readonly type: "pass" }
  /** The link was followed: set the cookie, and go to the same address without the token. */
  | { readonly type: "enter"; readonly location: string; readonly cookie: string }
  | { readonly type: "refuse"; readonly status: 401 | 403 | 405 | 421; readonly problem: string };

const pass: Verdict = { type: "pass" };

export class Guard {
  readonly #allowed: Allowed;
  /** Each of them opens the page once. */
  readonly #links = new Set<string>();
  readonly #fixed: string | undefined;
  /** Digests of what opens `/metrics` in an `Authorization: Bearer` header. */
  readonly #bearers: readonly string[];
  /** The value of the cookie, of all browsers that have entered. */
  readonly #session: string;

  constructor(allowed: Allowed, { fixed, metrics }: Tokens = {}) {
    this.#allowed = allowed;
    this.#fixed = fixed === undefined ? undefined : digest(fixed);
    this.#bearers = [fixed, metrics].flatMap((token) =>
      token === undefined ? [] : [digest(token)],
    );
    // Made of the token that the user has chosen, it is the same after a restart: browsers that have entered stay in.
    this.#session = fixed === undefined ? newToken() : digest(`${allowed.cookie} ${fixed}`);
  }

  /** A token for one link. */
  newLink(): string {
    const token = newToken();
    this.#links.add(digest(token));
    return token;
  }

  judge(request: Request): Verdict {
    const { method, headers } = request;
    if (isProbe(request)) return { type: "probe" };
    // Not `request.url`: that is made of the header.
    if (!this.#allowed.hosts.includes(headers.get("host") ?? "")) {
      return refuse(421, "this server has another name; use the address that pipeloom printed");
    }
    if (method !== "GET" && method !== "POST") return refuse(405, "only GET and POST");
    const site = headers.get("sec-fetch-site");
    const isNavigation = headers.get("sec-fetch-mode") === "navigate" && method === "GET";
    if (site !== null && site !== "same-origin" && site !== "none" && !isNavigation) {
      return refuse(403, "only pipeloom's own page may ask");
    }
    const url = new URL(request.url);
    if (method === "GET" && url.pathname === "/metrics" && this.#hasBearer(headers)) return pass;
    const token = url.searchParams.get("token");
    if (token !== null && method === "GET" && url.pathname === "/") return this.#enter(url, token);
    if (!this.#hasSession(headers.get("cookie"))) {
      return refuse(401, "open the page with the address that pipeloom printed");
    }
    if (method === "POST" && !this.#isOwnOrigin(headers)) {
      return refuse(403, "only pipeloom's own page may change anything");
    }
    return pass;
  }

  #enter(url: URL, token: string): Verdict {
    const known = digest(token);
    if (known !== this.#fixed && !this.#links.delete(known)) {
      return refuse(401, "this address was used already, or is of an earlier start of pipeloom");
    }
    url.searchParams.delete("token");
    const flags = "Path=/; HttpOnly; SameSite=Strict";
    const cookie = `${this.#allowed.cookie}=${this.#session}; ${flags}`;
    return { type: "enter", location: (this.#allowed.entry ?? "/") + url.search, cookie };
  }

  #hasSession(cookies: string | null): boolean {
    const name = `${this.#allowed.cookie}=`;
    const given = (cookies ?? "").split(/;\s*/).filter((each) => each.startsWith(name));
    return given.some((each) => isEqual(each.slice(name.length), this.#session));
  }

  /** A program that collects metrics has no cookie. A browser sends this header for no other site. */
  #hasBearer(headers: Headers): boolean {
    const [, token] = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    return token !== undefined && this.#bearers.includes(digest(token));
  }

  #isOwnOrigin(headers: Headers): boolean {
    const origin = headers.get("origin");
    if (origin === null) return false;
    try {
      // A proxy in front may add TLS, so only the host counts.
      return this.#allowed.hosts.includes(new URL(origin).host || "-");
    } catch {
      return false;
    }
  }
}

/**
 * A monitor reaches the server under any name, and has no token. A page of another site learns nothing either: it cannot read the
 * answer.
 */
function isProbe({ method, url, headers }: Request): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  const site = headers.get("sec-fetch-site");
  const isForeign = site !== null && site !== "same-origin" && site !== "none";
  return !isForeign && /^https?:\/\/[^/?#]*\/healthz$/.test(url);
}

const refuse = (status: 401 | 403 | 405 | 421, problem: string): Verdict => ({
  type: "refuse",
  status,
  problem,
});

/** A Set of digests is asked in a time that tells nothing of a token. */
const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

const isEqual = (a: string, b: string): boolean =>
  timingSafeEqual(Buffer.from(digest(a)), Buffer.from(digest(b)));
