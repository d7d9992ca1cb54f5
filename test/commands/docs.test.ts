// `pipeloom docs`: nothing is missing from it, and each format can be read.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import { aliasesOf, hasNegation, kebab } from "../../src/cli/flag-defs.ts";
import { commandTable } from "../../src/commands/command-table.ts";
import { readVariables, setVariables } from "../../src/commands/environment.ts";
import { pagerOf } from "../../src/commands/docs/pager.ts";
import * as pageVariables from "../../src/protocol/page-variables.ts";
import { openPty, terminalEnvironment } from "../support/pty.ts";
import { pipeloom, repository, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** From source, the declarations are made by a compiler each time. */
setDefaultTimeout(60_000);

const known = new Map<string, Promise<string>>();

/** What `pipeloom docs …` prints. */
function docs(...args: readonly string[]): Promise<string> {
  const key = args.join(" ");
  const text = known.get(key) ?? printed(["docs", ...args]);
  known.set(key, text);
  return text;
}

async function printed(args: readonly string[]): Promise<string> {
  const { code, out, err } = await run([...pipeloom, ...args], repository);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

describe("everything is in it", () => {
  test.each(commandTable)("the flags of $name", async ({ name, summary, load }) => {
    const { args } = await load();
    const text =
      (await docs("--format", "markdown"))
        .split(/^### /m)
        .find((each) => each.startsWith(`pipeloom ${name}\n`)) ?? "";
    expect(text).toStartWith(`pipeloom ${name}\n\n${summary.replaceAll("<", String.raw`\<`)}.\n`);
    for (const [key, def] of Object.entries(args)) {
      if (def.type === "positional") {
        expect(text).toContain(`- \`<${def.valueHint ?? kebab(key)}>\`: `);
        continue;
      }
      const long = hasNegation(def)
        ? new RegExp(`--(?:\\[no-\\]|no-)${kebab(key)}\\b`)
        : `--${kebab(key)}`;
      expect(text).toMatch(long);
      for (const alias of aliasesOf(def)) expect(text).toContain(alias);
    }
  });

  test("each export of pipeloom, values and types, with its comment", async () => {
    const index = await Bun.file(join(repository, "src/index.ts")).text();
    const named = [...index.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = ""]) =>
      names.split(",").map((name) => name.replace("type ", "").trim()),
    );
    const declared = Array.from(
      index.matchAll(/^export async function\*? (\w+)/gm),
      ([, name]) => name,
    );
    const exports = [...named, ...declared].filter((name) => name !== "");
    expect(exports.length).toBeGreaterThan(35);
    const text = await docs("--format", "markdown");
    const [, api = ""] = text.split(/^## Functions$/m);
    const [own = ""] = api.split(/^## Types that these are made of$/m);
    for (const name of exports) {
      const [, section = ""] = own.split(new RegExp(`^### ${name}$`, "m"));
      expect({
        name,
        code: /^```ts\n(?:function|type|interface|class|const) (\w+)/m.exec(section)?.[1],
      }).toEqual({ name, code: name });
    }
    expect(own).toContain("Fans out: creates one piece of work per item of a list.");
  });

  test("each variable that the source reads or sets", async () => {
    const text = await docs("environment");
    const inside = new Set([
      "PATH",
      "PIPELOOM_PROVE",
      "PIPELOOM_PROVE_SESSION",
      "PIPELOOM_STDIN",
      ...Object.values<string>(pageVariables),
      "PIPELOOM_COMMIT",
      "PIPELOOM_TARGET",
      "PIPELOOM_VERSION",
    ]);
    const found = new Set<string>();
    for await (const path of new Bun.Glob("**/*.ts").scan({ cwd: join(repository, "src") })) {
      // A pipeline reads what it wants.
      if (/templates|examples/.test(path)) continue;
      const code = await Bun.file(join(repository, "src", path)).text();
      for (const [, name = ""] of code.matchAll(/\benv\["([A-Z_]+)"\]/g)) found.add(name);
      for (const [name] of code.matchAll(/\b(?:PIPELOOM|BUN)_[A-Z_]+\b/g)) found.add(name);
    }
    expect(found.size).toBeGreaterThan(10);
    for (const name of found) if (!inside.has(name)) expect(text).toContain(name);
    for (const { name } of [...readVariables, ...setVariables]) expect(text).toContain(name);
  });

  test("the exit codes", async () => {
    expect(await docs("exit-codes")).toMatch(/129, 130, 143 +after SIGHUP, Ctrl-C and SIGTERM/);
  });
});

describe("the guide", () => {
  test("each topic is found, beside the command or type of that name", async () => {
    const topics = Array.from(
      (await Bun.file(join(repository, "src/commands/docs/guide.md")).text()).matchAll(
        /^## (.+)$/gm,
      ),
      ([, name = ""]) => name,
    );
    expect(topics.length).toBeGreaterThan(20);
    const text = await docs("guide");
    for (const topic of topics) expect(text).toContain(`\n\n${topic}\n\n`);
    const prove = await docs("prove");
    expect(prove).toContain("pipeloom prove [file] [flags]");
    expect(prove).toContain("at random moments until it is done");
  });

  test("paragraphs, lists and code are told apart", async () => {
    const reuse = await docs("reuse");
    expect(reuse).toContain('\n    import { each, pipeline, task } from "pipeloom";\n');
    expect(reuse).toContain(
      "\n  - Other programs are noticed while a run goes on, and between two",
    );
    expect(reuse).not.toContain("```");
    expect(await docs("reuse", "--format", "markdown")).toContain("```sh\npipeloom run reuse.ts\n");
    expect(await docs("reuse", "--format", "man")).toContain(
      ".TP 3\n\\[u2022]\nOther programs are",
    );
  });

  test("the README names topics that there are", async () => {
    const readme = await Bun.file(join(repository, "README.md")).text();
    const named = Array.from(readme.matchAll(/guide\.md#([a-z]+)/g), ([, topic = ""]) => topic);
    expect(named.length).toBeGreaterThan(20);
    const text = await docs("guide");
    for (const topic of named) expect(text).toContain(`\n\n${topic}\n\n`);
  });
});

test("a member is found in the types that declare it", async () => {
  for (const topic of ["ctx", "ctx.upsert", "checkpoint"])
    expect(await docs(topic)).toStartWith("TYPES\n\nTaskContext\n");
  expect(await docs("maxDelay")).toContain("\nRetryOptions\n");
});

test("a topic in any case; a wrong one is corrected", async () => {
  expect(await docs("RunPipeline")).toContain("\nrunPipeline\n");
  const { code, err } = await run([...pipeloom, "docs", "tsk"], repository);
  expect({ code, err }).toEqual({
    code: 2,
    err: 'error: there is no topic "tsk"\n  did you mean task?\n  see pipeloom docs --help\n',
  });
});

test("no line of text is wider than 80 columns, but for code", async () => {
  const wide = (await docs())
    .split("\n")
    .filter((line) => Bun.stringWidth(line) > 80 && !line.startsWith("    "));
  expect(wide).toEqual([]);
});

describe("the man page", () => {
  test("has only macros that man knows, and ASCII", async () => {
    const page = await docs("--format", "man");
    expect(page).toStartWith('.TH PIPELOOM 1 "" "pipeloom ');
    const macros = new Set(Array.from(page.matchAll(/^\.(\w*)/gm), ([, macro = ""]) => macro));
    expect([...macros].toSorted()).toEqual([
      "B",
      "I",
      "PP",
      "RE",
      "RS",
      "SH",
      "SS",
      "TH",
      "TP",
      "fi",
      "nf",
    ]);
    // eslint-disable-next-line no-control-regex
    expect(page).toMatch(/^[\0-\x7f]*$/);
    expect(page).toContain("\\-\\-dry\\-run");
  });

  test.skipIf(Bun.which("groff") === null)("groff has no warnings", async () => {
    const page = await docs("--format", "man");
    const groff = Bun.spawn(["groff", "-man", "-ww", "-Tutf8", "-rLL=78n"], {
      stdin: new Blob([page]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [shown, warnings] = await Promise.all([groff.stdout.text(), groff.stderr.text()]);
    // A signature that is wider than the page cannot be broken.
    expect(
      warnings
        .split("\n")
        .filter((line) => line !== "" && !/cannot (?:adjust|break) line/.test(line)),
    ).toEqual([]);
    expect(Bun.stripANSI(shown)).toContain("--dry-run");
  });
});

test.skipIf(process.platform === "win32")(
  "a terminal gets a pager, and plain text where there is none",
  async () => {
    using folder = tempFolder();
    const env = terminalEnvironment(folder.path);
    for (const [pager, expected] of [
      [`sh -c "head -c 9; echo; echo paged"`, "paged"],
      ["no-such-pager", "129, 130, 143"],
      ["cat", "129, 130, 143"],
    ] as const) {
      await using pty = openPty(["docs", "exit-codes"], {
        cwd: folder.path,
        env: { ...env, PAGER: pager },
      });
      expect(await pty.exited).toBe(0);
      const text = pty.screen.lines().join("\n");
      expect(text).toContain(expected);
      if (expected === "paged") expect(text).not.toContain("129");
    }
  },
);

test("PAGER is split into words; none without it is less", () => {
  expect(pagerOf({ PAGER: "less -R" }, "linux")).toEqual(["less", "-R"]);
  expect(pagerOf({}, "linux")).toEqual(["less"]);
  expect(pagerOf({}, "win32")).toEqual(["more.com"]);
  expect(pagerOf({ PAGER: "" }, "linux")).toBeUndefined();
});
