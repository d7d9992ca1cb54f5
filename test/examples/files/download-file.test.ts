import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { downloadFile, type DownloadOptions } from "../../../src/examples/files/download-file.ts";
import * as raw from "../../support/raw-server.ts";
import { type Answer, failure, head, status } from "../../support/raw-server.ts";

let folder = "";
let servers = new DisposableStack();
let running: raw.RawServer[] = [];
const seen = (bytes: number): void => {
  for (const server of running) server.seen(bytes);
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipeloom-download-"));
  servers = new DisposableStack();
  running = [];
});
afterEach(() => {
  servers.dispose();
  rmSync(folder, { recursive: true });
});

async function serve(...answers: Answer[]): Promise<raw.RawServer> {
  const server = servers.use(await raw.rawServer(...answers));
  running.push(server);
  return server;
}

const signal = new AbortController().signal;
const quick = { signal, delayMs: 1, maxDelayMs: 20 };

const content = Buffer.alloc(300_000, "0123456789abcdef");
const sha256 = createHash("sha256").update(content).digest("hex");
const etag = { etag: '"v1"' };
const whole: Answer = status("200 OK", etag, content);

const cutOff = (bytes: number, headers: Record<string, string> = etag): Answer =>
  raw.cutOff(content, bytes, headers);

const startOf = (request: string): number =>
  Number(/range: bytes=(\d+)-/i.exec(request)?.[1] ?? Number.NaN);

/** The rest of the content from the requested offset, without a check of the version. */
const part =
  (
    headers: Record<string, string>,
    bytes = content,
    total: string | number = bytes.length,
  ): Answer =>
  (socket, request, breakAt) => {
    const start = startOf(request);
    const range = `bytes ${start}-${bytes.length - 1}/${total}`;
    status("206 Partial Content", { "content-range": range, ...headers }, bytes.subarray(start))(
      socket,
      request,
      breakAt,
    );
  };

/** Like a server with Range support: the rest of the content if the version matches. */
const rest: Answer = (socket, request, breakAt) => {
  const isSame = /if-range: "v1"/i.test(request);
  return (isSame ? part(etag) : whole)(socket, request, breakAt);
};

const get = (url: string, more: Partial<DownloadOptions> = {}): ReturnType<typeof downloadFile> =>
  downloadFile(url, join(folder, "file.bin"), { ...quick, progress: seen, ...more });

function expectWhole(): void {
  expect(readdirSync(folder)).toEqual(["file.bin"]);
  expect(readFileSync(join(folder, "file.bin")).equals(content)).toBe(true);
}

test("a complete file", async () => {
  const { url } = await serve(whole);
  expect(await get(url)).toEqual({
    bytes: content.length,
    sha256,
    resumedAt: 0,
    isKnownWhole: true,
  });
  expectWhole();
});

test("a broken transfer resumes where it broke", async () => {
  const { url, requests } = await serve(cutOff(100_000), rest);
  const got = await get(url);
  expect(got).toMatchObject({ bytes: content.length, sha256 });
  expect(got.resumedAt).toBeGreaterThan(0);
  expect(requests[1]).toMatch(/range: bytes=\d+-/i);
  expectWhole();
});

test("a later run resumes too, and a part never has the file's name", async () => {
  const first = await serve(cutOff(100_000));
  expect(await failure(get(first.url, { attempts: 1 }))).not.toBe("no failure");
  expect(existsSync(join(folder, "file.bin"))).toBe(false);
  const second = await serve(rest);
  moveRecord(first.url, second.url);
  expect((await get(second.url)).resumedAt).toBeGreaterThan(0);
  expectWhole();
});

test("a file that has changed on the server is downloaded again", async () => {
  const { url } = await serve(cutOff(100_000, { etag: '"old"' }), rest);
  expect(await get(url)).toEqual({
    bytes: content.length,
    sha256,
    resumedAt: 0,
    isKnownWhole: true,
  });
  expectWhole();
});

test.each([
  ["416", status("416 Range Not Satisfiable", { "content-range": "bytes */10" })],
  ["400", status("400 Bad Request")],
  ["501", status("501 Not Implemented")],
  ["another range", status("206 Partial Content", { "content-range": "bytes 5-9/10" }, "56789")],
  ["another version", part({ etag: '"v2"' }, Buffer.alloc(content.length, "x"))],
  ["no version", part({}, Buffer.alloc(content.length, "x"))],
  ["a weak version", part({ etag: 'W/"v1"' }, Buffer.alloc(content.length, "x"))],
  ["another length", part(etag, Buffer.alloc(content.length + 1, "x"))],
  ["a range beyond the end", part(etag, content, content.length - 1)],
  ["packed", part({ ...etag, "content-encoding": "gzip" })],
  [
    "several ranges",
    status(
      "206 Partial Content",
      { ...etag, "content-type": "multipart/byteranges; boundary=x" },
      "--x--",
    ),
  ],
])("an answer that does not fit the part (%s): from the beginning", async (_, answer) => {
  const { url, requests } = await serve(cutOff(100_000), answer, whole);
  expect((await get(url)).resumedAt).toBe(0);
  expect(requests[2]).not.toMatch(/range/i);
  expectWhole();
});

