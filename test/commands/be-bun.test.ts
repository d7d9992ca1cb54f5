// The commands that pass their arguments to bun.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { projectFolder, runBun } from "../../src/commands/be-bun.ts";
import { rewordedLine } from "../../src/commands/package-manager.ts";
import { type Ended, offline, pipeloom, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const timeoutMs = 60_000;

const program = (args: readonly string[], cwd: string): Promise<Ended> =>
  run([...offline, ...pipeloom, ...args], cwd, { BUN_INSTALL_CACHE_DIR: join(cwd, ".cache") });

describe("the exit code", () => {
  test("is bun's", async () => {
    expect(await runBun(["-e", "process.exit(3)"])).toBe(3);
  });

  test.skipIf(process.platform === "win32")("is 128 + n after signal n", async () => {
    expect(await runBun(["-e", "process.kill(process.pid, 'SIGTERM')"])).toBe(143);
    expect(await runBun(["-e", "process.kill(process.pid, 'SIGKILL')"])).toBe(137);
  });
});

describe("the project's folder", () => {
  test("is the nearest with a package.json, or else with a tsconfig.json", async () => {
    using folder = tempFolder();
    const deep = join(folder.path, "a/b/c");
    mkdirSync(deep, { recursive: true });
    await Bun.write(join(folder.path, "a/b/tsconfig.json"), "{}");
    expect(projectFolder(deep)).toBe(join(folder.path, "a/b"));
    await Bun.write(join(folder.path, "a/package.json"), "{}");
    expect(projectFolder(deep)).toBe(join(folder.path, "a"));
  });
});

test(
  "add, install and test, with a package from the disk and no network",
  async () => {
    using folder = tempFolder();
    const project = join(folder.path, "project");
    await Bun.write(join(project, "package.json"), '{ "name": "project", "type": "module" }');
    await Bun.write(join(folder.path, "dep/package.json"), '{ "name": "dep", "version": "1.0.0" }');
    await Bun.write(join(folder.path, "dep/index.js"), "export const answer = 42;");
    // Two files with a task of the same name: each file runs isolated.
    for (const name of ["a", "b"]) {
      await Bun.write(
        join(project, `${name}.test.ts`),
        `import { expect, test } from "bun:test";
         import { answer } from "dep";
         import { task } from "pipeloom";
         task({ name: "same", run: () => answer });
         test("${name}", () => expect(answer).toBe(42));`,
      );
    }

    const added = await program(["add", "../dep"], project);
    expect({ code: added.code, err: added.err }).toMatchObject({ code: 0 });
    expect(existsSync(join(project, "node_modules/pipeloom/index.d.ts"))).toBe(true);
    const installed = await program(["install", "--frozen-lockfile"], project);
    expect({ code: installed.code, err: installed.err }).toMatchObject({ code: 0 });

    const tested = await program(["test", "--test-name-pattern", "a|b"], project);
    expect({ code: tested.code, err: tested.err }).toMatchObject({ code: 0 });
    expect(tested.err).toContain(" 2 pass\n");

    await Bun.write(join(project, "c.test.ts"), `throw new Error("no");`);
    expect((await program(["test", "c.test.ts"], project)).code).toBe(1);
  },
  timeoutMs,
);

test(
  "check: a folder that is not there is wrong usage",
  async () => {
    using folder = tempFolder();
    const { code, err } = await program(["check", "nowhere"], folder.path);
    expect({ code, err }).toEqual({
      code: 2,
      err: "error: nowhere: no such file or folder\n  see pipeloom check --help\n",
    });
  },
  timeoutMs,
);

describe("add and install speak of pipeloom", () => {
  test.each([
    ["add without a package", ["add"], 2],
    ["add with flags only", ["add", "--registry", "http://127.0.0.1:1"], undefined],
    ["add with a flag that does not exist", ["add", "--bogus", "x"], 1],
    ["install with one", ["install", "--bogus"], 1],
    ["install with a package", ["install", "zod"], 2],
  ])("%s", async (_, args, expected) => {
    using folder = tempFolder();
    const { code, out, err } = await program(args, folder.path);
    if (expected !== undefined) expect(code).toBe(expected);
    expect(err).toStartWith("error: ");
    expect(out).toBe("");
    expect(err).not.toMatch(/\bbun\b/i);
  });

  test("what the package manager says", () => {
    expect(rewordedLine("bun add v1.4.5 (a7733435c)")).toBeUndefined();
    expect(rewordedLine("\x1b[1mbun install \x1b[2mv1.4.5\x1b[0m")).toBeUndefined();
    expect(rewordedLine("note: Run 'bun add --help' for more information")).toBe(
      "note: Run 'pipeloom add --help' for more information",
    );
    expect(rewordedLine("Blocked 1 postinstall. Run `bun pm untrusted` for details.")).toBe(
      'Blocked 1 postinstall. To allow them, name the packages in "trustedDependencies" of package.json, and run pipeloom install.',
    );
    const names = "bun.lock, bunfig.toml, @types/bun, bun-types, https://bun.com/docs";
    expect(rewordedLine(names)).toBe(names);
  });
});
