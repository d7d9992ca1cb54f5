import { expect, test } from "bun:test";

import { post } from "../../src/base/post.ts";

type Seen = {
  method: string;
  path: string;
  body: string;
  secret: string | null;
  type: string | null;
};

/** A server that redirects `/<status>?to=<address>`, and accepts everything else. */
function server(): { url: string; seen: Seen[] } & Disposable {
  const seen: Seen[] = [];
  const own = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname: path, searchParams } = new URL(request.url);
      const { method, headers } = request;
      const secret = headers.get("x-secret");
      seen.push({
        method,
        path,
        body: await request.text(),
        secret,
        type: headers.get("content-type"),
      });
      const location = searchParams.get("to");
      const status = Number(path.slice(1));
      return location === null
        ? new Response("ok")
        : new Response("", { status, headers: { location } });
    },
  });
  return { url: `http://127.0.0.1:${own.port}`, seen, [Symbol.dispose]: () => void own.stop(true) };
}

const message = { body: '{"text":"no"}', headers: { "x-secret": "s" }, timeoutMs: 5_000 };

test.each([301, 302, 303])(
  "a redirect that would take no message along is a problem, and no success: %d",
  async (status) => {
    using there = server();
    const problem = await post(new URL(`${there.url}/${status}?to=/hook/secret`), message);
    expect(problem).toBe(
      `it answered ${status}, a redirect to ${there.url}, which takes no message along: give the address there`,
    );
    expect(there.seen.map(({ path }) => path)).toEqual([`/${status}`]);
  },
);

test.each([307, 308])("the message is posted again where %d leads", async (status) => {
  using there = server();
  using other = server();
  expect(await post(new URL(`${there.url}/${status}?to=/hook`), message)).toBeUndefined();
  const sent = { method: "POST", body: message.body, type: "application/json" };
  expect(there.seen.at(-1)).toEqual({ ...sent, path: "/hook", secret: "s" });
  const elsewhere = encodeURIComponent(`${other.url}/hook`);
  expect(await post(new URL(`${there.url}/${status}?to=${elsewhere}`), message)).toBeUndefined();
  expect(other.seen).toEqual([{ ...sent, path: "/hook", secret: null }]);
});

test("what goes wrong, in words for people", async () => {
  using there = server();
  const problemOf = (path: string) => post(new URL(there.url + path), message);
  expect(await problemOf("/308?to=ftp://x/")).toBe(
    "it answered 308, a redirect to ftp://x, which takes no message along: give the address there",
  );
  using closing = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: (socket) => void socket.end(), data: () => undefined },
  });
  expect(await post(new URL(`http://127.0.0.1:${closing.port}/`), message)).toBe(
    "the connection broke",
  );
  closing.stop(true);
  expect(await post(new URL(`http://127.0.0.1:${closing.port}/`), message)).toBe(
    "the connection was refused: no server listens there",
  );
});

test("redirects in a circle end", async () => {
  let asked = 0;
  using own = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => (asked++, new Response("", { status: 307, headers: { location: "/" } })),
  });
  expect(await post(own.url, message)).toBe("it redirects more than 5 times");
  expect(asked).toBe(6);
});
