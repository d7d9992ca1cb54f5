import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { downloadFile, type DownloadOptions } from "../../src/examples/files/download-file.ts";
import { fileNameOf, uniqueNames } from "../../src/examples/files/file-name.ts";
import { fetchRetry, retryAfterMs } from "../../src/examples/http/fetch-retry.ts";
import {
  formatOf,
  type JsonRow,
  jsonRows,
  parseSelect,
  selected,
} from "../../src/examples/http/json-rows.ts";

let folder = "";
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipeloom-http-"));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

/** A server that can do everything wrong: each request gets the next answer (the last one again and again), raw. */
type Answer = (socket: Socket, request: string) => void;

async function serve(...answers: Answer[]): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      const request = data.toString("latin1");
      requests.push(request);
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      answer?.(socket, request);
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/file.bin`, requests };
}

const status =
  (line: string, headers: Record<string, string> = {}, body: string | Buffer = ""): Answer =>
  (socket) => {
    socket.write(head(line, { "content-length": String(body.length), ...headers }));
    socket.end(body);
  };

const head = (line: string, headers: Record<string, string>): string =>
  `HTTP/1.1 ${line}\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}connection: close\r\n\r\n`;

const signal = new AbortController().signal;
const quick = { signal, delayMs: 1, maxDelayMs: 20 };

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "no failure";
}

// ── fetchRetry ──

test("429 with Retry-After, then 503, then a broken connection, then an answer", async () => {
  const { url, requests } = await serve(
    status("429 Too Many Requests", { "retry-after": "0" }),
    status("503 Service Unavailable"),
    (socket) => socket.destroy(),
    status("200 OK", {}, "fine"),
  );
  const waits: string[] = [];
  const response = await fetchRetry(url, {
    ...quick,
    onWait: (why, ms) => waits.push(`${why} ${ms}`),
  });
  expect(await response.text()).toBe("fine");
  expect(requests.length).toBe(4);
  expect(waits.slice(0, 2)).toEqual(["429 0", "503 2"]);
});

test("what will not change is not asked again; what does not end is given up", async () => {
  const gone = await serve(status("404 Not Found"));
  expect(await failure(fetchRetry(gone.url, quick))).toBe(`${gone.url}: 404 Not Found`);
  expect(gone.requests.length).toBe(1);
  const down = await serve(status("500 Internal Server Error"));
  expect(await failure(fetchRetry(down.url, { ...quick, attempts: 3 }))).toContain("500");
  expect(down.requests.length).toBe(3);
});

test("a server that does not answer is not waited for", async () => {
  const { url } = await serve(() => undefined);
  expect(await failure(fetchRetry(url, { ...quick, attempts: 2, timeoutMs: 20 }))).toContain(
    "no answer in 20 ms",
  );
});

test("cancelling ends the wait", async () => {
  const { url } = await serve(status("429 Too Many Requests", { "retry-after": "3600" }));
  const abort = new AbortController();
  const asked = fetchRetry(url, {
    signal: abort.signal,
    onWait: () => setTimeout(() => abort.abort(new Error("stop")), 1),
  });
  expect(await failure(asked)).toBe("stop");
});

test("Retry-After: seconds or a date", () => {
  const now = Date.UTC(2026, 0, 1);
  expect(retryAfterMs("120", now)).toBe(120_000);
  expect(retryAfterMs("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30_000);
  expect(retryAfterMs("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
  expect([retryAfterMs(null, now), retryAfterMs("soon", now)]).toEqual([null, null]);
});

// ── JSON ──

const rowsOf = (body: string, format: "json" | "jsonl", path = ""): Promise<JsonRow[]> =>
  Array.fromAsync(jsonRows(new Response(body), format, path));

test("an array, an array within, one object, lines", async () => {
  expect(await rowsOf('[{"a":1},{"a":2}]', "json")).toEqual([{ a: 1 }, { a: 2 }]);
  expect(await rowsOf('{"data":{"items":[{"a":1}]}}', "json", "data.items")).toEqual([{ a: 1 }]);
  expect(await rowsOf('{"a":1}', "json")).toEqual([{ a: 1 }]);
  expect(await rowsOf('{"a":"é"}\r\n\n{"a":2}', "jsonl")).toEqual([{ a: "é" }, { a: 2 }]);
});

test("lines cut anywhere, also within a character", async () => {
  const bytes = Buffer.from('{"a":"→é"}\n{"a":2}\n');
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  expect(await Array.fromAsync(jsonRows(new Response(stream), "jsonl", ""))).toEqual([
    { a: "→é" },
    { a: 2 },
  ]);
});

test("what is not rows is named by its place", async () => {
  expect(await failure(rowsOf("<html>", "json"))).toBe(
    'the answer is not JSON; it begins with "<html>"',
  );
  expect(await failure(rowsOf('{"a":1}\n{"a":', "jsonl"))).toStartWith("line 2 is not JSON");
  expect(await failure(rowsOf("[1]", "json"))).toBe("[0] is 1, not an object");
  expect(await failure(rowsOf("{}", "json", "x.y"))).toContain("x.y[0] is undefined");
});

test("formats and selected columns", () => {
  expect(formatOf("http://x/a.jsonl?x=1", null)).toBe("jsonl");
  expect(formatOf("http://x/a", "application/x-ndjson; charset=utf-8")).toBe("jsonl");
  expect(formatOf("http://x/a.json", "application/json")).toBe("json");
  const select = parseSelect("id, author=user.name,none");
  expect(selected({ id: 1, user: { name: "ada" }, x: 2 }, select)).toEqual({
    id: 1,
    author: "ada",
    none: null,
  });
  expect(selected({ a: 1 }, parseSelect(""))).toEqual({ a: 1 });
  expect(() => parseSelect("=x")).toThrow("must be column or column=path");
});

// ── names ──

test("names from addresses cannot leave the folder, or be something else", () => {
  const names: Record<string, string> = {
    "https://x/a/b.txt?q=1#f": "b.txt",
    "https://x/": "download",
    "https://x/%2e%2e%2f%2e%2e%2fetc%2fpasswd": "_.._etc_passwd",
    "https://x/..%5c..%5cwin.ini": "_.._win.ini",
    "https://x/%2e%2e": "download",
    "https://x/.bashrc": "bashrc",
    "https://x/CON.txt": "_CON.txt",
    "https://x/a%00b%0a.txt": "a_b_.txt",
    "https://x/%E2%80%AEgpj.exe": "_gpj.exe",
    "https://x/bad%E0%A4%A": "bad%E0%A4%A",
    "https://x/dots...": "dots",
  };
  for (const [url, name] of Object.entries(names))
    expect([url, fileNameOf(url)]).toEqual([url, name]);
  const long = fileNameOf(`https://x/${"a".repeat(500)}.tar.gz`);
  expect([long.length, long.endsWith(".tar.gz")]).toEqual([150, true]);
  expect(uniqueNames(["https://x/a.txt", "https://y/A.txt", "https://z/a.txt"])).toEqual([
    "a.txt",
    "A-2.txt",
    "a-3.txt",
  ]);
});

