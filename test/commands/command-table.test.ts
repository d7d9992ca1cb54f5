// Every command has consistent definitions, and examples that parse.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Example } from "../../src/cli/command.ts";
import { aliasesOf, hasNegation, kebab } from "../../src/cli/flag-defs.ts";
import type { FlagDefs } from "../../src/cli/flag-defs.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import { commandTable } from "../../src/commands/command-table.ts";

const names = commandTable.map((entry) => entry.name);

test("names are unique, and `help` and `version` are taken", () => {
  expect([...new Set(names)]).toEqual(names);
  expect(names).not.toContain("help");
  expect(names).not.toContain("version");
});

/** Every spelling with its dashes, repeats included. */
const spellings = (defs: FlagDefs): string[] =>
  Object.entries(defs).flatMap(([key, def]) =>
    def.type === "positional"
      ? []
      : [`--${kebab(key)}`, ...aliasesOf(def), ...(hasNegation(def) ? [`--no-${kebab(key)}`] : [])],
  );

describe("the table of commands in the README", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, section = ""] = readme.split(/^## Commands$/m);
  const [, table = ""] = section.split(/^\| -+ \| -+ \|$/m);
  const [lines = ""] = table.trim().split("\n\n");
  const listed = lines.split("\n").map((line) => {
    const [, calls = "", what = ""] = line.split(/(?:^|\s)\|(?:\s|$)/);
    const called = Array.from(calls.matchAll(/`([a-z-]+)[^`]*`/g), ([, name = ""]) => name);
    const flags = Array.from(what.matchAll(/`(--?[a-z][a-z-]*)/g), ([, flag = ""]) => flag);
    return { called, flags };
  });

  test("has each command once", () => {
    expect(listed.flatMap(({ called }) => called).toSorted()).toEqual(names.toSorted());
  });

  test.each(listed)("$called have the flags $flags", async ({ called, flags }) => {
    const commands = commandTable.filter(({ name }) => called.includes(name));
    const known = await Promise.all(
      commands.map(async ({ load }) => spellings((await load()).args)),
    );
    expect(known.flat()).toEqual(expect.arrayContaining(flags));
  });
});

/** The words of an example up to a pipe or a redirection, quotes removed. */
function words({ line }: Example): string[] {
  const all = line.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  const end = all.findIndex((word) => ["|", ">", "&&", "&"].includes(word));
  return all
    .slice(0, end === -1 ? undefined : end)
    .map((word) => word.replaceAll(/^['"]|['"]$/g, ""));
}

for (const { name, summary, load } of commandTable) {
  describe(name, () => {
    test("has the same name in its file, a summary and examples", async () => {
      const command = await load();
      expect(command.meta.name).toBe(name);
      expect(summary).toMatch(/^[A-Z].{0,62}[^.]$/);
      expect(command.meta.examples.length).toBeGreaterThanOrEqual(1);
    });

    test("has no two flags of one spelling, and leaves -h and -V alone", async () => {
      const all = spellings((await load()).args);
      expect([...new Set(all)]).toEqual(all);
      for (const reserved of ["-h", "--help", "-V", "--version"]) {
        expect(all).not.toContain(reserved);
      }
    });

    test("describes every flag in a phrase without a full stop", async () => {
      for (const def of Object.values((await load()).args)) {
        expect(def.description).toMatch(/\S.*[^.]$/);
      }
    });

    test("takes the rest only with its last argument", async () => {
      const positionals = Object.values((await load()).args).filter(
        (def) => def.type === "positional",
      );
      for (const def of positionals.slice(0, -1)) expect(def.repeat ?? false).toBe(false);
    });

    test("understands its own examples", async () => {
      const { args, meta } = await load();
      for (const example of meta.examples) {
        const [program, called, ...rest] = words(example);
        expect([program, called]).toEqual(["pipeloom", name]);
        parseFlags(rest, args);
      }
    });
  });
}
