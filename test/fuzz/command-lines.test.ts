// Random command lines, in this process with commands that do nothing, and as the executable: an exit code of 0, 1 or 2 and a
// message for a person, whatever is typed. The real commands' definitions decide what is right.

import { expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";

import type { CliDefinition } from "../../src/cli/cli-definition.ts";
import type { CliCommand } from "../../src/cli/command.ts";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { answer } from "../../src/cli/completion/answer.ts";
import { type FlagDef, type FlagDefs, takesValue } from "../../src/cli/flag-defs.ts";
import { spellingsOf } from "../../src/cli/flag-tokens.ts";
import { commandTable } from "../../src/commands/command-table.ts";
import { pipeloomCli } from "../../src/commands/pipeloom-cli.ts";
import { fuzz } from "./fuzz.ts";

setDefaultTimeout(24 * 3_600_000);

const commands = await Promise.all(
  commandTable.map(async ({ name, load }) => ({ name, command: await load() })),
);
const strict = commands.filter(({ command }) => command.passThrough !== true);

type Values = Readonly<Record<string, unknown>>;

/** Runs the command line; the command itself only notes the values that it was called with. */
async function type(
  args: readonly string[],
): Promise<{ code: number; out: string; err: string; values: Values | undefined }> {
  let out = "";
  let err = "";
  let values: Values | undefined;
  const noting = (command: CliCommand): CliCommand => ({
    ...command,
    argumentsHelp: async () => undefined,
    run: async ({ data }) => {
      values = data as Values | undefined;
      return 0;
    },
  });
  const cli: CliDefinition = {
    ...pipeloomCli,
    commands: commandTable.map((entry) => ({
      ...entry,
      load: async () => noting(await entry.load()),
    })),
  };
  const code = await runCommandLine(args, cli, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: { NO_COLOR: "1" },
  });
  return { code, out, err, values };
}

const word = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom("-", "=", "a", "w", "q", "1", " ", "\0", "é", "😀", "\n", '"', "\u001b"),
    maxLength: 8,
  }),
  fc.constantFrom(
    "",
    "-",
    "--",
    "---",
    "--=",
    "-=",
    "-v=",
    "--db",
    "--db=",
    "-w",
    "-w=4",
    "-w4",
    "-vvv",
    "-vq",
    "--no-",
    "--no-wal",
    "--no-wal=x",
    "--wal=false",
    "--__proto__",
    "--constructor",
    "--toString=1",
    "__proto__",
    "constructor",
    "toString",
    "--help=1",
    "--version=x",
    "-1",
    "-.5",
    "1e999",
    "0x10",
    "run",
    "help",
    "__complete",
    "--current=",
    ":memory:",
    "etl.ts",
    "x".repeat(5_000),
    `--${"y".repeat(5_000)}`,
    "\ud800",
    "\0",
    "-\0",
    "--\0=\0",
  ),
);

const spelling = fc.constantFrom(
  ...strict.flatMap(({ command }) => [...spellingsOf(command.args).keys()]),
);

test("whatever is typed: 0 or 2, and no internal error", async () => {
  const input = fc.tuple(
    fc.option(fc.constantFrom(...commands.map(({ name }) => name), "help", "__complete"), {
      nil: undefined,
    }),
    fc.array(
      fc.oneof(
        word,
        spelling,
        fc.tuple(spelling, word).map(([flag, text]) => `${flag}=${text}`),
      ),
      { maxLength: 8 },
    ),
  );
  await fuzz(
    "command lines",
    input,
    async ([name, rest]) => {
      const { code, err } = await type(name === undefined ? rest : [name, ...rest]);
      expect([0, 2]).toContain(code);
      expect(err).not.toContain("Internal error");
      if (code === 2) expect(err).toMatch(/^error: \S|^pipeloom /);
      // eslint-disable-next-line no-control-regex
      expect(err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\x9b]/);
    },
    6,
  );
});

/** A value of a flag or an argument, as it is typed and as it is read. */
type Sample = { readonly text: string; readonly value: unknown };

