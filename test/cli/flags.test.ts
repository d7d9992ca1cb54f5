// The parser: accepted arguments (a table, and properties), and the errors of the others.

import { describe, expect, test } from "bun:test";
import { parseArgs } from "citty";
import * as fc from "fast-check";
import { defineFlags, kebab } from "../../src/cli/flag-defs.ts";
import type { FlagDefs, Flags } from "../../src/cli/flag-defs.ts";
import { withoutFlag } from "../../src/cli/flag-tokens.ts";
import { parseFlags, canonicalArgs } from "../../src/cli/flags.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

const defs = defineFlags({
  verbose: { type: "boolean", count: true, alias: "v", description: "say more" },
  quiet: { type: "boolean", alias: "q", description: "say less" },
  json: { type: "boolean", description: "as JSON" },
  wal: { type: "boolean", default: true, description: "use the WAL" },
  git: { type: "boolean", threeState: true, description: "git init" },
  numTasks: {
    type: "string",
    valueType: "integer",
    alias: "n",
    min: 1,
    default: "20",
    description: "how many",
  },
  workers: {
    type: "string",
    valueType: "integer",
    alias: "w",
    min: 1,
    max: 64,
    description: "threads",
  },
  seed: { type: "string", valueType: "integer", description: "any integer" },
  resume: {
    type: "string",
    valueType: "integer",
    min: 1,
    optionalValue: true,
    description: "a run",
  },
  failRate: {
    type: "string",
    valueType: "number",
    min: 0,
    max: 1,
    default: "0",
    description: "how many fail",
  },
  db: { type: "string", valueHint: "db", default: "wal_demo.db", description: "the database" },
  logFile: { type: "string", alias: "l", description: "the log" },
  param: {
    type: "string",
    repeat: true,
    alias: ["arg", "p"],
    suggestedAs: "to set a parameter of the pipeline",
    description: "k=v",
  },
  format: {
    type: "enum",
    alias: "f",
    options: ["table", "json"],
    default: "table",
    description: "how it looks",
  },
  file: { type: "positional", required: false, description: "the file" },
});

type Parsed = Flags<typeof defs>;

const defaults: Parsed = {
  verbose: 0,
  quiet: false,
  json: false,
  wal: true,
  git: undefined,
  numTasks: 20,
  workers: undefined,
  seed: undefined,
  resume: undefined,
  failRate: 0,
  db: "wal_demo.db",
  logFile: undefined,
  param: [],
  format: "table",
  file: undefined,
};

function failure(args: readonly string[], from: FlagDefs = defs): UsageError {
  try {
    parseFlags(args, from);
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown;
    throw thrown;
  }
  throw new Error(`accepted: ${args.join(" ")}`);
}

describe("accepted", () => {
  test.each<[string[], Partial<Parsed>]>([
    [[], {}],
    [["-v"], { verbose: 1 }],
    [["-vv"], { verbose: 2 }],
    [["-v", "-v", "--verbose"], { verbose: 3 }],
    [["-vvq"], { verbose: 2, quiet: true }],
    [["-q", "-q"], { quiet: true }],
    [["--quiet=false"], { quiet: false }],
    [["--json=true"], { json: true }],
    [["--no-wal"], { wal: false }],
    [["--wal=false"], { wal: false }],
    [["--wal"], { wal: true }],
    [["--git"], { git: true }],
    [["--no-git"], { git: false }],
    [["-n", "10"], { numTasks: 10 }],
    [["-n10"], { numTasks: 10 }],
    [["-n=10"], { numTasks: 10 }],
    [["-vn", "10"], { verbose: 1, numTasks: 10 }],
    [["-qn10"], { quiet: true, numTasks: 10 }],
    [["--num-tasks", "10"], { numTasks: 10 }],
    [["--num-tasks=10"], { numTasks: 10 }],
    [["-n", "1e9"], { numTasks: 1_000_000_000 }],
    [["-n", "+5"], { numTasks: 5 }],
    [["-w", "64"], { workers: 64 }],
    [["--seed", "-1"], { seed: -1 }],
    [["--seed=-1"], { seed: -1 }],
    [["--fail-rate", ".5"], { failRate: 0.5 }],
    [["--fail-rate", "1"], { failRate: 1 }],
    [["--db", ":memory:"], { db: ":memory:" }],
    [["--db=a=b.db"], { db: "a=b.db" }],
    [["--db=-strange.db"], { db: "-strange.db" }],
    [["--log-file", "-"], { logFile: "-" }],
    [["--param", "a=1", "--arg=b=2", "-pc=-3"], { param: ["a=1", "b=2", "c=-3"] }],
    [["-f", "json"], { format: "json" }],
    [["--resume"], { resume: true }],
    [["--resume", "12"], { resume: 12 }],
    [["--resume=12"], { resume: 12 }],
    [["--resume", "etl.ts"], { resume: true, file: "etl.ts" }],
    [["etl.ts", "--resume"], { resume: true, file: "etl.ts" }],
    [["-"], { file: "-" }],
    [["--", "--json"], { file: "--json" }],
    [["--json", "--"], { json: true }],
    [["-q=false", "a"], { quiet: false, file: "a" }],
    [["-p", "=a"], { param: ["=a"] }],
    [["-vq=true"], { verbose: 1, quiet: true }],
    // SQL from a file.
    [["-- all\nSELECT 1"], { file: "-- all\nSELECT 1" }],
    [["--all\nSELECT 1"], { file: "--all\nSELECT 1" }],
  ])("%j", (args, expected) => {
    expect(parseFlags(args, defs)).toEqual({ ...defaults, ...expected });
  });
});

