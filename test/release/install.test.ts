// install.sh, run by a shell against a server of this test.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

import { serveRelease } from "../support/release-server.ts";
import type { Trouble } from "../support/release-server.ts";

// Each installs an executable of 115 MB from a server in this process.
setDefaultTimeout(180_000);

const script = resolve(import.meta.dir, "../../.github/install.sh");

type Ended = { readonly code: number; readonly out: string; readonly err: string };

async function spawn(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, out, err };
}

class Place implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), "pipeloom-install-"));
  readonly bin = join(this.home, ".local/bin");
  readonly executable = join(this.bin, "pipeloom");
  install(releases: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return spawn(["sh", script], { HOME: this.home, PIPELOOM_RELEASES: releases, ...env });
  }
  async version(): Promise<string> {
    return (await spawn([this.executable, "--version"], {})).out.trim();
  }
  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

describe.skipIf(process.platform === "win32")("install.sh", () => {
  test("installs, says what it did, and what to do about the PATH", async () => {
    using place = new Place();
    await using server = serveRelease({ version: "1.2.3" });
    const { code, out, err } = await place.install(server.url);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`installed pipeloom 1.2.3 (abcdef0) → ${place.executable}\n`);
    expect(out).toContain(`export PATH="${place.bin}:$PATH"`);
    expect(out).toEndWith("next: pipeloom demo -n 10\n");
    expect(await place.version()).toBe("pipeloom 1.2.3 (abcdef0)");
    expect(readdirSync(place.bin)).toEqual(["pipeloom"]);
  });

  test("upgrades in place, and again changes nothing", async () => {
    using place = new Place();
    await using old = serveRelease({ version: "1.2.3" });
    await using latest = serveRelease({ version: "1.3.0" });
    const env = { PATH: `${place.bin}${delimiter}${process.env["PATH"]}` };
    await place.install(old.url, env);
    const { out } = await place.install(latest.url, env);
    expect(out).toContain("upgraded pipeloom 1.2.3 (abcdef0) to pipeloom 1.3.0 (abcdef0) → ");
    expect(out).not.toContain("note:");
    expect((await place.install(latest.url, env)).out).toContain(
      "installed pipeloom 1.3.0 (abcdef0) again → ",
    );
  });

  test("another version than the latest", async () => {
    using place = new Place();
    await using server = serveRelease({ version: "1.2.3" });
    await place.install(server.url, { PIPELOOM_VERSION: "v1.2.3" });
    expect(server.asked).toContain("/download/v1.2.3/SHA256SUMS");
    expect(await place.version()).toBe("pipeloom 1.2.3 (abcdef0)");
  });

  const troubles: readonly [Trouble, RegExp][] = [
    [
      "wrong checksum",
      /^error: pipeloom-\S+ is not what was released: its SHA-256 is wrong\n {2}expected 0{64}\n {2}received [\da-f]{64}\n/m,
    ],
    [
      "cut off",
      /^error: cannot download http:\S+pipeloom-\S+\.tar\.gz\n {2}nothing was installed/m,
    ],
    ["unknown file", /^error: cannot download http:\S+\n {2}nothing was installed/m],
    ["does not start", /^error: the executable does not start here/m],
  ];
  test.each(troubles)("%s: the old one stays, and nothing else", async (trouble, message) => {
    using place = new Place();
    await using old = serveRelease({ version: "1.2.3" });
    await using bad = serveRelease({ version: "1.3.0", trouble });
    await place.install(old.url);
    const { code, err } = await place.install(bad.url);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(await place.version()).toBe("pipeloom 1.2.3 (abcdef0)");
    expect(readdirSync(place.bin)).toEqual(["pipeloom"]);
  });

  test("no right to write there: says so before it downloads anything", async () => {
    using place = new Place();
    await using server = serveRelease({ version: "1.2.3" });
    chmodSync(place.home, 0o555);
    const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
    const { code, err } = await spawn([...asNobody, "sh", script], {
      HOME: place.home,
      PIPELOOM_RELEASES: server.url,
    });
    expect({ code, err, asked: server.asked }).toEqual({
      code: 1,
      err: `error: cannot write to ${place.bin}\n  choose another folder: PIPELOOM_INSTALL_DIR=~/bin\n`,
      asked: [],
    });
  });

  test("a truncated script does nothing", async () => {
    using place = new Place();
    const text = await Bun.file(script).text();
    const half = text.slice(0, text.indexOf("assert_writable()"));
    await spawn(["sh", "-c", half], { HOME: place.home });
    expect(existsSync(place.bin)).toBe(false);
  });

  /** `uname -s`, `uname -m`, the C library that `getconf` and `ldd` report, and the requested archive. */
  const systems: readonly [string, string, string, string][] = [
    ["Linux", "x86_64", "glibc", "pipeloom-linux-x64.tar.gz"],
    ["Linux", "aarch64", "glibc", "pipeloom-linux-arm64.tar.gz"],
    ["Linux", "x86_64", "musl", "pipeloom-linux-x64-musl.tar.gz"],
    ["Linux", "arm64", "musl", "pipeloom-linux-arm64-musl.tar.gz"],
    ["Darwin", "x86_64", "", "pipeloom-darwin-x64.tar.gz"],
    ["Darwin", "arm64", "", "pipeloom-darwin-arm64.tar.gz"],
    ["Darwin", "x86_64", "rosetta", "pipeloom-darwin-arm64.tar.gz"],
  ];
  test.each(systems)("%s %s %s asks for %s", async (system, machine, kind, archive) => {
    using place = new Place();
    await using server = serveRelease({ version: "1.2.3" });
    const tools = await pretend(place.home, {
      uname: `case $1 in -s) echo ${system} ;; *) echo ${machine} ;; esac`,
      getconf: kind === "glibc" ? "echo glibc 2.36" : "exit 1",
      ldd: kind === "musl" ? "echo 'musl libc (x86_64)' >&2; exit 1" : "exit 1",
      sysctl: kind === "rosetta" ? "echo 1" : "exit 1",
    });
    const { code } = await place.install(server.url, { PATH: tools });
    expect(code).toBe(0);
    expect(server.asked).toEqual(["/latest/download/SHA256SUMS", `/latest/download/${archive}`]);
  });

  test.each([
    ["FreeBSD", "x86_64", "error: there is no pipeloom for FreeBSD\n"],
    ["Linux", "riscv64", "error: there is no pipeloom for riscv64\n"],
    ["MINGW64_NT-10.0", "x86_64", "error: this is Windows\n  use install.ps1"],
  ])("%s %s is refused", async (system, machine, message) => {
    using place = new Place();
    const uname = `case $1 in -s) echo ${system} ;; *) echo ${machine} ;; esac`;
    const { code, err } = await place.install("http://127.0.0.1:1", {
      PATH: await pretend(place.home, { uname }),
    });
    expect(code).toBe(1);
    expect(err).toStartWith(message);
  });

  const every = "sh uname getconf mkdir mktemp rm mv cp chmod tar gzip awk cut sha256sum shasum";
  test.skipIf(Bun.which("wget") === null)("with wget where there is no curl", async () => {
    using place = new Place();
    await using server = serveRelease({ version: "1.2.3" });
    await using bad = serveRelease({ version: "1.3.0", trouble: "cut off" });
    const PATH = await onlyWith(place.home, `${every} wget`.split(" "), Bun.which);
    expect(await place.install(server.url, { PATH })).toMatchObject({ code: 0, err: "" });
    const { code, err } = await place.install(bad.url, { PATH });
    expect(code).toBe(1);
    expect(err).toContain("nothing was installed");
    expect(await place.version()).toBe("pipeloom 1.2.3 (abcdef0)");
  });

  const busybox = Bun.which("busybox");
  test.skipIf(busybox === null)("with nothing but busybox, as on Alpine", async () => {
    using place = new Place();
    await using server = serveRelease({ version: "1.2.3" });
    const tools = `${every} wget cat sed ls`.split(" ");
    const PATH = await onlyWith(place.home, tools, () => busybox);
    expect(await place.install(server.url, { PATH })).toMatchObject({ code: 0, err: "" });
    expect(await place.version()).toBe("pipeloom 1.2.3 (abcdef0)");
  });

  test.skipIf(Bun.which("shellcheck") === null)("shellcheck has nothing to say", async () => {
    expect(await spawn(["shellcheck", script], {})).toEqual({ code: 0, out: "", err: "" });
  });
});

/** @returns a PATH with these scripts first */
async function pretend(home: string, scripts: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(home, "tools");
  mkdirSync(folder);
  for (const [name, body] of Object.entries(scripts)) {
    await Bun.write(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return `${folder}${delimiter}${process.env["PATH"]}`;
}

/** @returns a PATH with these programs and no others */
async function onlyWith(
  home: string,
  names: readonly string[],
  find: (name: string) => string | null,
): Promise<string> {
  const folder = join(home, "tools");
  mkdirSync(folder);
  for (const name of names) {
    const path = find(name);
    if (path !== null) await Bun.$`ln -s ${path} ${join(folder, name)}`;
  }
  return folder;
}