/** For flags whose values have a form of their own: each takes at least one. */
const checkedTexts = [
  "2026-11-27T02:30:00+01:00",
  "Accept: text/html",
  "a=text",
  "a,b",
  "id",
  ";",
  "tab",
  "10MB",
  "https://example.com/a",
  "redis://host:6379",
];

function passes(check: ((text: string) => unknown) | undefined, text: string): boolean {
  try {
    check?.(text);
    return true;
  } catch {
    return false;
  }
}

function sampleOf(def: FlagDef): fc.Arbitrary<Sample> {
  if ("options" in def && def.options !== undefined) {
    return fc.constantFrom(...def.options).map((text) => ({ text, value: text }));
  }
  if (def.type === "string" && def.valueType !== undefined) {
    const { min = -1000, max = min + 1_000_000 } = def;
    const number =
      def.valueType === "integer" ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true });
    return number.map((value) => ({ text: String(value), value: Number(value) }));
  }
  if ("check" in def && def.check !== undefined) {
    const right = checkedTexts.filter((text) => passes(def.check, text));
    return fc.constantFrom(...right).map((text) => ({ text, value: text }));
  }
  return fc.string({ unit: "binary", minLength: 1 }).map((text) => ({ text, value: text }));
}

/** One flag, in one of its spellings, and what it must come to. */
type Typed = { readonly key: string; readonly args: readonly string[]; readonly value: unknown };

function typedFlag(key: string, def: FlagDef): fc.Arbitrary<Typed> {
  if (def.type === "positional") throw new Error(`${key} is no flag`);
  const names = [...spellingsOf({ [key]: def })].map(([name, { negated }]) => ({ name, negated }));
  return fc
    .tuple(fc.constantFrom(...names), sampleOf(def), fc.nat(2))
    .map(([{ name, negated }, { text, value }, form]) => {
      if (!takesValue(def)) {
        const on = def.type === "boolean" && def.count === true ? 1 : !negated;
        return { key, args: [name], value: on };
      }
      const isShort = !name.startsWith("--");
      const looksLikeFlag = text.startsWith("-");
      const needsInline =
        looksLikeFlag ||
        (def.type === "string" && def.valueType !== undefined && def.optionalValue === true);
      const forms = [
        [`${name}=${text}`],
        ...(needsInline ? [] : [[name, text]]),
        ...(isShort && !text.startsWith("=") ? [[name + text]] : []),
      ];
      return {
        key,
        args: forms[form % forms.length] ?? [],
        value: def.type === "string" && def.repeat === true ? [value] : value,
      };
    });
}

/** Each flag at most once, each argument once, in any order. */
const rightLine = (defs: FlagDefs): fc.Arbitrary<readonly Typed[]> => {
  const entries = Object.entries(defs);
  const flags = entries.filter(([, def]) => def.type !== "positional");
  const required = flags.filter(([, def]) => "required" in def && def.required);
  const optional = flags.filter((flag) => !required.includes(flag));
  const positionals = entries.flatMap(([key, def]) =>
    def.type === "positional"
      ? [
          sampleOf(def)
            .filter(({ text }) => !text.startsWith("-"))
            .map(({ text, value }): Typed => ({
              key,
              args: [text],
              value: def.repeat === true ? [value] : value,
            })),
        ]
      : [],
  );
  return fc
    .tuple(fc.subarray(optional), fc.tuple(...positionals), fc.infiniteStream(fc.nat(1000)))
    .chain(([chosen, arguments_, order]) =>
      fc
        .tuple(...[...required, ...chosen].map(([key, def]) => typedFlag(key, def)))
        .map((typed) => {
          const line: Typed[] = [...typed];
          let from = 0;
          for (const argument of arguments_) {
            const at = from + ((order.next().value as number) % (line.length - from + 1));
            line.splice(at, 0, argument);
            from = at + 1;
          }
          return line;
        }),
    );
};

const isHelp = (args: readonly string[]): boolean =>
  args.some((arg) => ["--help", "-h", "--version", "-V"].includes(arg));

const rightInput = fc
  .constantFrom(...strict)
  .chain((command) => fc.tuple(fc.constant(command), rightLine(command.command.args)));

