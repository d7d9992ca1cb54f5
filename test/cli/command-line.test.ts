// From arguments to exit code and text, with commands and streams of the test.

import { describe, expect, test } from "bun:test";
import { defineCliCommand, definePassThrough, runCliCommand } from "../../src/cli/command.ts";
import type { CliCommand } from "../../src/cli/command.ts";
import { commonFlags, commonOptions } from "../../src/commands/common-flags.ts";
import { runCommandLine } from "../../src/cli/command-line.ts";
import type { CommandEntry } from "../../src/cli/cli-definition.ts";
import { pipeloomCli } from "../../src/commands/pipeloom-cli.ts";
import { UserError } from "../../src/cli/user-error.ts";
import { versionLine } from "../../src/version.ts";

const demo = (seen: unknown[]): CliCommand =>
  defineCliCommand({
    meta: { name: "demo", examples: [] },
    args: {
      ...commonFlags,
      numTasks: {
        type: "string",
        valueType: "integer",
        alias: "n",
        min: 1,
        default: "20",
        description: "how many",
      },
    },
    run(flags) {
      seen.push({ numTasks: flags.numTasks, ...commonOptions(flags) });
      return Promise.resolve(130);
    },
  });

const failing = (thrown: unknown): CliCommand =>
  defineCliCommand({
    meta: { name: "fail", examples: [] },
    args: {},
    run: () => Promise.reject(thrown),
  });

type Result = {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly loaded: readonly string[];
  readonly seen: readonly unknown[];
};

/** Runs the command line `args`; `thrown` is what the command `fail` throws. */
async function cli(args: string, thrown?: unknown): Promise<Result> {
  const loaded: string[] = [];
  const seen: unknown[] = [];
  const text = { out: "", err: "" };
  const entry = (name: string, make: () => CliCommand): CommandEntry => ({
    name,
    group: "Run",
    summary: `The summary of ${name}`,
    load() {
      loaded.push(name);
      return Promise.resolve(make());
    },
  });
  const commands = [entry("demo", () => demo(seen)), entry("fail", () => failing(thrown))];
  const code = await runCommandLine(
    args.split(" ").filter(Boolean),
    { ...pipeloomCli, commands },
    {
      stdout: { write: (part) => (text.out += part) },
      stderr: { write: (part) => (text.err += part) },
      env: {},
    },
  );
  return { code, loaded, seen, ...text };
}

describe("a command", () => {
  const usual = {
    numTasks: 20,
    verbosity: "normal",
    logFile: undefined,
    json: false,
    durability: "full",
    storeTaskStatus: true,
  };

  test.each<[string, object]>([
    ["demo", {}],
    ["demo -n 3 --json", { numTasks: 3, json: true }],
    ["demo -v", { verbosity: "verbose" }],
    ["demo -vvv", { verbosity: "debug" }],
    ["demo -q --durability normal", { verbosity: "quiet", durability: "normal" }],
    ["demo --no-store-task-status", { storeTaskStatus: false }],
    ["-q demo -n 3", { verbosity: "quiet", numTasks: 3 }],
    ["-l demo demo", { logFile: "demo" }],
    ["-vl=x.log demo", { verbosity: "verbose", logFile: "x.log" }],
  ])("%s", async (args, expected) => {
    const { code, out, err, loaded, seen } = await cli(args);
    expect({ code, out, err, loaded }).toEqual({ code: 130, out: "", err: "", loaded: ["demo"] });
    expect(seen).toEqual([{ ...usual, ...expected }]);
  });
});

