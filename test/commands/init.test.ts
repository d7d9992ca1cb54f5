// The wizard with scripted streams: each question, back, cancel, wrong input, an existing folder.

import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { Draft } from "../../src/commands/init/answers.ts";
import { folderProblem } from "../../src/commands/init/questions.ts";
import { type InitOptions, initProject } from "../../src/commands/init/wizard.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { UserError } from "../../src/cli/user-error.ts";
import type { Kit } from "../../src/kit/kit.ts";
import { scriptedInput, SeenOutput } from "../support/scripted-input.ts";
import { VirtualTerminal } from "../support/virtual-terminal.ts";
import { tempFolder } from "../support/temp-folder.ts";

const kit: Kit = {
  modules: { "pipeloom/index.d.ts": "export {};\n", "@types/node/index.d.ts": "" },
  templates: Object.fromEntries(
    ["csv", "api", "http", "downloads", "shell", "fan-out", "empty"].flatMap((name) => [
      [`${name}/pipeline.ts`, `pipeline({ name: "template-${name}", db: "./pipeloom.db" });\n`],
      [`${name}/README.md`, "# {{name}}\n\n{{db}}\n"],
      [`${name}/data/example.txt`, "{{name}}\n"],
    ]),
  ),
};

type Outcome = {
  readonly code: number;
  readonly text: string;
  /** With the sequences of the terminal. */
  readonly raw: string;
  readonly repositories: readonly string[];
};

type Setting = Partial<InitOptions> & { readonly columns?: number };

async function init(
  cwd: string,
  given: Draft,
  script: readonly string[] = [],
  { columns, ...setting }: Setting = {},
): Promise<Outcome> {
  const output = new SeenOutput(columns);
  const repositories: string[] = [];
  const code = await initProject(given, {
    cwd,
    yes: false,
    force: false,
    isTty: true,
    input: scriptedInput(script, output),
    output,
    loadKit: () => Promise.resolve(kit),
    canStartRepository: () => true,
    startRepository(folder) {
      repositories.push(folder);
      return undefined;
    },
    programName: () => "pipeloom",
    ...setting,
  });
  return { code, text: output.text, raw: output.raw, repositories };
}

/** What the terminal of the tests does not know: to the first column, and to erase a line, which Clack does only there. */
const plainSequences = (raw: string): string =>
  ["\u001B[999D", "\u001B[1G", "\u001B[G"]
    .reduce((text, toFirstColumn) => text.replaceAll(toFirstColumn, "\r"), raw)
    .replaceAll("\u001B[2K", "\r\u001B[K")
    .replaceAll("\n", "\r\n");

const enter = (times: number): string[] => Array.from({ length: times }, () => "enter");

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();

const read = (...path: string[]): Promise<string> => Bun.file(join(...path)).text();

/** Answers to all questions. */
const all: Draft = {
  folder: "mine",
  template: "empty",
  db: "a.db",
  data: false,
  editor: false,
  git: false,
};

