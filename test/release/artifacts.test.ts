// The output of `bun build.ts all`: each file matches its name, the executables run where this machine can run them, and the
// npm package works in its own folder. Needs the build, or only its `release` folder:
// PIPELOOM_ARTIFACTS=dist bun test test/release.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

import { hostTarget } from "../../.github/release/compile.ts";
import { archiveName } from "../../.github/release/release.ts";
import { executableName, targets } from "../../.github/release/targets.ts";
import type { Target } from "../../.github/release/targets.ts";
import { version } from "../../package.json";
import { unpack } from "../../src/commands/upgrade/replace.ts";
import { canMakeMuslRoot, inMuslRoot, makeMuslRoot } from "../support/musl-root.ts";

const given = process.env["PIPELOOM_ARTIFACTS"] ?? "";
const dist = resolve(given === "" ? "nothing-was-given" : given);
const release = join(dist, "release");

const work = mkdtempSync(join(tmpdir(), "pipeloom-artifacts-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The built executable, or the one in its archive. */
async function executable(target: Target): Promise<string> {
  const name = executableName(target.os);
  const built = join(dist, "bin", target.name, name);
  if (existsSync(built)) return built;
  const unpacked = join(work, "unpacked", target.name, name);
  if (existsSync(unpacked)) return unpacked;
  const archive = await Bun.file(join(release, archiveName(target))).bytes();
  const bytes = await unpack(archive, name);
  await Bun.write(unpacked, bytes ?? "");
  chmodSync(unpacked, 0o755);
  return unpacked;
}

const named = async (name: string): Promise<string> => {
  const target = targets.find((each) => each.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  return executable(target);
};

type Ended = { readonly code: number; readonly out: string; readonly err: string };

async function run(
  command: readonly string[],
  cwd = work,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, out, err };
}

/** `linux-x64-musl` and the like, from the header of the file. */
function systemOf(path: string): string {
  const bytes = readFileSync(path).subarray(0, 8192);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) === 0x7f454c46) {
    const cpu = { 0x3e: "x64", 0xb7: "arm64" }[view.getUint16(18, true)];
    return `linux-${cpu}${bytes.includes("/ld-musl-") ? "-musl" : ""}`;
  }
  if (view.getUint32(0, true) === 0xfeedfacf) {
    const cpu = { 0x01000007: "x64", 0x0100000c: "arm64" }[view.getUint32(4, true)];
    return `darwin-${cpu}`;
  }
  const pe = view.getUint32(0x3c, true);
  const cpu = { 0x8664: "x64", 0xaa64: "arm64" }[view.getUint16(pe + 4, true)];
  return bytes.subarray(pe, pe + 2).toString() === "PE" ? `windows-${cpu}` : "unknown";
}

/** An Apple processor starts only signed programs; an ad-hoc signature is enough. */
function hasSignature(path: string): boolean {
  const bytes = readFileSync(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 32;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    const signature = view.getUint32(at, true) === 0x1d;
    if (signature) return view.getUint32(view.getUint32(at + 8, true)) === 0xfade0cc0;
    at += view.getUint32(at + 4, true);
  }
  return false;
}

describe.skipIf(given === "")("a release", () => {
  test("holds these files, and SHA256SUMS names them all", async () => {
    const names = [...targets.map(archiveName), "install.ps1", "install.sh", "pipeloom.rb"];
    expect(readdirSync(release).toSorted()).toEqual(["SHA256SUMS", ...names].toSorted());
    const sums = await Bun.file(join(release, "SHA256SUMS")).text();
    for (const name of names) {
      const bytes = await Bun.file(join(release, name)).bytes();
      const sum = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
      expect(sums).toContain(`${sum}  ${name}\n`);
    }
    const formula = await Bun.file(join(release, "pipeloom.rb")).text();
    for (const [, sum = ""] of formula.matchAll(/sha256 "(\w+)"/g)) expect(sums).toContain(sum);
    expect(formula.match(/sha256/g)).toHaveLength(4);
    expect(formula).toContain(`version "${version}"`);
  }, 60_000);

  test.each(targets)(
    "$name is an executable for that system",
    async (target) => {
      const path = await executable(target);
      expect(systemOf(path)).toBe(target.name);
      const megabytes = statSync(path).size / 1e6;
      expect(megabytes).toBeGreaterThan(80);
      expect(megabytes).toBeLessThan(130);
      if (target.os === "darwin") expect(hasSignature(path)).toBe(true);
    },
    60_000,
  );

  // Other implementations of tar print another listing.
  test.skipIf(process.platform !== "linux").each(targets)(
    "$name: the archive has it, executable",
    async (target) => {
      const { out } = await run(["tar", "-tvzf", join(release, archiveName(target))]);
      expect(out).toMatch(/^-rwxr-xr-x .* pipeloom(?:\.exe)?$/m);
      expect(out).toMatch(/ LICENSE$/m);
      expect(out).toMatch(/ pipeloom\.1$/m);
    },
    60_000,
  );
});

/** Runs the demonstration and a user pipeline with one executable. */
async function tryOut(
  command: (args: readonly string[]) => string[],
  folder: string,
): Promise<void> {
  expect((await run(command(["--version"]), folder)).out).toStartWith(`pipeloom ${version} (`);
  const demo = "demo --db ./wal_demo.db --num-tasks 10 --steps 2 --step-ms 1 -vv".split(" ");
  const { code, err } = await run(command(demo), folder);
  expect(err).toContain("demo done: 10 of 10 tasks done");
  expect(code).toBe(0);
  await Bun.write(
    join(folder, "etl.ts"),
    `import { pipeline, task } from "pipeloom";
     const double = task({ name: "double", run: ({ x }: { x: number }) => x * 2 });
     export default pipeline({ name: "etl", tasks: () => [1, 2].map((x) => double({ x })) });`,
  );
  expect((await run(command(["run", "etl.ts", "--db", "etl.db"]), folder)).err).toContain(
    "2 of 2 tasks done",
  );
}

