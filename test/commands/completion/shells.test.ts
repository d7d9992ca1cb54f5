// The completion scripts in their shells, at a prompt.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { InteractiveShell } from "../../support/interactive-shell.ts";

const cli = resolve(import.meta.dir, "../../../src/cli.ts");
const home = mkdtempSync(join(tmpdir(), "pipeloom-completion-"));
const work = join(home, "work");

beforeAll(() => {
  mkdirSync(join(home, "bin"));
  mkdirSync(join(work, "my jobs"), { recursive: true });
  writeFileSync(join(home, "bin/pipeloom"), `#!/bin/sh\nexec ${process.execPath} ${cli} "$@"\n`);
  chmodSync(join(home, "bin/pipeloom"), 0o755);
  for (const name of ["notes.md", "table.csv", "my jobs/nightly.ts"]) {
    writeFileSync(join(work, name), "");
  }
  writeFileSync(
    join(work, "etl.ts"),
    `export default pipeline({ name: "etl", params: { limit: 100, since: "2026-01-01" }, tasks: () => [] });`,
  );
  const db = new Database(join(work, "shop.db"));
  db.run("CREATE TABLE pipeline_runs (id INTEGER PRIMARY KEY, pipeline, status, started_at)");
  db.run("INSERT INTO pipeline_runs VALUES (417, 'shop', 'done', '2026-01-01T00:00:00.000Z')");
  db.close();
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

type Shell = {
  readonly name: string;
  readonly command: readonly string[];
  readonly setup: string;
};

const shells: readonly Shell[] = [
  {
    name: "bash",
    command: ["bash", "--norc", "--noprofile", "-i"],
    setup: 'eval "$(pipeloom completions bash)"',
  },
  {
    name: "zsh",
    command: ["zsh", "-f", "-i"],
    setup: "autoload -U compinit; compinit -u -D; bindkey -e; source <(pipeloom completions zsh)",
  },
  {
    name: "fish",
    command: ["fish", "--no-config", "-i"],
    setup: "pipeloom completions fish | source",
  },
];

/** Types a line and Tab. The result: the words that the program gets. */
const cases: readonly [string, string[]][] = [
  ["pipeloom comp", ["completions"]],
  ["pipeloom help comp", ["help", "completions"]],
  ["pipeloom completions po", ["completions", "powershell"]],
  ["pipeloom run et", ["run", "etl.ts"]],
  ["pipeloom run my", ["run", "my jobs"]],
  ["pipeloom run my\\ jobs/", ["run", "my jobs/nightly.ts"]],
  ["pipeloom run etl.ts --dur", ["run", "etl.ts", "--durability"]],
  ["pipeloom run etl.ts --durability no", ["run", "etl.ts", "--durability", "normal"]],
  ["pipeloom run etl.ts --durability=no", ["run", "etl.ts", "--durability=normal"]],
  ["pipeloom run etl.ts --param li", ["run", "etl.ts", "--param", "limit="]],
  ["pipeloom run etl.ts --param=li", ["run", "etl.ts", "--param=limit="]],
  ["pipeloom run etl.ts --db sh", ["run", "etl.ts", "--db", "shop.db"]],
  ["pipeloom run etl.ts --db=sh", ["run", "etl.ts", "--db=shop.db"]],
  ["pipeloom run etl.ts --params no", ["run", "etl.ts", "--params", "notes.md"]],
  [
    "pipeloom run etl.ts --db shop.db --resume 4",
    ["run", "etl.ts", "--db", "shop.db", "--resume", "417"],
  ],
  ["pipeloom --qui", ["--qui"]],
  ["pipeloom unknown-command ", ["unknown-command"]],
];

for (const { name, command, setup } of shells) {
  describe.skipIf(process.platform === "win32" || Bun.which(name) === null)(name, () => {
    let shell: InteractiveShell;

    beforeAll(async () => {
      const path = `${join(home, "bin")}:${process.env["PATH"]}`;
      shell = await InteractiveShell.open(command, { HOME: home, PATH: path }, work, setup);
    }, 30_000);

    afterAll(async () => await shell[Symbol.asyncDispose]());

    test.each(cases)(
      "%s",
      async (typed, words) => {
        // Zsh removes the slash of a folder when the next character does not start a name.
        const completed = (await shell.completed(typed)).map((word) => word.replace(/\/$/, ""));
        expect(completed).toEqual(["pipeloom", ...words]);
      },
      30_000,
    );

    // Zsh offers all files when none matches.
    test.skipIf(name === "zsh")("a file that is no program is not offered", async () => {
      expect(await shell.completed("pipeloom run no")).toEqual(["pipeloom", "run", "no"]);
    });

    test("lists all commands", async () => {
      await shell.lists("pipeloom ", "completions", "demo", "upgrade");
    }, 30_000);

    test("lists parameters", async () => {
      await shell.lists("pipeloom run etl.ts --param ", "limit=", "since=");
    }, 30_000);
  });
}
