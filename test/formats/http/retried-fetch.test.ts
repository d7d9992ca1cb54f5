import { expect, test } from "bun:test";
import { messageOf } from "../../../src/base/fetch-problem.ts";
import { retriedFetch, retryAfterMs } from "../../../src/formats/http/retried-fetch.ts";
import { type Answer, failure, head, rawServer, status } from "../../support/raw-server.ts";

const signal = new AbortController().signal;
const quick = { signal, delayMs: 1, maxDelayMs: 20 };

test("429 with Retry-After, then 503, then a broken connection, then a response", async () => {
  using server = await rawServer(
    status("429 Too Many Requests", { "retry-after": "0" }),
    status("503 Service Unavailable"),
    (socket) => socket.destroy(),
    status("200 OK", {}, "fine"),
  );
  const waits: string[] = [];
  const response = await retriedFetch(server.url, {
    ...quick,
    onWait: (why, ms) => waits.push(`${why.replace(server.url, "")} ${ms}`),
  });
  expect(await response.text()).toBe("fine");
  expect(server.requests.length).toBe(4);
  expect(waits).toEqual([": 429 0", ": 503 2", ": the connection broke 4"]);
});

test("permanent errors are not retried; attempts are limited", async () => {
  using gone = await rawServer(status("404 Not Found"));
  expect(await failure(retriedFetch(gone.url, quick))).toBe(`${gone.url}: 404 Not Found`);
  expect(gone.requests.length).toBe(1);
  using down = await rawServer(status("500 Internal Server Error"));
  expect(await failure(retriedFetch(down.url, { ...quick, attempts: 3 }))).toContain("500");
  expect(down.requests.length).toBe(3);
});

test("endless redirects are an error at once", async () => {
  using server = await rawServer(status("302 Found", { location: "/file.bin" }));
  const waits: string[] = [];
  const asked = retriedFetch(server.url, { ...quick, onWait: (why) => waits.push(why) });
  expect(await failure(asked)).toBe(`${server.url}: The response redirected too many times`);
  expect(waits).toEqual([]);
});

test("a server that does not respond in time is an error", async () => {
  using server = await rawServer(() => undefined);
  const asked = retriedFetch(server.url, { ...quick, attempts: 2, timeoutMs: 20 });
  expect(await failure(asked)).toContain("no response in 20 ms");
});

/** Returns the length of the next wait without waiting. */
async function waitAfter(headers: Record<string, string>, line = "429 Too Many Requests") {
  using server = await rawServer(status(line, headers));
  const abort = new AbortController();
  const waits: number[] = [];
  const asked = retriedFetch(server.url, {
    signal: abort.signal,
    onWait: (_, ms) => {
      waits.push(ms);
      setTimeout(() => abort.abort(new Error("stop")), 1);
    },
  });
  return { ended: await failure(asked), waits };
}

test("Retry-After has no maximum below a day; cancelling ends the wait", async () => {
  expect(await waitAfter({ "retry-after": "3600" })).toEqual({ ended: "stop", waits: [3_600_000] });
  const forbidden = await waitAfter({ "retry-after": "90" }, "403 Forbidden");
  expect(forbidden).toEqual({ ended: "stop", waits: [90_000] });
});

test("a Retry-After of more than a day is an error", async () => {
  const { ended, waits } = await waitAfter({ "retry-after": "864000" });
  expect([ended, waits]).toEqual([expect.stringContaining("asks to wait 240 h"), []]);
});

test("Retry-After: seconds or a date, by the server's clock", () => {
  const now = Date.UTC(2026, 0, 1);
  const after = (value: string, date?: string): number | null =>
    retryAfterMs(
      new Headers({ "retry-after": value, ...(date === undefined ? {} : { date }) }),
      now,
    );
  expect(after("120")).toBe(120_000);
  expect(after("1.5")).toBe(1500);
  expect(after("Thu, 01 Jan 2026 00:00:30 GMT")).toBe(30_000);
  expect(after("Wed, 31 Dec 2025 00:00:00 GMT")).toBe(0);
  expect(after("Thu, 01 Jan 2026 01:01:30 GMT", "Thu, 01 Jan 2026 01:00:00 GMT")).toBe(90_000);
  expect([after("soon"), after("-5"), after(""), retryAfterMs(new Headers(), now)]).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

test("messages never contain the password of an address", async () => {
  using gone = await rawServer(status("404 Not Found"));
  const url = gone.url.replace("http://", "http://me:secret@");
  expect(await failure(retriedFetch(url, quick))).toBe(`${gone.url}: 404 Not Found`);
});

const broken: Answer = (socket) => {
  socket.end(`${head("503 Service Unavailable", { "content-length": "100" })}busy`);
};

test("an answer whose body breaks off is retried as what it is", async () => {
  using server = await rawServer(broken, broken, status("200 OK"));
  expect((await retriedFetch(server.url, quick)).status).toBe(200);
  using down = await rawServer(broken);
  expect(await failure(retriedFetch(down.url, { ...quick, attempts: 2 }))).toBe(
    `${down.url}: 503 Service Unavailable, after 2 tries`,
  );
});

test("an error without a code keeps its whole message", () => {
  expect(messageOf(new Error("the body: it is locked"))).toBe("the body: it is locked");
  const known = Object.assign(new Error("EPROTO: no TLS: closed"), { code: "EPROTO" });
  expect(messageOf(known)).toBe("no TLS: closed");
});