test("what the definitions allow is accepted, with its value", async () => {
  await fuzz(
    "right command lines",
    rightInput,
    async ([{ name, command }, line]) => {
      const args = line.flatMap((typed) => typed.args);
      fc.pre(!isHelp(args));
      const { code, err, values } = await type([name, ...args]);
      expect({ args, code, err }).toEqual({ args, code: 0, err: "" });
      for (const { key, value } of line)
        expect({ key, value: values?.[key] }).toEqual({ key, value });
      const given = new Set(line.map(({ key }) => key));
      for (const [key, def] of Object.entries(command.args)) {
        if (given.has(key) || (def.type !== "boolean" && def.default !== undefined)) continue;
        expect([undefined, false, true, 0, []] as unknown[]).toContainEqual(values?.[key]);
      }
    },
    6,
  );
});

test("an unknown flag is refused wherever it stands", async () => {
  const unknown = fc.string({ unit: "binary", minLength: 1 }).map((text) => `--${text}`);
  const input = fc.tuple(rightInput, unknown, fc.nat());
  await fuzz(
    "unknown flags",
    input,
    async ([[{ name, command }, line], flag, at]) => {
      const [bare = ""] = flag.split("=");
      fc.pre(bare !== "--" && !spellingsOf(command.args).has(bare));
      // SQL that begins with a comment is an argument.
      fc.pre(!/^--\s|^[^=]*\n/.test(flag));
      const place = at % (line.length + 1);
      const args = [
        ...line.slice(0, place).flatMap((typed) => typed.args),
        flag,
        ...line.slice(place).flatMap((typed) => typed.args),
      ];
      fc.pre(!isHelp(args));
      const { code, err, values } = await type([name, ...args]);
      expect({ args, code, values }).toEqual({ args, code: 2, values: undefined });
      expect(err).toContain("unknown flag");
    },
    4,
  );
});

test("what --help shows is accepted", async () => {
  for (const { name, command } of strict) {
    const { out } = await type([name, "--help"]);
    const shown = out.matchAll(/^ {2}(?:(-\w), | {4})(--[\w[\]-]+)(?: ([^ \n]+))?/gm);
    let count = 0;
    for (const [, short, long = "", value] of shown) {
      if (long === "--help") continue;
      count++;
      const spellings = [short, long.replace("[no-]", ""), long.replace(/[[\]]/g, "")];
      for (const typed of spellings.filter((each) => each !== undefined)) {
        const found = spellingsOf(command.args).get(typed);
        expect({ name, typed, found: found?.def !== undefined }).toEqual({
          name,
          typed,
          found: true,
        });
        if (found !== undefined)
          expect({ typed, value: value !== undefined }).toEqual({
            typed,
            value: takesValue(found.def),
          });
      }
    }
    const flags = Object.values(command.args).filter((def) => def.type !== "positional");
    expect({ name, count }).toEqual({ name, count: flags.length });
    for (const line of command.meta.examples.map((example) => example.line)) {
      const words = line.replace(/ [|>].*$/, "").match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
      const { code, err } = await type(words.slice(1).map((text) => text.replaceAll(/["']/g, "")));
      expect({ line, code, err }).toEqual({ line, code: 0, err: "" });
    }
  }
});

test("completion never breaks, and offers only what fits", async () => {
  const input = fc.tuple(
    fc.array(fc.oneof(word, spelling, fc.constantFrom(...commands.map(({ name }) => name))), {
      maxLength: 6,
    }),
    fc.oneof(word, spelling),
  );
  await fuzz(
    "completions",
    input,
    async ([before, current]) => {
      const found = await answer(before, current, pipeloomCli);
      if (found.kind === "folders") return;
      for (const { text } of found.candidates) {
        expect({ text, fits: text.startsWith(current) }).toEqual({ text, fits: true });
        expect(text).not.toMatch(/[\n\t]/);
      }
      const { code, out, err } = await type([
        "__complete",
        `--current=${current}`,
        "--",
        ...before,
      ]);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(/(?:^|\n):(?:words|files.*)\n$/);
    },
    4,
  );
});
