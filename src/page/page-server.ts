// The server of the page. One `fetch` answers everything, behind one guard: a route of Bun's own would be served before it.

import { JSON, URL } from "../base/globals.ts";
import { failureLine, toFailure } from "../base/failure.ts";
import { ReaderError } from "../store/read/reader-error.ts";
import type { AppFiles } from "./app-files.ts";
import { NotFound, Refused } from "./asked.ts";
import type { Problem } from "./contract.ts";
import { pageDocument, type PageDocument } from "./document.ts";
import { Feed } from "./feed.ts";
import { Guard } from "./guard.ts";
import type { PageDatabase } from "./page-database.ts";
import { type Route, routeOf } from "./routes.ts";

type Options = {
  readonly app: AppFiles;
  readonly database: PageDatabase;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Further names that `Host` may have: those of a proxy. */
  readonly names: readonly string[];
  /** Opens the page any number of times. Absent: each link opens it once. */
  readonly token?: string | undefined;
  /** The address that a link leads to, below `/`. Absent: `/`. */
  readonly entry?: string | undefined;
  /** A link was used: another browser needs a new one. */
  readonly onEnter: () => void;
};

/** Of a question: the params of a run. */
const maxBodyBytes = 2_000_000;

export class PageServer implements AsyncDisposable {
  readonly #server: Bun.Server<undefined>;
  readonly #guard: Guard;
  readonly #document: PageDocument;
  readonly #feed: Feed;
  readonly #options: Options;

  /** @throws Error with a `code` where the port or the host cannot be had */
  constructor(options: Options) {
    this.#options = options;
    this.#document = pageDocument(options.app, "pipeloom");
    this.#feed = new Feed(options.database);
    this.#server = Bun.serve({
      hostname: options.host,
      port: options.port,
      // A stream of events may be quiet for hours.
      idleTimeout: 0,
      maxRequestBodySize: maxBodyBytes,
      development: false,
      // Without development, Bun lets two processes listen at one port, and each gets half of the questions.
      reusePort: false,
      fetch: (request) => this.#answer(request),
    });
    this.#guard = new Guard(
      { hosts: this.#hosts(), cookie: `pipeloom-${this.port}`, entry: options.entry },
      options.token,
    );
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** An address that opens the page, once. */
  newLink(): string {
    const { host, token } = this.#options;
    const name = host.includes(":") ? `[${host}]` : host;
    return `http://${name}:${this.port}/?token=${encodeURIComponent(token ?? this.#guard.newLink())}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#feed[Symbol.dispose]();
    await this.#server.stop(true);
  }

  #hosts(): readonly string[] {
    const { host, names } = this.#options;
    const own = ["127.0.0.1", "localhost", "[::1]", host.includes(":") ? `[${host}]` : host];
    return [...own.map((name) => `${name}:${this.port}`), ...names];
  }

  async #answer(request: Request): Promise<Response> {
    const verdict = this.#guard.judge(request);
    if (verdict.type === "refuse") return this.#refusal(request, verdict.status, verdict.problem);
    if (verdict.type === "enter") {
      this.#options.onEnter();
      return respond(null, 303, { location: verdict.location, "set-cookie": verdict.cookie });
    }
    const { pathname, searchParams } = new URL(request.url);
    try {
      if (pathname === "/events") return this.#feed.open(request.signal);
      const route = routeOf(request.method, pathname);
      if (route === undefined) return this.#page();
      const answer = await this.#data(route, request, searchParams);
      return answer instanceof Response ? guarded(answer) : json(200, answer);
    } catch (thrown) {
      return problemOf(thrown);
    }
  }

  async #data(route: Route, request: Request, search: URLSearchParams): Promise<unknown> {
    const { database } = this.#options;
    const { method, signal } = request;
    if (route.isAction && database.isReadOnly) {
      throw new Refused(
        403,
        "this page only shows",
        "to start and end runs: pipeloom ui without --read-only",
      );
    }
    const body = method === "POST" ? await bodyOf(request) : undefined;
    return route.answer(database, { ids: route.ids, search, body, signal });
  }

  #page(): Response {
    const { html, policy } = this.#document;
    return respond(html, 200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
    });
  }

  /** A person sees a page, a program JSON. */
  #refusal(request: Request, status: number, problem: string): Response {
    const wantsPage = request.headers.get("accept")?.includes("text/html") === true;
    return wantsPage
      ? respond(`pipeloom: ${problem}\n`, status, { "content-type": "text/plain; charset=utf-8" })
      : json(status, { problem } satisfies Problem);
  }
}

/** @throws Refused for what is not JSON */
async function bodyOf(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    throw new Refused(400, "the body is not JSON");
  }
}

function problemOf(thrown: unknown): Response {
  if (thrown instanceof NotFound) return json(404, { problem: thrown.message });
  if (thrown instanceof Refused) {
    const { status, message: problem, next } = thrown;
    return json(status, {
      problem,
      ...(next === undefined ? undefined : { next }),
    } satisfies Problem);
  }
  if (thrown instanceof ReaderError) {
    const isGone = !["bad-sql", "not-read-only"].includes(thrown.code);
    return json(isGone ? 503 : 400, { problem: thrown.message } satisfies Problem);
  }
  return json(500, { problem: failureLine(toFailure(thrown)) } satisfies Problem);
}

const json = (status: number, value: unknown): Response =>
  respond(JSON.stringify(value), status, { "content-type": "application/json; charset=utf-8" });

const always = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
};

/** A file to be saved. */
function guarded(response: Response): Response {
  for (const [name, value] of Object.entries(always)) response.headers.set(name, value);
  return response;
}

const respond = (
  body: string | null,
  status: number,
  headers: Readonly<Record<string, string>>,
): Response => new Response(body, { status, headers: { ...always, ...headers } });
