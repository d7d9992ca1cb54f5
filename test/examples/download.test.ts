// `pipeloom examples download` and `file-writer` by the command line. Files of the user are not overwritten.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Ended, pipeloom, run } from "../support/program.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const patient = { timeout: 60_000 };

const example = (folder: TempFolder, name: string, ...flags: string[]): Promise<Ended> =>
  run([...pipeloom, "examples", name, ...flags, "--db", "x.db"], folder.path);

const download = (folder: TempFolder, ...flags: string[]): Promise<Ended> =>
  example(folder, "download", ...flags, "--out", "dl");

/** Answers each path with `content of <path>, <version>`, and records the request. */
function contentServer() {
  const asked: string[] = [];
  const state = { version: 1 };
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      return new Response(`content of ${pathname}, ${state.version}`);
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { url, asked, state, [Symbol.dispose]: () => void server.stop(true) };
}

const textOf = (folder: TempFolder, name: string): string =>
  readFileSync(join(folder.path, "dl", name), "utf8");

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test(
  "a file of the user is overwritten only with --overwrite",
  async () => {
    using folder = tempFolder();
    using server = contentServer();
    mkdirSync(join(folder.path, "dl"));
    writeFileSync(join(folder.path, "dl", "x.csv"), "my notes");
    const { code, err } = await download(folder, "--url", `${server.url}/x.csv`);
    expect([code, err]).toEqual([1, expect.stringContaining("replace it with --overwrite")]);
    expect([textOf(folder, "x.csv"), server.asked]).toEqual(["my notes", []]);
    const flags = ["--url", `${server.url}/x.csv`, "--overwrite"];
    expect((await download(folder, ...flags)).code).toBe(0);
    expect(textOf(folder, "x.csv")).toBe("content of /x.csv, 1");
    expect(readdirSync(join(folder.path, "dl"))).toEqual(["x.csv"]);
  },
  patient,
);

test(
  "a downloaded file is not downloaded again; an edited file is not changed",
  async () => {
    using folder = tempFolder();
    using server = contentServer();
    const flags = ["--url", `${server.url}/x.csv`];
    for (let i = 0; i < 2; i++) expect((await download(folder, ...flags, "--fresh")).code).toBe(0);
    expect(server.asked).toEqual(["/x.csv"]);
    writeFileSync(join(folder.path, "dl", "x.csv"), "edited");
    const { code, err } = await download(folder, ...flags, "--fresh");
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("the file has changed since pipeloom"),
    ]);
    expect(textOf(folder, "x.csv")).toBe("edited");
  },
  patient,
);

test(
  "a link of the user is neither followed nor replaced",
  async () => {
    using folder = tempFolder();
    using server = contentServer();
    mkdirSync(join(folder.path, "dl"));
    symlinkSync("../elsewhere", join(folder.path, "dl", "x.csv"));
    const { code } = await download(folder, "--url", `${server.url}/x.csv`);
    expect([code, readdirSync(folder.path)]).toEqual([
      1,
      expect.not.arrayContaining(["elsewhere"]),
    ]);
    writeFileSync(join(folder.path, "elsewhere"), "mine");
    expect((await download(folder, "--url", `${server.url}/x.csv`, "--fresh")).code).toBe(1);
    expect(readFileSync(join(folder.path, "elsewhere"), "utf8")).toBe("mine");
  },
  patient,
);

test(
  "two addresses with one file name keep their files when the list changes",
  async () => {
    using folder = tempFolder();
    using server = contentServer();
    const [a, b] = [`${server.url}/A/x.csv`, `${server.url}/B/x.csv`];
    expect((await download(folder, "--url", a, "--url", b, "--url", a)).code).toBe(0);
    expect((await download(folder, "--url", b)).code).toBe(0);
    expect([textOf(folder, "x.csv"), textOf(folder, "x-2.csv")]).toEqual([
      "content of /A/x.csv, 1",
      "content of /B/x.csv, 1",
    ]);
    expect(server.asked.toSorted()).toEqual(["/A/x.csv", "/B/x.csv"]);
  },
  patient,
);

test(
  "with a checksum, a matching file is kept, and a different file of pipeloom is replaced",
  async () => {
    using folder = tempFolder();
    using server = contentServer();
    mkdirSync(join(folder.path, "dl"));
    writeFileSync(join(folder.path, "dl", "x.csv"), "content of /x.csv, 0");
    const list = (text: string): void =>
      writeFileSync(join(folder.path, "list"), `${server.url}/x.csv ${sha256(text)}\n`);
    list("content of /x.csv, 0");
    expect((await download(folder, "--list", "list")).code).toBe(0);
    expect(server.asked).toEqual([]);
    list("content of /x.csv, 1");
    expect((await download(folder, "--list", "list", "--fresh")).code).toBe(0);
    expect(textOf(folder, "x.csv")).toBe("content of /x.csv, 1");
    // The server has another file: the existing one stays.
    list("content of /x.csv, 2");
    const { code, err } = await download(folder, "--list", "list", "--fresh");
    expect([code, err]).toEqual([1, expect.stringContaining("its SHA-256 is")]);
    expect(textOf(folder, "x.csv")).toBe("content of /x.csv, 1");
  },
  patient,
);

