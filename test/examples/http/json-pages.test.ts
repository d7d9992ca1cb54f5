import { expect, test } from "bun:test";
import { BrokenError } from "../../../src/formats/http/body.ts";
import { jsonHeaders, jsonPages } from "../../../src/examples/http/json-pages.ts";
import {
  type Answer,
  cutOff,
  failure,
  head,
  type RawServer,
  rawServer,
  status,
} from "../../support/raw-server.ts";

const options = {
  signal: new AbortController().signal,
  headers: jsonHeaders,
  format: "auto",
  path: "",
  delayMs: 1,
} as const;

const idsOf = async (url: string | URL, more: { stallMs?: number } = {}): Promise<unknown[]> =>
  (await Array.fromAsync(jsonPages(String(url), { ...options, ...more }))).map(
    ({ row }) => row["id"],
  );

/** Answers `/?page=n`. */
function paged(answer: (page: number) => { rows: object[]; next: string | null }) {
  return Bun.serve({
    port: 0,
    fetch(request) {
      const { rows, next } = answer(Number(new URL(request.url).searchParams.get("page") ?? 1));
      return Response.json(
        rows,
        next === null ? {} : { headers: { link: `<${next}>; rel="next"` } },
      );
    },
  });
}

test("all pages in order, including an empty one", async () => {
  using server = paged((page) => ({
    rows: page === 2 ? [] : [{ id: page }],
    next: page < 3 ? `/?page=${page + 1}` : null,
  }));
  expect(await idsOf(server.url)).toEqual([1, 3]);
});

test("endless pages are an error", async () => {
  using circle = paged((page) => ({ rows: [{ id: page }], next: `/?page=${(page % 3) + 1}` }));
  expect(await failure(idsOf(circle.url))).toContain("this page was already read");
  using deaf = paged((page) => ({ rows: [{ id: 1 }, { id: 2 }], next: `/?page=${page + 1}` }));
  expect(await failure(idsOf(deaf.url))).toContain("are identical");
});

test("the place of a record includes its page", async () => {
  using server = paged((page) => ({
    rows: page === 1 ? [{ id: 1 }] : [1 as never],
    next: page === 1 ? "/?page=2" : null,
  }));
  const records = Array.fromAsync(jsonPages(String(server.url), options));
  expect(await failure(records)).toContain("/?page=2: [0] is 1, not an object");
});

test.each(["gzip", "deflate", "br", "zstd"] as const)("Content-Encoding %s", async (coding) => {
  const text = JSON.stringify([{ id: 1 }]);
  const packed = {
    gzip: () => Bun.gzipSync(text),
    // HTTP's `deflate` is the zlib format.
    deflate: () => require("node:zlib").deflateSync(text) as Buffer,
    br: () => require("node:zlib").brotliCompressSync(text) as Buffer,
    zstd: () => Bun.zstdCompressSync(text),
  }[coding]();
  using server = await rawServer(
    status("200 OK", { "content-encoding": coding }, Buffer.from(packed)),
  );
  expect(await idsOf(server.url)).toEqual([1]);
});

test("a gzip file of lines; an unsupported coding is an error", async () => {
  const file = Buffer.from(Bun.gzipSync('{"id":1}\n{"id":2}\n'));
  using archive = await rawServer(status("200 OK", { "content-type": "application/gzip" }, file));
  expect(await idsOf(archive.url)).toEqual([1, 2]);
  using odd = await rawServer(status("200 OK", { "content-encoding": "rot13" }, "[]"));
  expect(await failure(idsOf(odd.url))).toContain("Content-Encoding is rot13");
  using damaged = await rawServer(status("200 OK", { "content-encoding": "gzip" }, "[]"));
  expect(await failure(idsOf(damaged.url))).toContain("the data is not valid gzip");
});

test("No Content is no rows", async () => {
  using server = await rawServer((socket) => socket.end(head("204 No Content", {})));
  expect(await idsOf(server.url)).toEqual([]);
});

test("a body that breaks or stalls is a BrokenError", async () => {
  const body = Buffer.from('{"id":1}\n{"id":2}\n');
  using broken = await rawServer(cutOff(body, 12, { "content-type": "application/x-ndjson" }));
  const ids: unknown[] = [];
  const reading = (async () => {
    for await (const { row } of jsonPages(broken.url, options)) {
      ids.push(row["id"]);
      broken.seen(12);
    }
  })();
  expect(await reading.catch((error: unknown) => error)).toBeInstanceOf(BrokenError);
  expect(ids).toEqual([1]);
  using stalled = await rawServer((socket) => {
    socket.write(head("200 OK", { "content-length": "100" }));
    socket.write("[");
  });
  expect(await failure(idsOf(stalled.url, { stallMs: 20 }))).toBe(
    `${stalled.url}: received nothing for 0.02 s`,
  );
});

const body = Buffer.from(
  Array.from({ length: 5000 }, (_, id) => `{"id":${id},"v":"${"x".repeat(90)}"}\n`).join(""),
);
const longestRecord = 200;
const lines = { "content-type": "application/x-ndjson", etag: '"1"' };

/** Sends the requested rest of this version, 100,000 bytes per connection. */
const piecemeal =
  (etag: string, end = body.length): Answer =>
  (socket, request, breakAt) => {
    const start = Number(/range: bytes=(\d+)-/i.exec(request)?.[1] ?? 0);
    const length = String(end - start);
    const headers = { ...lines, etag, "content-length": length };
    const range = { "content-range": `bytes ${start}-${end - 1}/${body.length}` };
    socket.write(
      start === 0 ? head("200 OK", headers) : head("206 Partial Content", { ...headers, ...range }),
    );
    const cut = Math.min(end, start + 100_000);
    // The incomplete record is not returned.
    breakAt(cut - longestRecord);
    socket.write(body.subarray(start, cut));
  };

/** Reads all records; the server breaks each connection after the received bytes. */
async function countOf(server: RawServer): Promise<number> {
  let count = 0;
  let bytes = 0;
  for await (const { text } of jsonPages(server.url, options)) {
    count++;
    server.seen((bytes += text.length + 1));
  }
  return count;
}

test("a body that breaks every 100 kB resumes where it broke", async () => {
  using server = await rawServer(piecemeal('"1"'));
  expect(await countOf(server)).toBe(5000);
  expect(server.requests.length).toBeGreaterThan(4);
});

test("a range that ends early is followed by a request for the rest", async () => {
  using server = await rawServer(piecemeal('"1"'), piecemeal('"1"', 150_000), piecemeal('"1"'));
  expect(await countOf(server)).toBe(5000);
});

test.each([
  ["another version", piecemeal('"2"')],
  ["all of it", status("200 OK", lines, body)],
  ["nothing", status("416 Range Not Satisfiable")],
] as const)("a rest that does not fit (%s) is none", async (_, answer) => {
  using server = await rawServer(piecemeal('"1"'), answer);
  expect(await failure(countOf(server))).toContain("the rest of the same version");
});