test("if the server ignores Range, the download starts again", async () => {
  const { url } = await serve(cutOff(100_000), whole);
  expect((await get(url)).resumedAt).toBe(0);
  expectWhole();
});

/** A response without a strong ETag. */
const dated = (date: string): Record<string, string> => ({
  date,
  etag: 'W/"1"',
  "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
});

test("Last-Modified is a validator only if it is older than the response", async () => {
  const old = dated("Thu, 01 Jan 2026 00:00:02 GMT");
  const { url } = await serve(cutOff(100_000, old), part(old));
  expect((await get(url)).resumedAt).toBeGreaterThan(0);
  rmSync(join(folder, "file.bin"));
  const fresh = await serve(cutOff(100_000, dated("Thu, 01 Jan 2026 00:00:00 GMT")), whole);
  expect((await get(fresh.url)).resumedAt).toBe(0);
  expect(fresh.requests[1]).not.toMatch(/range/i);
});

/** Each connection sends this many bytes and then breaks. */
const breaking =
  (bytes: number): Answer =>
  (socket, request, breakAt) => {
    const start = startOf(request);
    if (Number.isNaN(start)) return cutOff(bytes)(socket, request, breakAt);
    const last = content.length - 1;
    socket.write(
      head("206 Partial Content", {
        ...etag,
        "content-range": `bytes ${start}-${last}/${content.length}`,
        "content-length": String(content.length - start),
      }),
    );
    breakAt(Math.min(start + bytes, content.length));
    socket.write(content.subarray(start, start + bytes));
  };

test("a transfer is retried as long as each attempt receives more bytes", async () => {
  const { url, requests } = await serve(breaking(40_000));
  expect((await get(url, { attempts: 2 })).sha256).toBe(sha256);
  expect(requests.length).toBeGreaterThan(6);
  expectWhole();
});

test("attempts without progress are limited", async () => {
  const { url, requests } = await serve(cutOff(100_000, {}));
  expect(await failure(get(url, { attempts: 3 }))).toContain("broke");
  // The first attempt received some bytes.
  expect(requests.length).toBe(3);
  expect(existsSync(join(folder, "file.bin"))).toBe(false);
});

const half: Answer = (socket, request, breakAt) => {
  const start = startOf(request);
  const end = Math.min(start + 50_000, content.length);
  const range = `bytes ${start}-${end - 1}/${content.length}`;
  const headers = { ...etag, "content-range": range };
  status("206 Partial Content", headers, content.subarray(start, end))(socket, request, breakAt);
};

test("a range that ends early is followed by a request for the rest", async () => {
  const { url } = await serve(cutOff(100_000), half);
  expect((await get(url)).sha256).toBe(sha256);
  expectWhole();
});

test("with a checksum, a damaged part is downloaded again", async () => {
  const first = await serve(cutOff(100_000), status("404 Not Found"));
  await failure(get(first.url));
  const name = join(folder, "file.bin.part");
  writeFileSync(name, Buffer.alloc(readFileSync(name).length, "x"));
  const second = await serve(rest, whole);
  moveRecord(first.url, second.url);
  expect((await get(second.url, { sha256 })).resumedAt).toBe(0);
  expectWhole();
});

test("for a complete part, only the last byte is requested", async () => {
  const first = await serve(cutOff(100_000), status("404 Not Found"));
  await failure(get(first.url));
  writeFileSync(join(folder, "file.bin.part"), content);
  const second = await serve(rest);
  moveRecord(first.url, second.url);
  expect((await get(second.url)).resumedAt).toBe(content.length - 1);
  expectWhole();
});

/** Makes the second server look like the first. */
function moveRecord(from: string, to: string): void {
  const record = join(folder, "file.bin.part.json");
  writeFileSync(record, readFileSync(record, "utf8").replace(from, to));
}

test("without a validator, a download does not resume", async () => {
  const { url, requests } = await serve(cutOff(100_000, {}), whole);
  expect((await get(url)).resumedAt).toBe(0);
  expect(requests[1]).not.toMatch(/range/i);
  expectWhole();
});

const stall: Answer = (socket) => {
  socket.write(head("200 OK", { "content-length": String(content.length), ...etag }));
  socket.write(content.subarray(0, 50_000));
};

