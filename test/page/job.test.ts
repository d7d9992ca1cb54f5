// The output of a program that the page has started.

import { expect, test } from "bun:test";

import { Job } from "../../src/page/actions/job.ts";

const job = (code: string): Job =>
  new Job(
    1,
    { title: "t", command: "c", isRun: true },
    {
      own: [process.execPath, "-e"],
      words: [code],
      cwd: "/",
      env: { PATH: process.env["PATH"] ?? "" },
      stdin: "from the page",
    },
  );

test("the end of a long output is kept, and offsets are of all that was written", async () => {
  const long = job(`process.stdout.write("ä".repeat(1_000_000) + "end")`);
  await long.finished;
  const { output, from, next } = long.outputFrom(0);
  expect(next).toBe(1_000_003);
  expect(from).toBeGreaterThan(100_000);
  expect(output.length).toBe(next - from);
  expect(output).toEndWith("äend");
  // A character of two bytes may come in two pieces.
  expect(output).not.toContain("\ufffd");
  expect(long.outputFrom(1_000_000)).toEqual({ output: "end", from: 1_000_000, next });
  expect(long.outputFrom(2_000_000)).toMatchObject({ output: "" });
});

test("both outputs, the exit code, and standard input", async () => {
  const both = job(
    `console.error(await Bun.stdin.text()); process.stdout.write("out"); process.exitCode = 3`,
  );
  await both.finished;
  const { output } = both.outputFrom(0);
  expect(output).toContain("from the page");
  expect(output).toContain("out");
  expect(both.ended).toMatchObject({ code: 3, signal: null });
});

test("what a program leaves behind with its output open does not hide its end", async () => {
  const left = job(
    `Bun.spawn(["sleep", "30"], { stdio: ["ignore", "inherit", "inherit"] }).unref(); console.log("over")`,
  );
  await left.finished;
  expect(left.ended?.code).toBe(0);
  expect(left.outputFrom(0).output).toBe("over\n");
  process.kill(-left.pid, "SIGKILL");
});