describe("asked", () => {
  test("Enter all the way: the usual answers", async () => {
    using folder = tempFolder();
    const { code, text, repositories } = await init(folder.path, {}, enter(7));
    expect(code).toBe(0);
    const project = join(folder.path, "my-pipeline");
    expect(filesIn(project)).toEqual([
      ".gitignore",
      "README.md",
      "data/example.txt",
      "node_modules/@types/node/.from-pipeloom",
      "node_modules/@types/node/index.d.ts",
      "node_modules/pipeloom/.from-pipeloom",
      "node_modules/pipeloom/index.d.ts",
      "package.json",
      "pipeline.ts",
      "tsconfig.json",
    ]);
    expect(repositories).toEqual([project]);
    expect(text).toEndWith("Next:\n  cd my-pipeline\n  pipeloom run pipeline.ts\n\n");
    expect(readdirSync(folder.path)).toEqual(["my-pipeline"]);
  });

  test("other answers at each question", async () => {
    using folder = tempFolder();
    const script = "My Data|enter|down|down|enter|out.sqlite|enter|left|enter|n|n|enter".split("|");
    const { code, repositories } = await init(folder.path, {}, script);
    expect({ code, repositories }).toEqual({ code: 0, repositories: [] });
    const project = join(folder.path, "My Data");
    expect(filesIn(project)).toEqual([".gitignore", "README.md", "package.json", "pipeline.ts"]);
    expect(await read(project, "pipeline.ts")).toBe(
      'pipeline({ name: "my-data", db: "out.sqlite" });\n',
    );
    expect(await read(project, "README.md")).toBe("# my-data\n\nout.sqlite\n");
    expect(await read(project, ".gitignore")).toContain("\nout.sqlite*\n");
  });

  test("what the flags answer, and what does not apply, is not asked", async () => {
    using folder = tempFolder();
    const given: Draft = { folder: "mine", template: "empty", editor: true };
    const { code, text } = await init(folder.path, given, enter(2), {
      canStartRepository: () => false,
    });
    expect(code).toBe(0);
    expect(text.match(/◆ {2}.*/g)?.map((line) => line.slice(3))).toEqual([
      "Which database? (a SQLite file)",
      "Write this?",
    ]);
    expect(text).toContain("✔  Created ./mine with 5 files");
  });

  test("Escape goes back, from the last question too, and remembers what was said", async () => {
    using folder = tempFolder();
    const script = ["first", "enter", "escape", ...enter(6), "escape", "n", "enter"];
    const { code, repositories } = await init(folder.path, {}, script);
    expect({ code, repositories }).toEqual({ code: 0, repositories: [] });
    expect(readdirSync(folder.path)).toEqual(["first"]);
  });

  test("going back erases the answers that count no longer", async () => {
    using folder = tempFolder();
    const script = ["first", "enter", "down", "enter", "escape", "escape", "ctrl-c"];
    const { raw } = await init(folder.path, {}, script);
    const screen = new VirtualTerminal({ columns: 80, rows: 40 });
    screen.write(plainSequences(raw));
    const shown = screen.lines().filter((line) => line.trim() !== "" && line !== "│");
    expect(shown).toEqual([
      "┌  pipeloom init (Esc goes back)",
      "■  Where? (a folder; . is this one)",
      "│  first",
      "└  Nothing was written.",
    ]);
  });

  test("a folder that cannot be written is asked again, and only that", async () => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, "blocked/pipeline.ts"), { recursive: true });
    const script = ["blocked", ...enter(6), "fine", ...enter(2)];
    const { code, text } = await init(folder.path, {}, script);
    expect(code).toBe(0);
    expect(text).toContain("blocked/pipeline.ts is a folder");
    expect(text.split("◆  Which database?")).toHaveLength(2);
    expect(text).toContain("✔  Created ./fine with ");
  });

  test("wrong input is said to be wrong, and asked again", async () => {
    using folder = tempFolder();
    await Bun.write(join(folder.path, "file"), "");
    const backspaces = Array.from({ length: 4 }, () => "\u007F");
    const script = [
      "file",
      "enter",
      ...backspaces,
      "ok",
      "enter",
      "enter",
      "data/",
      "enter",
      "ctrl-c",
    ];
    const { code, text } = await init(folder.path, {}, script);
    expect(code).toBe(130);
    expect(text).toContain("file is a file");
    expect(text).toContain("this is a folder; add a file name");
    expect(readdirSync(folder.path)).toEqual(["file"]);
  });

  test.each([0, 1, 2, 3, 4, 5, 6])("Ctrl-C at question %d leaves nothing", async (question) => {
    using folder = tempFolder();
    const { code, text } = await init(folder.path, {}, [...enter(question), "ctrl-c"]);
    expect(code).toBe(130);
    expect(text).toContain("Nothing was written.");
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test.each(["ctrl-d", "end", "escape"])("%s at the first question leaves too", async (key) => {
    using folder = tempFolder();
    const { code } = await init(folder.path, {}, [key]);
    expect(code).toBe(130);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("No to the last question: nothing, and 1", async () => {
    using folder = tempFolder();
    const { code } = await init(folder.path, {}, [...enter(6), "n"]);
    expect(code).toBe(1);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("at 40 columns no line is longer", async () => {
    using folder = tempFolder();
    const { text } = await init(folder.path, {}, enter(7), { columns: 40 });
    const longest = Math.max(...text.split("\n").map((line) => Bun.stringWidth(line)));
    expect(longest).toBeLessThanOrEqual(40);
  });
});

describe("not asked", () => {
  test("--yes takes the usual answers", async () => {
    using folder = tempFolder();
    const { code, text } = await init(folder.path, {}, [], { yes: true, isTty: false });
    expect(code).toBe(0);
    expect(text).toStartWith("Written to ./my-pipeline:\n  pipeline.ts");
  });

  test("with every answer given there is nothing to ask", async () => {
    using folder = tempFolder();
    const { code } = await init(folder.path, all, [], { isTty: false });
    expect(code).toBe(0);
    expect(filesIn(join(folder.path, "mine"))).toEqual([
      ".gitignore",
      "README.md",
      "package.json",
      "pipeline.ts",
    ]);
  });

  test("without a terminal it says which answers it needs", async () => {
    using folder = tempFolder();
    const { git: _, db: __, ...given } = all;
    const failed = init(folder.path, given, [], { isTty: false });
    expect(failed).rejects.toThrow(
      new UsageError("no terminal to ask questions in; missing answers: --db, --git or --no-git"),
    );
  });

  test("git's complaint is passed on; the project is there", async () => {
    using folder = tempFolder();
    const { code, text } = await init(folder.path, { ...all, git: true }, [], {
      startRepository: () => "fatal: no space",
    });
    expect(code).toBe(0);
    expect(text).toContain("git init failed: fatal: no space\n");
  });
});

describe("a folder that cannot be made", () => {
  test.each([
    ["file/x", "file is a file"],
    ["file/x/y", "file is a file"],
    ["/dev/null/x", "/dev/null is a file"],
    ["x".repeat(300), "name too long (ENAMETOOLONG)"],
    ["a/../../..//file", undefined],
    ["new/deep/folder", undefined],
  ])("%s", async (typed, problem) => {
    using folder = tempFolder();
    await Bun.write(join(folder.path, "file"), "");
    const found = folderProblem(typed, folder.path);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(problem);
  });

  // Nothing is forbidden to root.
  test.skipIf(process.getuid?.() === 0)("no right to write there", () => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, "locked"), { mode: 0o500 });
    expect(folderProblem("locked/x", folder.path)).toBe("locked: permission denied (EACCES)");
  });
});

describe("a folder that is there", () => {
  test("`.` is one, and other files stay", async () => {
    using folder = tempFolder();
    await Bun.write(join(folder.path, "notes.txt"), "mine");
    const { code, text } = await init(folder.path, { ...all, folder: "." });
    expect(code).toBe(0);
    expect(text).toEndWith("Next:\n  pipeloom run pipeline.ts\n");
    expect(await read(folder.path, "notes.txt")).toBe("mine");
  });

  test("a second time changes nothing, and is no conflict", async () => {
    using folder = tempFolder();
    await init(folder.path, all);
    const { code } = await init(folder.path, all);
    expect(code).toBe(0);
  });

  test("a file of another content is not overwritten, but with --force", async () => {
    using folder = tempFolder();
    const readme = join(folder.path, "mine/README.md");
    await Bun.write(readme, "my own");
    expect(init(folder.path, all)).rejects.toThrow(
      new UserError("different files exist: README.md"),
    );
    expect(filesIn(folder.path)).toEqual(["mine/README.md"]);
    await init(folder.path, all, [], { force: true });
    expect(await read(readme)).toBe("# mine\n\na.db\n");
  });

  test("what is kept, overwritten and there already is said", async () => {
    using folder = tempFolder();
    await init(folder.path, all);
    await Bun.write(join(folder.path, "mine/README.md"), "my own");
    await Bun.file(join(folder.path, "mine/pipeline.ts")).delete();
    const { db: __, ...given } = all;
    const { text } = await init(folder.path, given, ["a.db", "enter", "enter"]);
    expect(text).toContain("README.md     yours is different");
    expect(text).toContain("package.json  there already");
    expect(text).toContain("Written to ./mine: pipeline.ts\n");
    expect(text).toContain("Kept as they were: package.json, .gitignore, README.md\n");
    const forced = await init(folder.path, given, ["a.db", "enter", "enter"], { force: true });
    expect(forced.text).toContain("Overwritten: README.md");
  });

  test.each([
    ["keep", ["enter"], 0, "my own", true],
    ["overwrite", ["down", "enter"], 0, "# mine\n\n./pipeloom.db\n", true],
    ["leave", ["up", "enter"], 1, "my own", false],
    ["Ctrl-C", ["ctrl-c"], 130, "my own", false],
  ])("the wizard asks: %s", async (_, decision, expected, text, written) => {
    using folder = tempFolder();
    await Bun.write(join(folder.path, "mine/README.md"), "my own");
    const { db: __, ...given } = all;
    const { code } = await init(folder.path, given, ["enter", ...decision]);
    expect(code).toBe(expected);
    expect(await read(folder.path, "mine/README.md")).toBe(text);
    expect(await Bun.file(join(folder.path, "mine/pipeline.ts")).exists()).toBe(written);
  });

  test("a folder in a file's place is an error, and nothing changes", async () => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, "mine/pipeline.ts"), { recursive: true });
    expect(init(folder.path, all, [], { force: true })).rejects.toThrow("pipeline.ts is a folder");
    expect(filesIn(folder.path)).toEqual([]);
  });
});
