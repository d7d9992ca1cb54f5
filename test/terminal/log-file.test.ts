import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf } from "../../src/base/system-error.ts";
import { event, rig, summary } from "./rig.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipeloom-ui-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the log file has every line with time, level and task, without colours, appended", () => {
  const path = join(folder, "run.log");
  writeFileSync(path, "before\n");
  const { ui } = rig({}, { logFile: path, verbosity: -1, isTty: false });
  ui.events([event.runStarted(), event.total(2), event.started(1)]);
  ui.events([event.log(1, "one\ntwo \x1b[31mred\x1b[2J", "debug"), event.finished(1, "error")]);
  ui.log("debug", "of pipeloom's own");
  ui.stopping("SIGINT", false);
  ui.finish(summary({ status: "error", failed: 1 }));
  ui.close();
  expect(readFileSync(path, "utf8")).toMatchSnapshot();
});

test("a log file that cannot be opened is an error that says so", () => {
  const path = join(folder, "missing", "run.log");
  expect(() => rig({}, { logFile: path })).toThrow(`the log file ${path} cannot be opened`);
});

test.skipIf(process.platform !== "linux")(
  "a log file on a full disk is reported once, and the run continues",
  () => {
    const lost: string[] = [];
    const { ui } = rig(
      {},
      {
        logFile: "/dev/full",
        isTty: false,
        onLost: ({ what, error }) => lost.push(`${what}: ${reasonOf(error)}`),
      },
    );
    ui.events([event.log(1, "x".repeat(70_000))]);
    ui.log("info", "y".repeat(70_000));
    ui.finish(summary());
    expect(lost).toEqual(["the log file /dev/full: no space left on device (ENOSPC)"]);
  },
);

test("the log file is whole after a crash", async () => {
  const path = join(folder, "run.log");
  const script = join(folder, "crash.ts");
  const create = join(import.meta.dir, "../../src/terminal/create-ui.ts");
  writeFileSync(
    script,
    `import { createUi } from ${JSON.stringify(create)};
     const { stdout, stderr, env } = process;
     const ui = createUi({ verbosity: 0, json: false, logFile: ${JSON.stringify(path)}, stdout, stderr, env, isTty: false });
     ui.log("info", "the last line");
     setTimeout(() => { throw new Error("user code") }, 1);`,
  );
  const child = Bun.spawn([process.execPath, script], { stderr: "ignore" });
  expect(await child.exited).toBe(1);
  expect(readFileSync(path, "utf8")).toContain("info  the last line\n");
});
