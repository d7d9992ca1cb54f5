import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import {
  environmentProblem,
  limitIn,
  openFilesProblem,
  threadLimitError,
} from "../../src/base/limits.ts";

const text = `Limit                     Soft Limit           Hard Limit           Units
Max file size             1024                 unlimited            bytes
Max processes             unlimited            96365                processes
Max open files            20000                20000                files
`;

test("the soft limit counts, and unlimited is none", () => {
  expect(limitIn(text, "Max file size")).toBe(1024);
  expect(limitIn(text, "Max open files")).toBe(20_000);
  expect(limitIn(text, "Max processes")).toBeUndefined();
  expect(limitIn(text, "Max address space")).toBeUndefined();
});

test("which error means too many open files", () => {
  expect(openFilesProblem("EMFILE")).toContain("ulimit -n");
  expect(openFilesProblem("ENFILE")).toContain("this machine");
  expect(openFilesProblem("ENOENT")).toBeUndefined();
  expect(openFilesProblem(undefined)).toBeUndefined();
});

test("what the machine refuses is no bug, and has a next step", () => {
  const { message } = threadLimitError(new TypeError("Failed to spawn worker thread"));
  expect(message).toContain("no further thread can be started");
  expect(message).toContain("-w");
  expect(environmentProblem(threadLimitError(undefined))).toBe(message);
  const full = Object.assign(new Error("ENOSPC: no space left on device, write '/x'"), {
    code: "ENOSPC",
    path: "/x",
  });
  expect(environmentProblem(full)).toBe(
    "/x: no space left on device (ENOSPC): the disk is full; make room, and start the command again",
  );
  const copy = new Error("ENOSPC: no space left on device, copyfile '/a' -> '/tmp/a'");
  expect(
    environmentProblem(Object.assign(copy, { code: "ENOSPC", path: "/a", dest: "/tmp/a" })),
  ).toStartWith("/tmp/a: ");
  expect(environmentProblem(new TypeError("x is not a function"))).toBeUndefined();
  expect(environmentProblem(undefined)).toBeUndefined();
});

describe.if(process.platform === "linux")("in a shell with limits", () => {
  const limits = join(import.meta.dir, "../../src/base/limits.ts");

  /** What an expression of the module is there. */
  function inShell(ulimit: string, expression: string): unknown {
    const script = `
      const { openSync } = require("node:fs");
      const limits = await import(${JSON.stringify(limits)});
      console.log(JSON.stringify(${expression} ?? null));
    `;
    const command = `ulimit ${ulimit} && exec "$0" -e "$1"`;
    const { stdout } = Bun.spawnSync(["sh", "-c", command, process.execPath, script]);
    return JSON.parse(stdout.toString());
  }

  test("a file that may not grow", () => {
    // Of 512 or 1024 bytes a block, as the shell likes.
    const reached = `limits.fileSizeLimitReached(["/no/such/file", ${JSON.stringify(import.meta.path)}])`;
    expect(inShell("-f 4", reached)).toMatch(/^no file may be larger than [24] KiB here/);
    expect(inShell("-f 100000", reached)).toBeNull();
    expect(inShell("-f unlimited", reached)).toBeNull();
  });

  test("no more open files", () => {
    const use = `(() => { try { for (;;) openSync("/dev/null"); } catch {} })()`;
    expect(inShell("-n 64", "limits.openFilesLimitReached()")).toBeNull();
    expect(inShell("-n 64", `(${use}, limits.openFilesLimitReached())`)).toContain(
      "too many open files (ulimit -n)",
    );
    const thread = `(() => { try { limits.checkFilesForThread() } catch (e) { return e.message } })()`;
    expect(inShell("-n 64", thread)).toBeNull();
    expect(inShell("-n 64", `(${use}, ${thread})`)).toContain("too many open files (ulimit -n)");
  });

  test("too few open files for the workers, or few memory addresses", () => {
    const checked = `(() => { try { return limits.checkThreadLimits(4) } catch (e) { return e } })()`;
    expect(inShell("-n 40", `${checked}.message`)).toStartWith(
      "a run with 4 workers needs 44 open files, and may have 40 (ulimit -n)",
    );
    expect(inShell("-v 3000000", checked)).toStartWith(
      "the limit for memory addresses is 2929 MiB (ulimit -v)",
    );
    expect(inShell("-n 64", checked)).toBeNull();
    // Files that the program which started this one has left open.
    const inherited = `(() => { for (let i = 0; i < 40; i++) openSync("/dev/null"); return ${checked} })()`;
    expect(inShell("-n 64", `${inherited}.message`)).toMatch(
      /^a run with 4 workers needs 44 open files, and may have 64 \(ulimit -n\); \d+ are open already, by the program that started this one; raise/,
    );
    expect(inShell("-n 64", `${inherited}.stack ?? null`)).toBeNull();
    expect(inShell("-n 256", inherited)).toBeNull();
  });
});