describe("refused, with what is wrong and what to type", () => {
  const table: [line: string, message: string, hint?: string][] = [
    ["--wokers 4", "unknown flag --wokers", "did you mean --workers?"],
    ["--work 4", "unknown flag --work", "did you mean --workers?"],
    ["--numTasks 4", "unknown flag --numTasks", "did you mean --num-tasks?"],
    ["--num_tasks=4", "unknown flag --num_tasks", "did you mean --num-tasks?"],
    ["--JSON", "unknown flag --JSON", "did you mean --json?"],
    ["--no-wall", "unknown flag --no-wall", "did you mean --no-wal?"],
    ["--hlep", "unknown flag --hlep", "did you mean --help?"],
    ["-workers 4", "unknown flag -workers", "did you mean --workers?"],
    ["-json", "unknown flag -json", "did you mean --json?"],
    ["-W 4", "unknown flag -W", "did you mean -w?"],
    ["-x", "unknown flag -x"],
    ["-vx", 'unknown flag -x in "-vx"'],
    [
      "--nothing-like-it",
      "unknown flag --nothing-like-it",
      "to set a parameter of the pipeline: --param nothing-like-it=<value>",
    ],
    ["--no-json", "unknown flag --no-json", "--json is off by default"],
    ["-5", "unknown flag -5"],
    ["-v-x", 'unknown flag -- in "-v-x"'],
    ["-v=2", "-v (--verbose) takes no value", "repeat it instead: -v -v"],
    ["-w=", "-w (--workers) needs a value, not an empty one"],
    ["-n", "-n (--num-tasks) needs a value", "write --num-tasks <n>"],
    ["--db", "--db needs a value", "write --db <db>"],
    ["--db --", "--db needs a value", "write --db <db>"],
    [
      "--db --json",
      '--db needs a value, and "--json" looks like a flag',
      "if it is the value, write --db=--json",
    ],
    ["--db=", "--db needs a value, not an empty one"],
    ["-n abc", '-n (--num-tasks) must be a whole number, not "abc"'],
    ["-n 0x10", '-n (--num-tasks) must be a whole number, not "0x10"'],
    ["-n 1.5", "-n (--num-tasks) must be a whole number, not 1.5"],
    ["-n -1", "-n (--num-tasks) must be at least 1, not -1"],
    ["-n1e99", "-n (--num-tasks) is out of range: 1e99"],
    ["-n 1e999", "-n (--num-tasks) is out of range: 1e999"],
    ["-w 0", "-w (--workers) must be between 1 and 64, not 0"],
    ["--workers=65", "--workers must be between 1 and 64, not 65"],
    ["--fail-rate 2", "--fail-rate must be between 0 and 1, not 2"],
    ["--fail-rate half", '--fail-rate must be a number, not "half"'],
    ["-n 1 -n 2", "-n (--num-tasks) is given twice: 1, then 2", "keep one of them"],
    ["--db a --db a", "--db is given twice: a, then a", "keep one of them"],
    ["--resume --resume 3", "--resume is given twice: without a value, then 3", "keep one of them"],
    ["--wal --no-wal", "--wal is both switched on and off", "keep one of them"],
    ["--wal=yes", '--wal can only be true or false, not "yes"'],
    ["--no-wal=true", '--no-wal takes no value, and "true" is given'],
    ["--verbose=2", "--verbose takes no value", "repeat it instead: --verbose --verbose"],
    ["-f jsn", '-f (--format) must be table or json, not "jsn"', "did you mean json?"],
    ["-f xml", '-f (--format) must be table or json, not "xml"'],
    ["a.ts b.ts", 'unexpected argument "b.ts"', "besides flags, this command takes only <file>"],
  ];
  for (const [line, message, hint] of table) {
    test(line, () => {
      const error = failure(line.split(" "));
      expect([error.message, error.hint]).toEqual([message, hint]);
    });
  }

  test("an empty value, which a shell variable that is not set leaves", () => {
    expect(failure(["--db", ""]).message).toBe("--db needs a value, not an empty one");
    expect(failure([""]).message).toBe("<file> is empty");
  });
});