// ── downloads ──

const content = Buffer.alloc(300_000, "0123456789abcdef");
const sha256 = createHash("sha256").update(content).digest("hex");
const etag = { etag: '"v1"' };
const whole: Answer = status("200 OK", etag, content);

/** Sends the announced length, and only some of it. */
const cutOff =
  (bytes: number, headers: Record<string, string> = etag): Answer =>
  (socket) => {
    socket.write(head("200 OK", { "content-length": String(content.length), ...headers }));
    // Later: Bun's fetch drops what it has not handed out when the connection breaks.
    socket.write(content.subarray(0, bytes), () => setTimeout(() => socket.destroy(), 30));
  };

/** As a server with Range support does it, if the file is still the one that is asked for. */
const rest =
  (tag = '"v1"'): Answer =>
  (socket, request) => {
    const start = Number(/range: bytes=(\d+)-/i.exec(request)?.[1] ?? 0);
    const isSame = new RegExp(`if-range: ${tag}`, "i").test(request);
    if (start === 0 || !isSame) return whole(socket, request);
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    status(
      "206 Partial Content",
      { etag: tag, "content-range": range },
      content.subarray(start),
    )(socket, request);
  };

const get = (url: string, more: Partial<DownloadOptions> = {}): ReturnType<typeof downloadFile> =>
  downloadFile(url, join(folder, "file.bin"), { ...quick, ...more });

function expectWhole(): void {
  expect(readdirSync(folder)).toEqual(["file.bin"]);
  expect(readFileSync(join(folder, "file.bin")).equals(content)).toBe(true);
}

test("a file, whole", async () => {
  const { url } = await serve(whole);
  expect(await get(url)).toEqual({ bytes: content.length, sha256, resumedAt: 0 });
  expectWhole();
});

test("a transfer that breaks goes on where it broke", async () => {
  const { url, requests } = await serve(cutOff(100_000), rest());
  const got = await get(url);
  expect(got).toMatchObject({ bytes: content.length, sha256 });
  expect(got.resumedAt).toBeGreaterThan(0);
  expect(requests[1]).toMatch(/range: bytes=\d+-/i);
  expectWhole();
});

test("a later run goes on too, and a part never has the file's name", async () => {
  const first = await serve(cutOff(100_000));
  expect(await failure(get(first.url, { attempts: 1 }))).not.toBe("no failure");
  expect(existsSync(join(folder, "file.bin"))).toBe(false);
  const second = await serve(rest());
  const info = join(folder, "file.bin.part.json");
  writeFileSync(info, readFileSync(info, "utf8").replace(first.url, second.url));
  expect((await get(second.url)).resumedAt).toBeGreaterThan(0);
  expectWhole();
});

test("a file that has changed meanwhile is fetched anew", async () => {
  const { url } = await serve(cutOff(100_000, { etag: '"old"' }), rest());
  expect(await get(url)).toEqual({ bytes: content.length, sha256, resumedAt: 0 });
  expectWhole();
});

test.each([
  ["416", status("416 Range Not Satisfiable", { "content-range": "bytes */10" })],
  ["another range", status("206 Partial Content", { "content-range": "bytes 5-9/10" }, "56789")],
])("an answer that does not fit the part (%s): from the beginning", async (_, answer) => {
  const { url } = await serve(cutOff(100_000), answer, whole);
  expect((await get(url)).resumedAt).toBe(0);
  expectWhole();
});

test("without a validator nothing is continued", async () => {
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
  const { url } = await serve(stall, rest());
  expect((await get(url, { stallMs: 50 })).sha256).toBe(sha256);
  expectWhole();
});

test("another checksum than expected: no file", async () => {
  const { url } = await serve(whole);
  expect(await failure(get(url, { sha256: "0".repeat(64) }))).toContain(`its SHA-256 is ${sha256}`);
  expect(readdirSync(folder)).toEqual([]);
});

test("a redirect is followed; an empty file is one", async () => {
  const { url } = await serve(
    (socket, request) => status("302 Found", { location: "/elsewhere" })(socket, request),
    whole,
  );
  expect((await get(url)).sha256).toBe(sha256);
  const empty = await serve(status("200 OK"));
  expect((await get(empty.url)).bytes).toBe(0);
});
