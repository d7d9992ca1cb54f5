// Help: made of definitions, within the width of the terminal, with the same text in colour and without.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { paletteOf } from "../../src/base/palette.ts";
import { defineCliCommand } from "../../src/cli/command.ts";
import { commonFlags } from "../../src/commands/common-flags.ts";
import { renderCommandHelp, renderRootHelp } from "../../src/cli/help.ts";
import { pipeloomCli } from "../../src/commands/pipeloom-cli.ts";
import type { CommandEntry, CliDefinition } from "../../src/cli/cli-definition.ts";

const command = defineCliCommand({
  meta: {
    name: "load",
    description: "Load a file",
    details: "It is here to show every kind of definition there is, in one help text.",
    examples: [
      { line: "pipeloom load etl.ts", what: "load a file" },
      { line: "pipeloom load etl.ts --resume 12", what: "continue run 12 of it" },
    ],
  },
  args: {
    file: { type: "positional", valueHint: "file", description: "what to load" },
    kind: {
      type: "positional",
      options: ["csv", "etl"],
      default: "csv",
      description: "how to read it",
    },
    workers: {
      type: "string",
      valueType: "integer",
      alias: "w",
      min: 1,
      defaultHint: "the number of cores",
      description: "threads that run tasks",
    },
    wal: {
      type: "boolean",
      default: true,
      description: "use a write-ahead log",
      negativeDescription: "use a rollback journal in place of the write-ahead log",
    },
    git: { type: "boolean", threeState: true, description: "make a repository" },
    param: { type: "string", repeat: true, valueHint: "k=v", alias: "arg", description: "a param" },
    format: { type: "enum", options: ["table", "json"], default: "table", description: "its look" },
    resume: {
      type: "string",
      valueType: "integer",
      optionalValue: true,
      valueHint: "run-id",
      description: "continue",
    },
    ...commonFlags,
  },
  run: () => Promise.resolve(0),
});

const at = (columns: number, color = false): string =>
  renderCommandHelp(command, pipeloomCli, { columns, colors: paletteOf(color ? 1 : 0) });

describe("a command's help", () => {
  test("shows every definition as one would type it", () => {
    expect(at(80)).toBe(`Load a file.

It is here to show every kind of definition there is, in one help text.

Usage pipeloom load <file> [kind] [flags]

Arguments
  <file>  what to load
  <kind>  how to read it (one of csv, etl; default: csv)

Flags
  -w, --workers <n>             threads that run tasks (default: the number of
                                cores)
      --no-wal                  use a rollback journal in place of the
                                write-ahead log
      --[no-]git                make a repository
      --param <k=v>             a param (repeatable; also --arg)
      --format table|json       its look (default: table)
      --resume [run-id]         continue

Common flags
  -v, --verbose                 log more; -vv logs everything
  -q, --quiet                   print errors only
  -l, --log-file <file>         also write the log to this file
      --json                    print committed events to stdout, one JSON
                                object a line
      --durability full|normal  full survives a power cut, normal only a crash
                                of the process (default: full)
      --no-store-task-status    do not create pipeloom's tables
  -h, --help                    this text

Examples
  pipeloom load etl.ts
      load a file
  pipeloom load etl.ts --resume 12
      continue run 12 of it
`);
  });

  test("keeps within the terminal, and within 100 columns", () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 300 }), (columns) => {
        for (const line of at(columns).split("\n")) {
          expect(Bun.stringWidth(line)).toBeLessThanOrEqual(Math.min(columns, 100));
          expect(line).toBe(line.trimEnd());
        }
      }),
    );
  });

  test("colour changes no character", () => {
    expect(Bun.stripANSI(at(80, true))).toBe(at(80));
    expect(at(80, true)).not.toBe(at(80));
  });
});

const root = (color: boolean, commands = pipeloomCli.commands): string => {
  const shown: CliDefinition = { ...pipeloomCli, version: "10.20.30", commands };
  return renderRootHelp(shown, { columns: 80, colors: paletteOf(color ? 1 : 0) });
};

/** As many as fit on the screen. */
const fourteen = Array.from({ length: 14 }, (_, i): CommandEntry => ({
  name: `command-${i}`,
  group: pipeloomCli.groups[i % pipeloomCli.groups.length] ?? "Run",
  summary: "x".repeat(64),
  load: () => Promise.resolve(command),
}));

describe("the root help", () => {
  test.each([[pipeloomCli.commands], [fourteen]])(
    "fits 80 columns and 24 rows, the prompt's included",
    (entries) => {
      const lines = root(false, entries).split("\n");
      expect(lines.length).toBeLessThanOrEqual(24);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
      expect(Bun.stripANSI(root(true, entries))).toBe(root(false, entries));
    },
  );

  test("names every command", () => {
    const words = root(false).split(/[\s,]+/);
    for (const { name, summary, isBrief } of pipeloomCli.commands) {
      expect(words).toContain(name);
      if (isBrief !== true) expect(root(false)).toContain(summary);
    }
  });
});
