// The server of the page. One `fetch` answers everything, behind one guard: a route of Bun's own would be served before it.

import { systemClock } from "../base/clock.ts";
import { JSON, Promise, URL } from "../base/globals.ts";
import { failureLine, toFailure } from "../base/failure.ts";
import { ReaderError } from "../store/read/reader-error.ts";
import type { AppFiles } from "./app-files.ts";
import { NotFound, Refused } from "./asked.ts";
import type { Problem } from "./contract.ts";
import { pageDocument, type PageDocument } from "./document.ts";
import { Feed } from "./feed.ts";
import { Guard } from "./guard.ts";
import { metricsOf } from "./metrics/metrics.ts";
import { PageOverview } from "./overview/page-overview.ts";
import { OverviewFeed } from "./overview/overview-feed.ts";
import type { Shown } from "./overview/shown.ts";
import type { PageDatabase } from "./page-database.ts";
import { type Addressed, addressedBy, type Route, routeOf } from "./routes.ts";

export type PageServerOptions = {
  /** Asked for once, when somebody opens the page: a server may run for months without. */
  readonly loadApp: () => Promise<AppFiles>;
  readonly shown: Shown;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Further names that `Host` may have: those of a proxy. */
  readonly names: readonly string[];
  /** Opens the page any number of times. Absent: each link opens it once. */
  readonly token?: string | undefined;
  /** Opens `/metrics`, and nothing else. */
  readonly metricsToken?: string | undefined;
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
  #document: Promise<PageDocument> | undefined;
  readonly #overview: PageOverview;
  readonly #overviewFeed: OverviewFeed;
  readonly #feeds = new Map<PageDatabase, Feed>();
  readonly #options: PageServerOptions;

  /** @throws Error with a `code` where the port or the host cannot be had */
  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#overview = new PageOverview(options.shown);
    this.#overviewFeed = new OverviewFeed(options.shown);
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
    const { token, metricsToken, entry } = options;
    this.#guard = new Guard(
      { hosts: this.#hosts(), cookie: `pipeloom-${this.port}`, entry },
      { fixed: token, metrics: metricsToken },
    );
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** Opens nothing by itself. */
  get address(): string {
    const { host } = this.#options;
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.port}/`;
  }

  /** An address that opens the page, once. */
  newLink(): string {
    const token = this.#options.token ?? this.#guard.newLink();
    return `${this.address}?token=${encodeURIComponent(token)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#overviewFeed[Symbol.dispose]();
    for (const feed of this.#feeds.values()) feed[Symbol.dispose]();
    await this.#server.stop(true);
  }

  #hosts(): readonly string[] {
    const { host, names } = this.#options;
    const own = ["127.0.0.1", "localhost", "[::1]", host.includes(":") ? `[${host}]` : host];
    return [...own.map((name) => `${name}:${this.port}`), ...names];
  }

  async #answer(request: Request): Promise<Response> {
    const verdict = this.#guard.judge(request);
    if (verdict.type === "probe") return this.#health();
    if (verdict.type === "refuse") return this.#refusal(request, verdict.status, verdict.problem);
    if (verdict.type === "enter") {
      this.#options.onEnter();
      return respond(null, 303, { location: verdict.location, "set-cookie": verdict.cookie });
    }
    const { pathname, searchParams } = new URL(request.url);
    try {
      const addressed = addressedBy(pathname);
      if (addressed.path === "/events") return this.#events(addressed, request.signal);
      if (pathname === "/metrics") return this.#metrics();
      const route = routeOf(request.method, addressed);
      if (route === undefined) return await this.#page();
      const answer = await this.#data(route, request, searchParams);
      return answer instanceof Response ? guarded(answer) : json(200, answer);
    } catch (thrown) {
      return problemOf(thrown);
    }
  }

  async #data(route: Route, request: Request, search: URLSearchParams): Promise<unknown> {
    const { method, signal } = request;
    if (route.isAction && this.#options.shown.isReadOnly) {
      throw new Refused(
        403,
        "this page only shows",
        "to start and end something: begin it without --read-only",
      );
    }
    const body = method === "POST" ? await bodyOf(request) : undefined;
    return route.answer(this.#overview, { ids: route.ids, search, body, signal });
  }

  #events({ database: id }: Addressed, signal: AbortSignal): Response {
    const { shown } = this.#options;
    if (id === null && shown.served !== undefined) return this.#overviewFeed.open(signal);
    const database = shown.of(id);
    const feed = this.#feeds.get(database) ?? new Feed(database);
    this.#feeds.set(database, feed);
    return feed.open(signal);
  }

  /** For whoever asks: nothing but whether it works. */
  #health(): Response {
    const health = this.#options.shown.served?.served().health ?? "healthy";
    const isWell = health === "healthy";
    return respond(isWell ? "ok\n" : "not ok\n", isWell ? 200 : 503, plainText);
  }

  #metrics(): Response {
    const { served } = this.#options.shown;
    if (served === undefined) throw new NotFound("metrics are of pipeloom serve");
    return guarded(
      new Response(streamOf(metricsOf(served.served())), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      }),
    );
  }

  async #page(): Promise<Response> {
    this.#document ??= this.#options.loadApp().then((app) => pageDocument(app, "pipeloom"));
    const { html, policy } = await this.#document;
    return respond(html, 200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
    });
  }

  /** A person sees a page, a program JSON. */
  #refusal(request: Request, status: number, problem: string): Response {
    const wantsPage = request.headers.get("accept")?.includes("text/html") === true;
    return wantsPage
      ? respond(`pipeloom: ${problem}\n`, status, plainText)
      : json(status, { problem } satisfies Problem);
  }
}

/** One piece at a time, and others are answered between two. */
function streamOf(pieces: Iterator<string>): ReadableStream<string> {
  return new ReadableStream<string>({
    async pull(sink) {
      await new Promise<void>((resolve) => systemClock.soon(resolve));
      const { value, done } = pieces.next();
      if (done === true) sink.close();
      else sink.enqueue(value);
    },
  });
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

const plainText = { "content-type": "text/plain; charset=utf-8" };

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