describe("help and version", () => {
  test.each(["--help", "-h", "help", "-q --help", "--help --json"])("%s", async (args) => {
    const { code, out, err, loaded } = await cli(args);
    expect({ code, err, loaded }).toEqual({ code: 0, err: "", loaded: [] });
    expect(out).toContain("The summary of demo");
  });

  test.each([
    "demo --help",
    "demo -h",
    "help demo",
    "help -l x demo",
    "--help demo",
    "demo -n wrong --help",
  ])("%s", async (args) => {
    const { code, out, err, seen } = await cli(args);
    expect({ code, err, seen }).toEqual({ code: 0, err: "", seen: [] });
    expect(out).toStartWith("The summary of demo.\n\nUsage pipeloom demo [flags]\n");
  });

  test("without a command the help is on stderr, and the usage was wrong", async () => {
    const { code, out, err } = await cli("");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("Usage pipeloom <command> [flags]");
  });

  test.each(["--version", "-V", "demo --version"])("%s", async (args) => {
    const { code, out, loaded } = await cli(args);
    expect({ code, out, loaded }).toEqual({ code: 0, out: `${versionLine}\n`, loaded: [] });
    expect(out).toMatch(/^pipeloom \d+\.\d+\.\d+ \(\w+\)\n$/);
  });
});

describe("wrong usage", () => {
  test.each([
    ["dmeo", 'error: unknown command "dmeo"\n  did you mean demo?\n  see pipeloom --help\n'],
    ["help dmeo", 'error: unknown command "dmeo"\n  did you mean demo?\n  see pipeloom --help\n'],
    [
      "version",
      'error: unknown command "version"\n  did you mean --version?\n  see pipeloom --help\n',
    ],
    [
      "etl.ts:other",
      'error: unknown command "etl.ts:other"\n  to run a pipeline file: pipeloom run etl.ts:other\n  see pipeloom --help\n',
    ],
    [
      "-n 3 demo",
      "error: unknown flag -n\n  a command's flags come after its name; see pipeloom --help\n",
    ],
    [
      "demo --num-task 3",
      "error: unknown flag --num-task\n  did you mean --num-tasks?\n  see pipeloom demo --help\n",
    ],
    [
      "demo -n 0",
      "error: -n (--num-tasks) must be at least 1, not 0\n  see pipeloom demo --help\n",
    ],
    [
      "demo -qv",
      "error: -q (--quiet) and -v (--verbose) exclude each other\n  keep one of them\n  see pipeloom demo --help\n",
    ],
    [
      "demo -- --help",
      'error: unexpected argument "--help"\n  this command takes only flags\n  see pipeloom demo --help\n',
    ],
  ])("%s", async (args, expected) => {
    const { code, out, err, seen } = await cli(args);
    expect({ code, out, err, seen }).toEqual({ code: 2, out: "", err: expected, seen: [] });
  });
});

describe("what a command throws", () => {
  test("an expected failure: its message and hint, no stack, nothing obeyed by the terminal", async () => {
    const { code, out, err } = await cli("fail", new UserError("no file x\u001B[2J.ts", "make it"));
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toBe("error: no file x␛[2J.ts\n  make it\n");
  });

  test("a bug: the stack, its causes, and what to report", async () => {
    const thrown = new TypeError("x is not a function", { cause: new Error("deep") });
    const { code, err } = await cli("fail", thrown);
    expect(code).toBe(1);
    expect(err).toStartWith("Internal error: TypeError: x is not a function\n");
    expect(err).toContain("command-line.test.ts:");
    expect(err).toContain("caused by: Error: deep\n");
    expect(err).toContain(`  ${versionLine}, Bun `);
  });

  test.each(["text", 3, { odd: true }])("not an error: %p", async (thrown) => {
    const { code, err } = await cli("fail", thrown);
    expect(code).toBe(1);
    expect(err).toStartWith("Internal error: thrown: ");
  });

  test.each([undefined, null])("%p, which citty ignores", async (thrown) => {
    const { code, err } = await cli("fail", thrown);
    expect(code).toBe(1);
    expect(err).toStartWith("Internal error: Error: fail ended without an exit code\n");
  });
});

test.each(["--_", "-w=--_", "--__proto__=1"])("passed through: %s", async (arg) => {
  const seen: unknown[] = [];
  const command = definePassThrough({
    meta: { name: "add", examples: [] },
    args: {},
    run: (args) => Promise.resolve(seen.push(...args)),
  });
  expect(await runCliCommand(command, [arg, "--", "-x"])).toBe(3);
  expect(seen).toEqual([arg, "--", "-x"]);
});
