import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { limitIn, openFilesProblem } from "../../src/base/limits.ts";

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
      "may have no more (ulimit -n)",
    );
  });
});
