// Downloads from a server that answers anything: the file is one version of what the server has, whole, or there is a clear
// error. Framing, ranges, encodings and breaks are random.

import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import { downloadFile } from "../../src/examples/files/download-file.ts";
import { type Answer, rawServer } from "../support/raw-server.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { fuzz } from "./fuzz.ts";

setDefaultTimeout(24 * 3_600_000);

/** What the server has, by its ETag. */
const versions = [
  Buffer.alloc(5_000, "first version "),
  Buffer.alloc(7_000, "another one "),
  Buffer.alloc(0),
] as const;

const packers = {
  identity: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes),
  deflate: (bytes: Buffer) => deflateSync(bytes),
  br: (bytes: Buffer) => brotliCompressSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
} as const;
type Coding = keyof typeof packers;

/** One answer. The server is honest about the version that it names; all else may be wrong or missing. */
type Shape = {
  readonly status: string;
  readonly version: 0 | 1 | 2;
  readonly tag: "strong" | "weak" | "none" | "date";
  readonly coding: Coding;
  /** The name of the coding in the header; null: the right one. */
  readonly named: string | null;
  readonly framing: "length" | "chunked" | "close" | "long" | "odd length";
  readonly range: "right" | "shifted" | "other total" | "star" | "odd" | "none";
  /** The share of the body that is sent before the connection breaks; null: all of it. */
  readonly cut: number | null;
  readonly extra: string;
};

const shape: fc.Arbitrary<Shape> = fc.record({
  status: fc.oneof(
    { weight: 6, arbitrary: fc.constant("200 OK") },
    { weight: 4, arbitrary: fc.constant("206 Partial Content") },
    fc.constantFrom(
      "203 x",
      "204 No Content",
      "301 Moved",
      "304 Not Modified",
      "400 Bad",
      "404 Not Found",
      "412 x",
      "416 Range",
      "429 Slow",
      "500 No",
      "503 Later",
      "600 Odd",
    ),
  ),
  version: fc.constantFrom(0, 0, 0, 1, 2),
  tag: fc.constantFrom("strong", "strong", "weak", "none", "date"),
  coding: fc.constantFrom<Coding>(
    "identity",
    "identity",
    "identity",
    "gzip",
    "deflate",
    "br",
    "zstd",
  ),
  named: fc.option(
    fc.constantFrom("gzip", "x-gzip", "compress", "odd", "gzip, gzip", "", "identity"),
    { freq: 6 },
  ),
  framing: fc.constantFrom("length", "length", "chunked", "close", "long", "odd length"),
  range: fc.constantFrom(
    "right",
    "right",
    "right",
    "shifted",
    "other total",
    "star",
    "odd",
    "none",
  ),
  cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 2 }),
  extra: fc.constantFrom(
    "",
    "",
    "",
    "retry-after: 0\r\n",
    "retry-after: soon\r\n",
    "content-type: text/html\r\n",
    "link: <x>\r\n",
    `x-long: ${"y".repeat(3000)}\r\n`,
  ),
});

const date = "Mon, 01 Jan 2024 00:00:00 GMT";

function answer(wanted: Shape): Answer {
  return (socket, request) => {
    const whole = versions[wanted.version];
    const asked = Number(/range: bytes=(\d+)-/i.exec(request)?.[1] ?? 0);
    const isPart = wanted.status.startsWith("206");
    const start = Math.max(
      0,
      isPart ? Math.min(whole.length, asked) + (wanted.range === "shifted" ? -1 : 0) : 0,
    );
    const body = packers[wanted.coding](whole.subarray(start));
    const head = [
      `HTTP/1.1 ${wanted.status}`,
      `date: ${new Date().toUTCString()}`,
      "connection: close",
    ];
    if (wanted.tag === "strong") head.push(`etag: "v${wanted.version}"`);
    if (wanted.tag === "weak") head.push(`etag: W/"v${wanted.version}"`);
    if (wanted.tag === "date")
      head.push(`last-modified: ${date.replace("2024", String(2020 + wanted.version))}`);
    const named = wanted.named ?? wanted.coding;
    if (named !== "identity") head.push(`content-encoding: ${named}`);
    if (isPart && wanted.range !== "none")
      head.push(`content-range: ${rangeOf(wanted, start, whole.length)}`);
    const framed = framedBody(wanted, body);
    head.push(...framed.head);
    socket.write(`${head.join("\r\n")}\r\n${wanted.extra}\r\n`);
    const sent =
      wanted.cut === null
        ? framed.bytes
        : framed.bytes.subarray(0, Math.floor(framed.bytes.length * wanted.cut));
    socket.end(sent);
  };
}

function rangeOf({ range }: Shape, start: number, length: number): string {
  switch (range) {
    case "other total":
      return `bytes ${start}-${length - 1}/${length + 1}`;
    case "star":
      return `bytes ${start}-${length - 1}/*`;
    case "odd":
      return "bytes 1-0/99999999999999999999";
    case "right":
    case "shifted":
    case "none":
      return `bytes ${start}-${length - 1}/${length}`;
  }
}

function framedBody({ framing }: Shape, body: Buffer): { head: readonly string[]; bytes: Buffer } {
  switch (framing) {
    case "length":
      return { head: [`content-length: ${body.length}`], bytes: body };
    case "long":
      return { head: [`content-length: ${body.length + 10}`], bytes: body };
    case "odd length":
      return {
        head: [`content-length: ${body.length}`, `content-length: ${body.length}`],
        bytes: body,
      };
    case "chunked":
      return {
        head: ["transfer-encoding: chunked"],
        bytes: Buffer.concat([
          Buffer.from(`${body.length.toString(16)}\r\n`),
          body,
          Buffer.from(body.length === 0 ? "\r\n" : "\r\n0\r\n\r\n"),
        ]),
      };
    case "close":
      return { head: [], bytes: body };
  }
}

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());
const path = join(folder.path, "file.bin");
const signal = new AbortController().signal;

const honest: Shape = {
  status: "200 OK",
  version: 0,
  tag: "strong",
  coding: "identity",
  named: null,
  framing: "length",
  range: "right",
  cut: null,
  extra: "",
};

test("downloads from a server that answers anything", async () => {
  const input = fc.tuple(fc.array(shape, { minLength: 1, maxLength: 5 }), fc.boolean());
  await fuzz(
    "HTTP answers",
    input,
    async ([shapes, isHonestAtLast]) => {
      for (const name of readdirSync(folder.path)) rmSync(join(folder.path, name));
      const all = isHonestAtLast ? [...shapes, honest] : shapes;
      using server = await rawServer(...all.map(answer));
      let file: Awaited<ReturnType<typeof downloadFile>>;
      try {
        file = await downloadFile(server.url, path, {
          signal,
          delayMs: 1,
          attempts: 2,
          stallMs: 500,
          progress: server.seen,
        });
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        const { message } = error as Error;
        expect(message).toContain("http://127.0.0.1");
        expect(message).not.toMatch(/undefined|Internal error/);
        expect(existsSync(path)).toBeFalse();
        return;
      }
      const bytes = readFileSync(path);
      expect(file.bytes).toBe(bytes.length);
      expect(file.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
      expect(readdirSync(folder.path)).toEqual(["file.bin"]);
      // Where nothing says how long a file is, its end cannot be told from a break.
      const isMisnamed = all.some(({ named, coding }) => named !== null && named !== coding);
      if (file.isKnownWhole && !isMisnamed)
        expect(versions.some((version) => version.equals(bytes))).toBeTrue();
    },
    5,
  );
});
