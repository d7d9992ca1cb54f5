// `pipeloom upgrade` against a server of this test: it replaces the executable, or changes nothing.

import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { hostTarget } from "../../.github/release/compile.ts";
import { command } from "../../src/commands/upgrade.ts";
import { downloadFile, latestVersion, releasesUrl } from "../../src/commands/upgrade/releases.ts";
import { replaceExecutable } from "../../src/commands/upgrade/replace.ts";
import { runCliCommand } from "../../src/cli/command.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { UserError } from "../../src/cli/user-error.ts";
import { version } from "../../src/version.ts";
import { serveRelease } from "../support/release-server.ts";
import type { Trouble } from "../support/release-server.ts";

class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "pipeloom-upgrade-"));
  readonly executable = join(this.folder, "pipeloom");
  async before(): Promise<void> {
    await Bun.write(this.executable, "the old one");
  }
  text(): string {
    return readFileSync(this.executable, "utf8");
  }
  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const target = "linux-x64-musl";

describe.skipIf(process.platform === "win32")("replacing", () => {
  test("the new one takes the old one's place", async () => {
    using place = new Place();
    await place.before();
    await using server = serveRelease({ version: "9.9.9" });
    const { executable } = place;
    const replaced = { releases: server.url, version: "9.9.9", executable, target };
    expect(await replaceExecutable(replaced)).toBe(executable);
    expect(place.text()).toContain('echo "pipeloom 9.9.9 (abcdef0)"');
    expect(statSync(executable).mode & 0o777).toBe(0o755);
    expect(readdirSync(place.folder)).toEqual(["pipeloom"]);
    expect(server.asked).toEqual([
      "/download/v9.9.9/SHA256SUMS",
      "/download/v9.9.9/pipeloom-linux-x64-musl.tar.gz",
    ]);
  });

  test("a Windows archive holds pipeloom.exe", async () => {
    using place = new Place();
    await place.before();
    await using server = serveRelease({ version: "9.9.9" });
    const { executable } = place;
    const replacement = { releases: server.url, version: "9.9.9", executable };
    await replaceExecutable({ ...replacement, target: "windows-x64" });
    expect(place.text()).toContain('echo "pipeloom 9.9.9 (abcdef0)"');
    expect(server.asked).toContain("/download/v9.9.9/pipeloom-windows-x64.tar.gz");
  });

  const troubles: readonly [Trouble, RegExp][] = [
    ["wrong checksum", /^pipeloom-linux-x64-musl\.tar\.gz is not what was released/],
    ["cut off", /^cannot download http:\S+\.tar\.gz: /],
    ["unknown file", /^cannot download http:\S+\/SHA256SUMS: status 404$/],
    ["another version", /^the new executable fails its test: pipeloom 0\.0\.0 \(abcdef0\)$/],
    ["does not start", /^the new executable fails its test: exit code 3$/],
  ];
  test.each(troubles)("%s: the old one stays, and nothing else", async (trouble, message) => {
    using place = new Place();
    await place.before();
    await using server = serveRelease({ version: "9.9.9", trouble });
    const { executable } = place;
    const replaced = replaceExecutable({
      releases: server.url,
      version: "9.9.9",
      executable,
      target,
    });
    const error = await replaced.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(message);
    expect((error as UserError).hint).toContain("nothing was changed");
    expect(place.text()).toBe("the old one");
    expect(readdirSync(place.folder)).toEqual(["pipeloom"]);
  });
});

test("from source there is nothing to replace", async () => {
  const replaced = replaceExecutable({ releases: "http://127.0.0.1:1", version: "9.9.9" });
  expect(replaced).rejects.toThrow("this pipeloom runs from its source");
});

describe("where releases are", () => {
  test("a mirror, without a slash at its end", () => {
    expect(releasesUrl({ PIPELOOM_RELEASES: "https://mirror.example/p//" })).toBe(
      "https://mirror.example/p",
    );
    expect(releasesUrl({})).toStartWith("https://github.com/");
  });

  test("the latest version is where /latest leads", async () => {
    await using server = serveRelease({ version: "9.9.9-beta.1" });
    expect(await latestVersion(server.url)).toBe("9.9.9-beta.1");
  });

  test("nobody answers", async () => {
    expect(latestVersion("http://127.0.0.1:1")).rejects.toThrow(
      "cannot download http://127.0.0.1:1/latest: ",
    );
    expect(downloadFile("http://127.0.0.1:1/x")).rejects.toThrow(UserError);
  });
});

async function upgrade(server: { readonly url: string }, ...rawArgs: string[]): Promise<void> {
  process.env["PIPELOOM_RELEASES"] = server.url;
  await runCliCommand(command, rawArgs);
}

describe("the command", () => {
  const said: string[] = [];
  const log = spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  afterEach(() => {
    said.length = 0;
    log.mockClear();
    delete process.env["PIPELOOM_RELEASES"];
  });

  test("--check reports a newer version", async () => {
    await using server = serveRelease({ version: "99.0.0" });
    await upgrade(server, "--check");
    expect(said).toEqual([
      `pipeloom 99.0.0 is available, this is ${version}; to upgrade: pipeloom upgrade`,
    ]);
    expect(server.asked).toEqual(["/latest"]);
  });

  test.each(["--check", ""])("the latest is older or this one (%s)", async (flag) => {
    await using server = serveRelease({ version: "0.0.1" });
    await upgrade(server, ...(flag === "" ? [] : [flag]));
    expect(said).toEqual([`pipeloom ${version} is up to date; the latest is 0.0.1`]);
  });

  test("what is no version", async () => {
    await using server = serveRelease({ version: "0.0.1" });
    expect(upgrade(server, "latest/../evil")).rejects.toThrow(
      new UsageError('"latest/../evil" is not a version such as 0.1.0'),
    );
  });
});

// The built executable, once.
const built = join(import.meta.dir, "../../dist/pipeloom");
test.skipIf(process.platform === "win32" || !(await Bun.file(built).exists()))(
  "the executable replaces itself, and needs the right to",
  async () => {
    using place = new Place();
    const copied = await Bun.$`cp ${built} ${place.executable}`.nothrow();
    expect(copied.exitCode).toBe(0);
    await using server = serveRelease({ version: "99.0.0" });
    const run = async (...as: string[]): Promise<string> => {
      const child = Bun.spawn([...as, place.executable, "upgrade"], {
        env: { ...process.env, PIPELOOM_RELEASES: server.url, NO_COLOR: "1" },
        stderr: "pipe",
      });
      return (await child.stdout.text()) + (await child.stderr.text());
    };
    chmodSync(place.folder, 0o555);
    const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
    expect(await run(...asNobody)).toContain(`error: cannot replace ${place.executable}: `);
    chmodSync(place.folder, 0o755);
    expect(await run()).toContain(`pipeloom ${version} is now 99.0.0 → ${place.executable}\n`);
    expect(server.asked.at(-1)).toBe(`/download/v99.0.0/pipeloom-${hostTarget().name}.tar.gz`);
    expect(place.text()).toContain("pipeloom 99.0.0");
  },
  30_000,
);