test("a transfer that stalls is broken", async () => {
  const { url } = await serve(stall, rest);
  expect((await get(url, { stallMs: 50 })).sha256).toBe(sha256);
  expectWhole();
});

test("a wrong checksum leaves no file", async () => {
  const { url } = await serve(whole);
  expect(await failure(get(url, { sha256: "0".repeat(64) }))).toContain(`its SHA-256 is ${sha256}`);
  expect(readdirSync(folder)).toEqual([]);
});

test("a redirect is followed; an empty file is valid", async () => {
  const { url } = await serve(
    (socket, request, breakAt) =>
      status("302 Found", { location: "/elsewhere" })(socket, request, breakAt),
    whole,
  );
  expect((await get(url)).sha256).toBe(sha256);
  rmSync(join(folder, "file.bin"));
  const empty = await serve(status("200 OK"));
  expect((await get(empty.url)).bytes).toBe(0);
});

test.each(["204 No Content", "206 Partial Content", "202 Accepted"])(
  "%s is no file",
  async (line) => {
    const { url } = await serve(status(line, { "content-range": "bytes 0-0/9" }));
    expect(await failure(get(url))).toContain(
      `answered ${line.slice(0, 3)}, which is not a whole file`,
    );
    expect(readdirSync(folder)).toEqual([]);
  },
);

test("a file without a length, ended by a closed connection, is reported", async () => {
  const { url } = await serve((socket) => {
    socket.write(head("200 OK", {}));
    socket.end(content);
  });
  expect((await get(url)).isKnownWhole).toBe(false);
  expectWhole();
  expect((await get(url, { replace: true, sha256 })).isKnownWhole).toBe(true);
});

// ── compressed content ──

const gzip = Buffer.from(Bun.gzipSync(content));

test("a compressed file is stored unchanged; compressed transfers are decompressed", async () => {
  const { url } = await serve(status("200 OK", { ...etag, "content-encoding": "gzip" }, gzip));
  const path = join(folder, "x.tar.gz");
  await downloadFile(url, path, { ...quick, progress: seen });
  expect(readFileSync(path).equals(gzip)).toBe(true);
  expect((await get(url)).bytes).toBe(content.length);
  rmSync(path);
  expectWhole();
});

test("a broken compressed transfer starts again", async () => {
  const packed = { ...etag, "content-encoding": "gzip" };
  const { url, requests } = await serve(
    raw.cutOff(gzip, gzip.length - 20, packed),
    status("200 OK", packed, gzip),
  );
  expect((await get(url)).sha256).toBe(sha256);
  expect(requests[1]).not.toMatch(/range/i);
  expectWhole();
});

// ── existing files ──

const own = (name: string): string => readFileSync(join(folder, name), "utf8");

test.each(["file.bin.part", "file.bin.part.json"])("a user's %s is kept", async (name) => {
  writeFileSync(join(folder, name), "{}");
  const { url } = await serve(whole);
  expect(await failure(get(url))).toContain(`${name}: the download needs this file name`);
  expect(own(name)).toBe("{}");
});

test("a part that is a link is not written through", async () => {
  const first = await serve(cutOff(100_000), status("404 Not Found"));
  await failure(get(first.url));
  writeFileSync(join(folder, "notes"), "mine");
  rmSync(join(folder, "file.bin.part"));
  symlinkSync("notes", join(folder, "file.bin.part"));
  expect(await failure(get(first.url))).toContain("move it away");
  expect(own("notes")).toBe("mine");
});

test("a file or a broken link created during the transfer is not replaced", async () => {
  const { url } = await serve((socket, request, breakAt) => {
    symlinkSync("nowhere", join(folder, "file.bin"));
    whole(socket, request, breakAt);
  });
  expect(await failure(get(url))).toContain("a file of this name was created during the download");
  expect(existsSync(join(folder, "nowhere"))).toBe(false);
  const { url: again } = await serve(whole);
  await get(again, { replace: true });
  expectWhole();
});

test("the record file exists until `commit` is done", async () => {
  const { url } = await serve(whole);
  const record = join(folder, "file.bin.part.json");
  let found: unknown = null;
  const commit = async (): Promise<void> => {
    found = JSON.parse(readFileSync(record, "utf8"));
    expect(readdirSync(folder)).toEqual(["file.bin", "file.bin.part.json"]);
  };
  await get(url, { commit });
  expect(found).toMatchObject({ url, sha256 });
  expectWhole();
});

test("data that is not in the announced encoding is an error that names the address", async () => {
  const { url } = await serve(status("200 OK", { "content-encoding": "gzip" }, content));
  expect(await failure(get(url))).toStartWith(`${url}: the data is not valid gzip: `);
});
