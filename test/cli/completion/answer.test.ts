// Candidates from definitions alone, without a shell or a process.

import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineCliCommand } from "../../../src/cli/command.ts";
import { answer } from "../../../src/cli/completion/answer.ts";
import type { Answer } from "../../../src/cli/completion/candidates.ts";
import { complete } from "../../../src/cli/completion/complete.ts";
import type { CommandEntry } from "../../../src/cli/cli-definition.ts";
import { completionSources } from "../../../src/commands/completion/completion-sources.ts";
import { pipeloomCli } from "../../../src/commands/pipeloom-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "pipeloom-answer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = join(folder, "etl.ts");
writeFileSync(
  file,
  "export default pipeline({ params: { limit: 100, since: 'x' }, tasks: () => [] });",
);
const db = join(folder, "a.db");
using database = new Database(db);
database.run("CREATE TABLE pipeline_runs (id INTEGER PRIMARY KEY, pipeline, status, started_at)");
database.run(
  "INSERT INTO pipeline_runs VALUES (7, 'posts', 'done', '2026-01-01T00:00:00.000Z'), (12, ?, 'error', 'x')",
  ["evil\n\x1b[2Jname"],
);

const load = defineCliCommand({
  meta: { name: "load", examples: [] },
  args: {
    file: { type: "positional", valueHint: "file", description: "what to load" },
    kind: { type: "positional", options: ["csv", "json"], required: false, description: "how" },
    db: { type: "string", valueHint: "db", default: db, description: "the database" },
    out: { type: "string", valueHint: "folder", description: "where to" },
    workers: { type: "string", valueType: "integer", alias: "w", description: "threads" },
    resume: {
      type: "string",
      valueType: "integer",
      optionalValue: true,
      valueHint: "run-id",
      description: "continue",
    },
    param: {
      type: "string",
      alias: "arg",
      repeat: true,
      valueHint: "name=value",
      description: "p",
    },
    wal: { type: "boolean", default: true, description: "use a log" },
    git: { type: "boolean", threeState: true, description: "make a repository" },
    json: { type: "boolean", alias: "j", description: "as JSON" },
    verbose: { type: "boolean", count: true, alias: "v", description: "say more" },
    mode: { type: "enum", options: ["full", "normal"], description: "how safe" },
  },
  async run() {
    return 0;
  },
});
const commands: readonly CommandEntry[] = [
  { name: "load", group: "Run", summary: "Load a file", load: async () => load },
  { name: "look", group: "Look", summary: "Look at it", load: async () => load },
];
const small = { commands, completionSources: async () => completionSources };

/** The candidates, or the kind of files. The last word is the current one. */
async function fits(...typed: string[]): Promise<string[]> {
  return shown(await answer(typed.slice(0, -1), typed.at(-1) ?? "", small));
}

function shown(result: Answer): string[] {
  if (result.kind === "words") return result.candidates.map(({ text }) => text);
  return [result.kind === "files" ? `files ${result.extensions[0] ?? "any"}` : "folders"];
}

test("commands, and the root's own flags", async () => {
  expect(await fits("")).toEqual(["load", "look"]);
  expect(await fits("lo")).toEqual(["load", "look"]);
  expect(await fits("-q", "loa")).toEqual(["load"]);
  expect(await fits("help", "")).toEqual(["load", "look"]);
  expect(await fits("--")).toEqual(["--help", "--version"]);
  expect(await fits("no-such-command", "")).toEqual([]);
});

test("flags: the useful spelling of each, and not twice", async () => {
  const all =
    "--db --out --workers --resume --param --no-wal --git --no-git --json --verbose --mode";
  expect(await fits("load", "--")).toEqual([...all.split(" "), "--help"]);
  expect(await fits("load", "--json", "-w4", "--no-git", "-vv", "--param", "a=1", "-")).toEqual(
    "--db --out --resume --param --no-wal --verbose --mode --help".split(" "),
  );
  expect(await fits("load", "--", "--")).toEqual(["files ts"]);
});

test("positionals, one after the other", async () => {
  expect(await fits("load", "")).toEqual(["files ts"]);
  expect(await fits("load", "etl.ts", "")).toEqual(["csv", "json"]);
  expect(await fits("load", "-j", "etl.ts", "-w", "4", "j")).toEqual(["json"]);
  expect(await fits("load", "etl.ts", "csv", "")).toEqual([]);
});

describe("values", () => {
  test("of each kind, as the next word and after =", async () => {
    expect(await fits("load", "--mode", "")).toEqual(["full", "normal"]);
    expect(await fits("load", "--mode=n")).toEqual(["--mode=normal"]);
    expect(await fits("load", "--db", "")).toEqual(["files db"]);
    expect(await fits("load", "--db=")).toEqual(["files db"]);
    expect(await fits("load", "--out", "x")).toEqual(["folders"]);
    expect(await fits("load", "-w", "")).toEqual([]);
    expect(await fits("load", "-jw", "")).toEqual([]);
    expect(await fits("load", "--json=")).toEqual([]);
    expect(await fits("load", "--nothing=")).toEqual([]);
  });

  test("a flag that may stand alone: a run, or the next flag", async () => {
    expect(await fits("load", "--resume", "")).toEqual(["12", "7"]);
    expect(await fits("load", "--resume=1")).toEqual(["--resume=12"]);
    expect(await fits("load", "--resume", "--mo")).toEqual(["--mode"]);
    expect(await fits("load", "--db", "/nowhere.db", "--resume", "")).toEqual([]);
  });

  test("parameters of the file on the line, without those that are given", async () => {
    expect(await fits("load", file, "--param", "")).toEqual(["limit=", "since="]);
    expect(await fits("load", `${file}:nightly`, "--arg=s")).toEqual(["--arg=since="]);
    expect(await fits("load", file, "--arg", "limit=5", "--param", "")).toEqual(["since="]);
    expect(await fits("load", "/nowhere.ts", "--param", "")).toEqual([]);
    expect(await fits("load", "--param", "")).toEqual([]);
  });
});

const lines = (...args: string[]): Promise<string> => complete(args, small);

describe("the lines that a shell reads", () => {
  test("candidates with what they are, then what the shell adds", async () => {
    expect(await lines("--current=", "--")).toBe("load\tLoad a file\nlook\tLook at it\n:words\n");
    expect(await lines("--current=", "--", "load", "--db")).toBe(":files db sqlite sqlite3 db3\n");
    expect(await lines("--current=", "--", "load", "--out")).toBe(":folders\n");
  });

  test("nothing in them tears the lines or the terminal", async () => {
    const text = await lines("--current=", "--", "load", "--resume");
    expect(text.split("\n")).toHaveLength(4);
    expect(text).not.toContain("\x1b");
  });

  test("a command that cannot be read is silence", async () => {
    const broken = { ...commands[0], load: () => Promise.reject(new Error("no")) } as CommandEntry;
    expect(await complete(["--current=", "--", "load"], { ...small, commands: [broken] })).toBe("");
  });
});

test("every command, whatever is typed after it, is answered", async () => {
  for (const { name } of pipeloomCli.commands) {
    for (const current of ["", "-", "--", "--db=", "x"]) {
      const { kind } = await answer([name], current, pipeloomCli);
      expect(["words", "files", "folders"]).toContain(kind);
    }
  }
});
