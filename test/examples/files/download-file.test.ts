import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { downloadFile, type DownloadOptions } from "../../../src/examples/files/download-file.ts";
import * as raw from "../../support/raw-server.ts";
import { type Answer, failure, head, status } from "../../support/raw-server.ts";

let folder = "";
let servers = new DisposableStack();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipeloom-download-"));
  servers = new DisposableStack();
});
afterEach(() => {
  servers.dispose();
  rmSync(folder, { recursive: true });
});

const serve = async (...answers: Answer[]): Promise<raw.RawServer> =>
  servers.use(await raw.rawServer(...answers));

const signal = new AbortController().signal;
const quick = { signal, delayMs: 1, maxDelayMs: 20 };

const content = Buffer.alloc(300_000, "0123456789abcdef");
const sha256 = createHash("sha256").update(content).digest("hex");
const etag = { etag: '"v1"' };
const whole: Answer = status("200 OK", etag, content);

const cutOff = (bytes: number, headers: Record<string, string> = etag): Answer =>
  raw.cutOff(content, bytes, headers);

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