test(
  "a run that died between renaming the file and storing its row recognizes its file",
  async () => {
    using folder = tempFolder();
    using server = contentServer();
    const url = `${server.url}/x.csv`;
    mkdirSync(join(folder.path, "dl"));
    writeFileSync(join(folder.path, "dl", "x.csv"), "whole");
    writeFileSync(
      join(folder.path, "dl", "x.csv.part.json"),
      JSON.stringify({ url, validator: null, total: 5, sha256: sha256("whole") }),
    );
    const { code, err } = await download(folder, "--url", url);
    expect([code, err]).toEqual([0, expect.stringContaining("already downloaded")]);
    expect(readdirSync(join(folder.path, "dl"))).toEqual(["x.csv"]);
    expect((await download(folder, "--url", url, "--fresh")).code).toBe(0);
    expect(server.asked).toEqual([]);
  },
  patient,
);

test(
  "samples resume too, although the sample server's port changes",
  async () => {
    using folder = tempFolder();
    expect((await download(folder)).code).toBe(0);
    const path = join(folder.path, "dl", "sample-1.bin");
    const whole = readFileSync(path);
    const record = { url: "sample:sample-1.bin", validator: '"sample-1"', total: whole.length };
    rmSync(path);
    writeFileSync(`${path}.part`, whole.subarray(0, 1000));
    writeFileSync(`${path}.part.json`, JSON.stringify(record));
    const { code, err } = await download(folder, "--fresh");
    expect([code, err]).toEqual([0, expect.stringContaining("resumed at byte 1000")]);
    expect(readFileSync(path).equals(whole)).toBe(true);
  },
  patient,
);

test(
  "two checksums for one address, or extra text on a line, are errors",
  async () => {
    using folder = tempFolder();
    const [a, b] = [sha256("a"), sha256("b")];
    writeFileSync(join(folder.path, "list"), `http://x.invalid/f ${a}\nhttp://x.invalid/f ${b}\n`);
    const { code, err } = await download(folder, "--list", "list");
    expect([code, err]).toEqual([1, expect.stringContaining("listed with two checksums")]);
    writeFileSync(join(folder.path, "list"), `http://x.invalid/f ${a} name.txt\n`);
    const more = await download(folder, "--list", "list", "--fresh");
    expect([more.code, more.err]).toEqual([1, expect.stringContaining("nothing may follow")]);
  },
  patient,
);

const canLimit = process.platform === "linux";

test.skipIf(!canLimit)(
  "a full disk is reported, and the received bytes are kept",
  async () => {
    using folder = tempFolder();
    using server = Bun.serve({
      port: 0,
      fetch: () => new Response(Buffer.alloc(16_000_000), { headers: { etag: '"1"' } }),
    });
    const command = [
      ...pipeloom,
      "examples",
      "download",
      "--url",
      `http://127.0.0.1:${server.port}/f`,
    ];
    // A file size limit fails a write like a full disk.
    const { code, err } = await run(
      ["bash", "-c", `trap '' XFSZ; ulimit -f 8000; exec "$@"`, "-", ...command, "--out", "dl"],
      folder.path,
    );
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/f\.part: EFBIG.*; the received bytes are kept/s),
    ]);
    expect(readdirSync(join(folder.path, "dl")).toSorted()).toEqual(["f.part", "f.part.json"]);
    expect(statSync(join(folder.path, "dl", "f.part")).size).toBe(8_192_000);
  },
  patient,
);

test(
  "file-writer overwrites only its own files",
  async () => {
    using folder = tempFolder();
    const write = (...flags: string[]): Promise<Ended> =>
      example(folder, "file-writer", "--count", "2", "--out", ".", "--fresh", ...flags);
    expect((await write("--size", "3k")).code).toBe(0);
    expect((await write("--size", "2MB")).code).toBe(0);
    const own = join(folder.path, "file-2.bin");
    writeFileSync(own, "mine");
    const { code, err } = await write("--size", "3k");
    expect([code, err]).toEqual([1, expect.stringContaining("--overwrite")]);
    expect(readFileSync(own, "utf8")).toBe("mine");
    expect((await write("--size", "3k", "--overwrite")).code).toBe(0);
    rmSync(own);
    mkdirSync(own);
    expect((await write("--size", "3k")).code).toBe(1);
  },
  patient,
);
