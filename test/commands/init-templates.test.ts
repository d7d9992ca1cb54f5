// Every template is written, run, type-checked and tested by the program, offline where the system can isolate a process.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { type TemplateName, templateNames } from "../../src/commands/init/answers.ts";
import { type Ended, offline, pipeloom, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const timeoutMs = 60_000;

const program = (args: readonly string[], cwd: string): Promise<Ended> =>
  run([...offline, ...pipeloom, ...args], cwd);

/** A template's test may start a server, and an isolated network namespace has no loopback. */
const withLoopback = (
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Ended> => run([...pipeloom, ...args], cwd, env);

async function scaffold(
  folder: string,
  template: TemplateName,
  ...flags: string[]
): Promise<string> {
  const args = ["init", "mine", "--template", template, "--yes", "--no-git", ...flags];
  const { code, err } = await program(args, folder);
  expect({ code, err }).toMatchObject({ code: 0 });
  return join(folder, "mine");
}

type Counts = Readonly<Record<TemplateName, readonly [table: string, rows: number]>>;

const expected: Counts = {
  csv: ["orders", 12],
  api: ["orders", 230],
  http: ["posts", 5],
  downloads: ["downloads", 3],
  shell: ["files", 5],
  "fan-out": ["primes", 40],
  empty: ["greetings", 1],
};

describe.each(templateNames)("%s", (template) => {
  test(
    "runs as it is, passes the checks and its test",
    async () => {
      using folder = tempFolder();
      const project = await scaffold(folder.path, template);

      const ran = await program(["run", "pipeline.ts"], project);
      expect({ code: ran.code, err: ran.err }).toMatchObject({ code: 0 });
      const [table, rows] = expected[template];
      using db = new Database(join(project, "pipeloom.db"), { readonly: true });
      expect(db.query(`SELECT count(*) AS rows FROM ${table}`).get()).toEqual({ rows });

      const checked = await program(["check"], project);
      expect({ code: checked.code, out: checked.out }).toEqual({ code: 0, out: "" });

      const temporary = join(folder.path, "tmp");
      mkdirSync(temporary);
      const tested = await withLoopback(["test"], project, { TMPDIR: temporary, TMP: temporary });
      expect({ code: tested.code, err: tested.err }).toMatchObject({ code: 0 });
      expect(tested.err).toContain(" 0 fail\n");
      // The runtime has files of its own there.
      expect(readdirSync(temporary).filter((name) => !name.startsWith("bun"))).toEqual([]);

      const formatted = await run(
        [process.execPath, "fmt", "--check", "--no-script", "--print-width=100", "."],
        project,
      );
      expect({ code: formatted.code, err: formatted.err }).toMatchObject({ code: 0 });
    },
    timeoutMs,
  );
});

// `http` cannot run without its example data: it needs an address.
test.each(["csv", "downloads"] as const)(
  "%s without example data",
  async (template) => {
    using folder = tempFolder();
    const project = await scaffold(folder.path, template, "--no-data");
    const { code, err } = await program(["run", "pipeline.ts"], project);
    expect({ code, err }).toMatchObject({ code: 0 });
  },
  timeoutMs,
);

test(
  "a checkout without node_modules: check needs nothing in it, test brings back what it needs",
  async () => {
    using folder = tempFolder();
    const project = await scaffold(folder.path, "empty", "--no-editor");
    expect((await program(["check"], project)).code).toBe(0);
    expect(existsSync(join(project, "node_modules"))).toBeFalse();
    const tested = await program(["test"], project);
    expect({ code: tested.code, err: tested.err }).toMatchObject({ code: 0 });
  },
  timeoutMs,
);

test(
  "a mistake in a pipeline is found",
  async () => {
    using folder = tempFolder();
    const project = await scaffold(folder.path, "empty");
    const file = join(project, "pipeline.ts");
    const text = await Bun.file(file).text();
    await Bun.write(file, text.replace("greet({ name: params.name })", "greet({ nmae: 1 })"));
    const { code, out } = await program(["check"], project);
    expect(code).toBe(1);
    expect(out).toContain("pipeline.ts(");
  },
  timeoutMs,
);
