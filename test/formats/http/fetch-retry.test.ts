// `fetchRetry` and `fetchPages` as a task calls them. What is tried again, and when, is in retried-fetch.test.ts.

import { afterEach, beforeEach, expect, spyOn, test, type Mock } from "bun:test";

import { fetchPages, fetchRetry, HttpError } from "pipeloom";
import { failure, rawServer, status } from "../../support/raw-server.ts";

let warnings: Mock<typeof console.warn>;

beforeEach(() => {
  warnings = spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  warnings.mockRestore();
});

const json = (value: unknown, headers: Record<string, string> = {}) =>
  status("200 OK", { "content-type": "application/json", ...headers }, JSON.stringify(value));

test("a request with its method, headers and body is sent again until it is answered", async () => {
  using server = await rawServer(
    status("429 Too Many Requests", { "retry-after": "0" }),
    status("502 Bad Gateway"),
    (socket) => socket.destroy(),
    json({ fine: true }),
  );
  const response = await fetchRetry(new URL(server.url), {
    method: "POST",
    headers: { "x-key": "k" },
    body: "asked",
    delay: 1,
  });
  expect(await response.json()).toEqual({ fine: true });
  expect(server.requests).toHaveLength(4);
  for (const request of server.requests) {
    expect(request).toStartWith("POST /file.bin");
    expect(request.toLowerCase()).toContain("x-key: k");
    expect(request).toEndWith("asked");
  }
  expect(warnings.mock.calls.map(([line]) => String(line).replace(server.url, "url"))).toEqual([
    "url: 429; trying again in 0 s",
    "url: 502; trying again in 0.002 s",
    "url: the connection broke; trying again in 0.004 s",
  ]);
});

test("the body arrives decompressed", async () => {
  const packed = Bun.gzipSync(Buffer.from('{"a":1}'));
  using server = Bun.serve({
    port: 0,
    fetch: () => new Response(packed, { headers: { "content-encoding": "gzip" } }),
  });
  expect(await (await fetchRetry(server.url)).json()).toEqual({ a: 1 });
});

