// Who gets past the guard. Each refused case is a hole that another tool of this kind had.

import { describe, expect, test } from "bun:test";

import { Guard } from "../../src/page/guard.ts";

const host = "127.0.0.1:4800";
const allowed = { hosts: [host, "localhost:4800", "proxy.example"], cookie: "pipeloom-4800" };

type Asked = {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

const request = ({ path = "/", method = "GET", headers = {} }: Asked): Request =>
  new Request(`http://${host}${path}`, { method, headers: { host, ...headers } });

function entered(guard: Guard): string {
  const verdict = guard.judge(request({ path: `/?token=${guard.newLink()}` }));
  if (verdict.type !== "enter") throw new Error(`refused: ${JSON.stringify(verdict)}`);
  return verdict.cookie.split(";")[0] ?? "";
}

const statusOf = (guard: Guard, asked: Asked): number => {
  const verdict = guard.judge(request(asked));
  return verdict.type === "refuse" ? verdict.status : verdict.type === "pass" ? 200 : 303;
};

test("a link gives a cookie that a script cannot read, and goes to the address without the token", () => {
  const guard = new Guard(allowed);
  const verdict = guard.judge(request({ path: `/?token=${guard.newLink()}` }));
  expect(verdict).toMatchObject({ type: "enter", location: "/" });
  expect(verdict.type === "enter" && verdict.cookie).toMatch(
    /^pipeloom-4800=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  );
});

test("a link opens the page once; a token that the user gives does so each time", () => {
  const guard = new Guard(allowed, { fixed: "a token that the user gave" });
  const link = guard.newLink();
  expect([1, 2].map(() => statusOf(guard, { path: `/?token=${link}` }))).toEqual([303, 401]);
  const own = `/?token=${encodeURIComponent("a token that the user gave")}`;
  expect([1, 2].map(() => statusOf(guard, { path: own }))).toEqual([303, 303]);
});

const after = (before: Guard, restarted: Guard): number =>
  statusOf(restarted, { headers: { cookie: entered(before) } });

test("browsers that have entered stay in over a restart where the user has chosen the token, else not", () => {
  const token = "a token that the user gave";
  expect(after(new Guard(allowed, { fixed: token }), new Guard(allowed, { fixed: token }))).toBe(
    200,
  );
  expect(
    after(new Guard(allowed, { fixed: token }), new Guard(allowed, { fixed: `${token}!` })),
  ).toBe(401);
  expect(after(new Guard(allowed), new Guard(allowed))).toBe(401);
});

test("the cookie opens everything that the page asks for", () => {
  const guard = new Guard(allowed);
  const headers = { cookie: `other=1; ${entered(guard)}` };
  expect(statusOf(guard, { headers })).toBe(200);
  expect(
    statusOf(guard, {
      path: "/actions/cancel",
      method: "POST",
      headers: { ...headers, origin: `http://${host}`, "sec-fetch-site": "same-origin" },
    }),
  ).toBe(200);
  // Behind a proxy with TLS.
  expect(
    statusOf(guard, {
      method: "POST",
      headers: { ...headers, host: "proxy.example", origin: "https://proxy.example" },
    }),
  ).toBe(200);
});

const metrics = "m".repeat(30);
const guard = new Guard(allowed, { metrics });
const cookie = entered(guard);
const own = { cookie, origin: `http://${host}` };

test("a monitor needs no token and no name of ours; metrics need their token", () => {
  for (const method of ["GET", "HEAD"]) {
    const asked = request({ path: "/healthz", method, headers: { host: "10.0.0.7" } });
    expect(guard.judge(asked)).toEqual({ type: "probe" });
  }
  const headers = { authorization: `Bearer ${metrics}` };
  expect(guard.judge(request({ path: "/metrics", headers }))).toEqual({ type: "pass" });
});

describe("is refused", () => {
  test.each<readonly [what: string, status: number, asked: Asked]>([
    ["whoever has no cookie", 401, {}],
    ["a stream of events without a cookie (CVE-2026-31882)", 401, { path: "/events" }],
    [
      "an upgrade to a WebSocket without a cookie (CVE-2026-7723)",
      401,
      { path: "/events", headers: { upgrade: "websocket", connection: "upgrade" } },
    ],
    ["an address that ends like an asset (CVE-2026-3514)", 401, { path: "/data/runs/app.js" }],
    ["an address with dots", 401, { path: "/data/../events" }],
    ["a wrong cookie", 401, { headers: { cookie: "pipeloom-4800=x" } }],
    ["the cookie under another name", 401, { headers: { cookie: cookie.replace("4800", "4801") } }],
    ["a wrong token", 401, { path: "/?token=x" }],
    ["an empty token", 401, { path: "/?token=" }],
    ["a token for another address", 401, { path: `/data/runs?token=${guard.newLink()}` }],
    ["a token in a POST", 401, { method: "POST", path: `/?token=${guard.newLink()}` }],
    ["a foreign Host (CVE-2025-66414)", 421, { headers: { cookie, host: "evil.example:4800" } }],
    ["our Host with another port", 421, { headers: { cookie, host: "127.0.0.1:80" } }],
    ["no Host", 421, { headers: { cookie, host: "" } }],
    [
      "a change from another origin",
      403,
      { method: "POST", headers: { ...own, origin: "http://evil" } },
    ],
    [
      "a change from a sandboxed frame",
      403,
      { method: "POST", headers: { ...own, origin: "null" } },
    ],
    ["a change without an origin", 403, { method: "POST", headers: { cookie } }],
    [
      "a change from another site",
      403,
      { method: "POST", headers: { ...own, "sec-fetch-site": "cross-site" } },
    ],
    [
      "a question from another port of this machine",
      403,
      { path: "/data/runs", headers: { cookie, "sec-fetch-site": "same-site" } },
    ],
    [
      "a script of another site",
      403,
      { headers: { cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" } },
    ],
    ["metrics without a token", 401, { path: "/metrics" }],
    [
      "a bearer that is no token",
      401,
      { path: "/metrics", headers: { authorization: "Bearer x" } },
    ],
    [
      "the token of metrics for anything else",
      401,
      { path: "/data/runs", headers: { authorization: `Bearer ${metrics}` } },
    ],
    [
      "the token of metrics under a foreign Host",
      421,
      { path: "/metrics", headers: { host: "evil", authorization: `Bearer ${metrics}` } },
    ],
    [
      "the token of metrics in a POST",
      401,
      { path: "/metrics", method: "POST", headers: { authorization: `Bearer ${metrics}` } },
    ],
    ["an address that ends like the one for monitors", 401, { path: "/data/healthz" }],
    ["more than the one for monitors", 401, { path: "/healthz/../data/runs" }],
    [
      "a script of another site that asks whether this works",
      403,
      {
        path: "/healthz",
        headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
      },
    ],
    ["a change by way of the address for monitors", 401, { path: "/healthz", method: "POST" }],
    ["another method", 405, { method: "PUT", headers: own }],
    ["a preflight", 405, { method: "OPTIONS", headers: own }],
  ])("%s", (_, status, asked) => {
    expect(statusOf(guard, asked)).toBe(status);
  });
});