function place(name: string): string {
  const folder = join(work, name);
  mkdirSync(folder);
  return folder;
}

describe.skipIf(given === "")("running", () => {
  test("this machine's", async () => {
    const path = await executable(hostTarget());
    await tryOut((args) => [path, ...args], place("host"));
  }, 60_000);

  const qemu = Bun.which("qemu-aarch64-static");
  const arm64 = "/usr/aarch64-linux-gnu";
  test.skipIf(qemu === null || !existsSync(arm64))(
    "linux-arm64, emulated",
    async () => {
      const command = [qemu ?? "", "-L", arm64, await named("linux-arm64")];
      await tryOut((args) => [...command, ...args], place("arm64"));
    },
    120_000,
  );

  test.skipIf(!canMakeMuslRoot())(
    "linux-x64-musl, in a root file system of its own",
    async () => {
      const root = place("root");
      await makeMuslRoot(root, await named("linux-x64-musl"));
      // `chroot` starts in `/`, so paths are in /data, the working directory of the image.
      const command = (args: readonly string[]): string[] =>
        inMuslRoot(root, ["/usr/local/bin/pipeloom", ...args.map(inData)]);
      await tryOut(command, join(root, "data"));
      expect(statSync(join(root, "data/wal_demo.db")).uid).toBe(1000);
    },
    120_000,
  );
});

const inData = (arg: string): string => (/\.(?:db|ts)$/.test(arg) ? join("/data", arg) : arg);

describe.skipIf(given === "")("installing", () => {
  test("by the script for this system, from a server that has the release", async () => {
    const server = Bun.serve({
      port: 0,
      fetch: ({ url }) => new Response(Bun.file(join(release, basename(new URL(url).pathname)))),
    });
    const home = place("home");
    const windows = process.platform === "win32";
    const script = join(release, windows ? "install.ps1" : "install.sh");
    const shell = windows ? ["powershell", "-ExecutionPolicy", "Bypass", "-File"] : ["sh"];
    const { code, out, err } = await run([...shell, script], home, {
      PIPELOOM_RELEASES: server.url.href.replace(/\/$/, ""),
      PIPELOOM_INSTALL_DIR: join(home, "bin"),
    });
    await server.stop(true);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`installed pipeloom ${version} (`);
    const installed = join(home, "bin", executableName(process.platform));
    expect((await run([installed, "--version"])).out).toStartWith(`pipeloom ${version} (`);
  }, 120_000);
});

describe.skipIf(!existsSync(join(dist, "npm/pipeloom")))("the npm package", () => {
  const project = join(work, "project");
  const modules = join(project, "node_modules");

  test("its launcher runs the executable of this system, by Node and by Bun", async () => {
    mkdirSync(join(modules, "@pipeloom"), { recursive: true });
    cpSync(join(dist, "npm/pipeloom"), join(modules, "pipeloom"), { recursive: true });
    const { name } = hostTarget();
    symlinkSync(join(dist, "npm", name), join(modules, "@pipeloom", name), "junction");
    const launcher = join(modules, "pipeloom/bin/pipeloom.js");
    for (const runtime of [Bun.which("node") ?? process.execPath, process.execPath]) {
      const { code, out } = await run([runtime, launcher, "--version"], project);
      expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^pipeloom \d/) });
      expect((await run([runtime, launcher, "no-such-command"], project)).code).toBe(2);
    }
  }, 30_000);

  test("without the package for this system it says so", async () => {
    const alone = join(work, "alone");
    cpSync(join(dist, "npm/pipeloom"), alone, { recursive: true });
    const { code, err } = await run([
      process.execPath,
      join(alone, "bin/pipeloom.js"),
      "--version",
    ]);
    expect(code).toBe(1);
    expect(err).toStartWith(`error: the package @pipeloom/${hostTarget().name} is not installed`);
  });

  test.skipIf(Bun.which("node") === null || process.platform === "win32")(
    "a signal for the launcher is one for the run",
    async () => {
      const launcher = join(modules, "pipeloom/bin/pipeloom.js");
      const child = Bun.spawn(["node", launcher, "demo", "-n", "50", "--step-ms", "500"], {
        cwd: project,
        stderr: "pipe",
      });
      const reader = child.stderr.getReader();
      await reader.read(); // it has begun
      child.kill("SIGTERM");
      expect(await child.exited).toBe(143);
    },
    60_000,
  );

  test("its library runs a pipeline in a Bun program", async () => {
    await Bun.write(
      join(project, "program.ts"),
      `import { pipeline, runPipeline, task } from "pipeloom";
       const one = task({ name: "one", run: () => 1 });
       const work = pipeline({ name: "library", tasks: () => one() });
       const summary = await runPipeline(work, { db: ":memory:", workers: 1 });
       console.log(summary.status, summary.done);`,
    );
    expect((await run([process.execPath, "program.ts"], project)).out).toBe("done 1\n");
  }, 30_000);

  test.skipIf(Bun.which("node") === null)("its library names its requirement in Node", async () => {
    const { code, err } = await run(["node", "-e", 'import("pipeloom")'], project);
    expect(code).toBe(1);
    expect(err).toContain("pipeloom as a library needs Bun");
  });
});