describe("positionals", () => {
  const kinds = ["csv", "etl", "file-writer"] as const;
  const one: FlagDefs = { kind: { type: "positional", options: [...kinds], description: "which" } };
  const many: FlagDefs = {
    first: { type: "positional", valueHint: "db", description: "one" },
    others: { type: "positional", repeat: true, description: "the rest" },
  };

  test("are required, and named", () => {
    expect(failure([], one).message).toBe("<kind> is missing: one of csv, etl, file-writer");
    expect(failure([], many).message).toBe("<db> is missing");
  });

  test("with options take no others", () => {
    expect(parseFlags(["etl"], one)).toEqual({ kind: "etl" });
    expect(failure(["file-writr"], one).hint).toBe("did you mean file-writer?");
  });

  test("the last one may take the rest", () => {
    expect(parseFlags(["a", "b", "c"], many)).toEqual({ first: "a", others: ["b", "c"] });
    expect(parseFlags(["a"], many)).toEqual({ first: "a", others: [] });
  });

  test("none are wanted", () => {
    expect(failure(["20"], {}).hint).toBe("this command takes only flags");
  });
});

test("a required flag", () => {
  const required: FlagDefs = {
    run: { type: "string", valueType: "integer", required: true, description: "a run" },
  };
  expect(failure([], required).message).toBe("--run is required");
  expect(parseFlags(["--run", "0"], required)).toEqual({ run: 0 });
});

describe("properties", () => {
  test("every integer in bounds comes back, in every way to write it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), (n) => {
        for (const args of [["-n", `${n}`], [`-n${n}`], [`-n=${n}`], [`--num-tasks=${n}`]]) {
          expect(parseFlags(args, defs).numTasks).toBe(n);
        }
      }),
    );
  });

  test("every finite number is read as itself, or refused for its bounds", () => {
    const free = defineFlags({ x: { type: "string", valueType: "number", description: "any" } });
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(parseFlags(["--x", `${x}`], free).x).toBe(Number(`${x}`));
      }),
    );
  });

  test("any text is a value behind =, and collected in order", () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" });
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        const args = texts.map((value) => `--param=${value}`);
        expect(parseFlags(args, defs).param).toEqual(texts);
      }),
    );
  });

  test("citty reads the same values in the checked arguments", () => {
    const some = [["-n", "3"], ["--no-wal"], ["--git"], ["-fjson"], ["--db=-x"], ["--", "-file"]];
    fc.assert(
      fc.property(fc.subarray(some), (groups) => {
        const flags = parseFlags(groups.flat(), defs);
        const read = parseArgs(canonicalArgs(flags, defs), defs);
        const { quiet, json, wal, git, db, format, file } = flags;
        const same = { quiet, json, wal, git, db, format, file, numTasks: `${flags.numTasks}` };
        const given = Object.entries(same).filter(([, value]) => value !== undefined);
        expect({ ...read }).toMatchObject(Object.fromEntries(given));
      }),
    );
  });

  test("the order of different flags does not matter", () => {
    const groups = [["-n", "3"], ["--no-wal"], ["--db", "x"], ["-vv"], ["file.ts"], ["--resume=4"]];
    const usual = parseFlags(groups.flat(), defs);
    fc.assert(
      fc.property(fc.shuffledSubarray(groups, { minLength: groups.length }), (shuffled) => {
        expect(parseFlags(shuffled.flat(), defs)).toEqual(usual);
      }),
    );
  });

  test("whatever is typed gives flags or a readable usage error, and nothing else", () => {
    const flag = fc.constantFrom(...Object.keys(defs).map((key) => `--${kebab(key)}`), "-n", "-vx");
    const arg = fc.oneof(flag, fc.string(), fc.string({ unit: "grapheme" }), fc.constant("--"));
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 6 }), (args) => {
        try {
          parseFlags(args, defs);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(UsageError);
          if (thrown instanceof Error) expect(thrown.message).toMatch(/^\S.*\S$/s);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("a flag is taken out of the words, and a value that reads like it stays", () => {
  const args = ["run", "--json", "--name", "--json", "-vn", "3", "--json=true", "--", "--json"];
  expect(withoutFlag(args, { ...defs, name: defs.db }, "json")).toEqual([
    "run",
    "--name",
    "--json",
    "-vn",
    "3",
    "--",
    "--json",
  ]);
});