test("it gives up with the address, the status and the tries", async () => {
  using server = await rawServer(status("503 Service Unavailable"));
  const error = await fetchRetry(server.url, { tries: 3, delay: 1 }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(HttpError);
  expect(error).toMatchObject({
    message: `${server.url}: 503 Service Unavailable, after 3 tries`,
    status: 503,
    code: "503",
    tries: 3,
    url: server.url,
  });
  const closed = await rawServer(status("200 OK"));
  closed[Symbol.dispose]();
  expect(
    await fetchRetry(closed.url, { tries: 2, delay: 1 }).catch((thrown) => thrown),
  ).toMatchObject({
    message: `${closed.url}: the connection was refused: no server listens there, after 2 tries`,
    code: "ECONNREFUSED",
  });
  using broken = await rawServer((socket) => socket.destroy());
  expect(await failure(fetchRetry(broken.url, { tries: 2, delay: 1 }))).toBe(
    `${broken.url}: the connection broke, after 2 tries`,
  );
});

test("another status is an error at once, unless it is accepted", async () => {
  using server = await rawServer(status("404 Not Found"));
  expect(await failure(fetchRetry(server.url))).toBe(`${server.url}: 404 Not Found`);
  expect((await fetchRetry(server.url, { accept: [404] })).status).toBe(404);
  expect(server.requests).toHaveLength(2);
});

test("a server that asks to wait longer than maxRetryAfter is an error, not a wait", async () => {
  const at = new Date(Date.now() + 7200_000).toUTCString();
  using server = await rawServer(
    status("429 Too Many Requests", { "retry-after": "90" }),
    status("429 Too Many Requests", { "retry-after": at, date: new Date().toUTCString() }),
  );
  expect(await failure(fetchRetry(server.url, { maxRetryAfter: "1m" }))).toBe(
    `${server.url}: 429 Too Many Requests; the server asks to wait 90 s, which is more than 60 s`,
  );
  expect(await failure(fetchRetry(server.url))).toBe(
    `${server.url}: 429 Too Many Requests; the server asks to wait 2 h, which is more than 1 h`,
  );
});

test("the signal ends a request, and a wait", async () => {
  using silent = await rawServer(() => undefined);
  const abort = new AbortController();
  const asked = failure(fetchRetry(silent.url, { signal: abort.signal }));
  abort.abort(new Error("stop"));
  expect(await asked).toBe("stop");
  using busy = await rawServer(status("503 Service Unavailable", { "retry-after": "600" }));
  const stop = new AbortController();
  warnings.mockImplementation(() => stop.abort(new Error("stop")));
  expect(await failure(fetchRetry(busy.url, { signal: stop.signal }))).toBe("stop");
  expect(busy.requests).toHaveLength(1);
});

test.each([
  ["ftp://x/y", {}, "fetchRetry: the address begins with ftp:; pass one of http: or https:"],
  ["no-url", {}, 'fetchRetry: the address is "no-url"; pass a whole one'],
  ["http://a", { tries: 0 }, "fetchRetry: tries must be a whole number of at least 1, not 0"],
  ["http://a", { delay: "soon" as never }, "fetchRetry: delay must be milliseconds or a duration"],
  ["http://a", { method: "POST", body: new Blob().stream() }, "which can be sent only once"],
])("%s with %p is an error", async (url, options, message) => {
  expect(await failure(fetchRetry(url, options))).toContain(message);
});

/** Its pages link to one another by these paths. */
const linking = (links: Readonly<Record<string, string>>, seen: Headers[] = []) =>
  Bun.serve({
    port: 0,
    fetch(request) {
      seen.push(new Headers(request.headers.toJSON()));
      const { pathname } = new URL(request.url);
      const next = links[pathname];
      const headers: Record<string, string> =
        next === undefined ? {} : { link: `</>; rel="prev", <${next}>; rel="next"` };
      return Response.json(pathname, { headers });
    },
  });

async function pagesOf(url: string | URL, options = {}): Promise<unknown[]> {
  const pages: unknown[] = [];
  for await (const page of fetchPages(url, options)) pages.push(await page.json());
  return pages;
}

test("pages are followed by their links, relative ones too, with the same headers", async () => {
  const seen: Headers[] = [];
  using server = linking({ "/a/1": "2?x=1", "/a/2": "/b" }, seen);
  const given = { authorization: "Bearer t", cookie: "c=1", "x-key": "k" };
  expect(await pagesOf(new URL("/a/1", server.url), { headers: given })).toEqual([
    "/a/1",
    "/a/2",
    "/b",
  ]);
  expect(seen.map((headers) => headers.get("authorization"))).toEqual([
    "Bearer t",
    "Bearer t",
    "Bearer t",
  ]);
});

test("another server gets no credentials", async () => {
  const seen: Headers[] = [];
  using other = linking({}, seen);
  using server = linking({ "/": new URL("/far", other.url).href });
  const headers = { Authorization: "Bearer t", Cookie: "c=1", "x-key": "k" };
  expect(await pagesOf(server.url, { headers })).toEqual(["/", "/far"]);
  const [got] = seen;
  expect(["authorization", "cookie", "x-key"].map((name) => got?.get(name))).toEqual([
    null,
    null,
    "k",
  ]);
});

test("links that form a loop, or never end, are errors", async () => {
  using server = linking({ "/1": "/2", "/2": "/1" });
  expect(await failure(pagesOf(new URL("/1", server.url)))).toContain(
    'this page was already read: rel="next" links form a loop',
  );
  const endless = new Proxy<Record<string, string>>({}, { get: (_, path) => `${String(path)}x` });
  using more = linking(endless);
  expect(await failure(pagesOf(new URL("/1", more.url), { maxPages: 3 }))).toContain(
    '3 pages were read, and rel="next" links to more',
  );
});

test("a page is requested when the one before is done with", async () => {
  const seen: Headers[] = [];
  using server = linking({ "/1": "/2", "/2": "/3" }, seen);
  for await (const _ of fetchPages(new URL("/1", server.url))) {
    if (seen.length === 2) break;
  }
  expect(seen).toHaveLength(2);
});
