// `pipeloom prove` on pipelines with planted bugs, and on some without.

import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { countNames } from "../../src/prove/findings.ts";
import { canRecord } from "../../src/prove/write-recorder.ts";
import { type Ended, executable, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

setDefaultTimeout(300_000);

const ours = join(import.meta.dir, "pipelines");
const crash = join(import.meta.dir, "../crash/pipelines");

/** A folder with the pipeline in it, and a folder for temporary files. */
function folderWith(file: string): TempFolder {
  const folder = tempFolder();
  mkdirSync(join(folder.path, "tmp"));
  copyFileSync(join(ours, file), join(folder.path, file));
  return folder;
}

const prove = (folder: TempFolder, ...args: readonly string[]): Promise<Ended> =>
  run([executable, "prove", "-w", "2", ...args], folder.path, {
    TMPDIR: join(folder.path, "tmp"),
  });

type Result = Readonly<Record<string, unknown>> & {
  readonly kills: number;
  readonly powerCuts: number | null;
};

async function proved(folder: TempFolder, ...args: readonly string[]): Promise<Result> {
  const { code, out, err } = await prove(folder, "--json", ...args);
  if (out === "") throw new Error(err);
  const result = JSON.parse(out);
  expect(code).toBe(result.proved ? 0 : 1);
  return result;
}

const zeros = Object.fromEntries(countNames.map((name) => [name, 0]));

/** The runtime keeps what it compiles with there. */
const leftIn = (folder: TempFolder): string[] =>
  readdirSync(join(folder.path, "tmp")).filter((name) => !name.startsWith("bun-cc"));

describe.skipIf(process.platform === "win32")("prove", () => {
  test.each([
    ["messages", []],
    ["retries", ["--no-wal"]],
    ["programs", []],
  ])("%s %p: killed, it leaves what an undisturbed run leaves", async (name, flags) => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, "tmp"));
    const file = join(crash, `${name}.ts`);
    const result = await proved(folder, file, "--cycles", "3", "--seed", "7", ...flags);
    expect(result).toMatchObject({ proved: true, seed: 7, cycles: 3, leftOut: [], ...zeros });
    expect(result.kills + (result.powerCuts ?? 0)).toBeGreaterThan(0);
    expect(result.powerCuts === null).toBe(!canRecord);
    expect(result["unexplained"]).toBe(0);
    expect(existsSync(join(folder.path, "pipeloom.db"))).toBe(false);
    expect(leftIn(folder)).toEqual([]);
  });

  test("a table that existed keeps its rows, and durability of the process only is a fact, not a bug", async () => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, "tmp"));
    using db = new Database(join(folder.path, "sums.db"));
    db.run("CREATE TABLE sums (name TEXT PRIMARY KEY, sum INTEGER)");
    db.run("INSERT INTO sums VALUES ('sum 1', 1000)");
    const file = join(crash, "messages.ts");
    const result = await proved(folder, file, "-n", "4", "--durability=normal", "--db", "sums.db");
    expect(result).toMatchObject({ proved: true, ...zeros, compared: { tasks: 60, rows: 3 } });
    expect(db.query("SELECT sum FROM sums").values()).toEqual([[1000]]);
  });

  test("columns in which undisturbed runs differ are left out, and said", async () => {
    using folder = folderWith("left-out.ts");
    const result = await proved(folder, "left-out.ts", "--cycles", "4");
    expect(result).toMatchObject({ proved: true, ...zeros, compared: { tasks: 40, rows: 41 } });
    expect(result["leftOut"]).toEqual(
      expect.arrayContaining(["task work.result", "written.at", "written.random"]),
    );
  });

  test("a second file is written at least once", async () => {
    using folder = folderWith("second-file.ts");
    const result = await proved(folder, "second-file.ts", "--cycles", "6");
    expect(result).toMatchObject({ proved: false, rowsTwice: 0, files: ["out.csv"] });
    expect(result["filesChanged"]).toBeGreaterThan(0);
    expect(result["first"]).toMatchObject({
      what: { type: "file", path: "out.csv", undisturbed: "40 lines appended" },
    });
    expect(result["atLeastOnce"]).toMatchObject([{ task: "work", effect: "a file" }]);
  });

  test("a file that later runs find, and one that differs from run to run, are named", async () => {
    using folder = folderWith("made-once.ts");
    const { code, out } = await prove(folder, "made-once.ts", "--cycles", "1", "--json");
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      {
        files: ["stamp"],
        notCompared: ["stamp"],
        madeOnce: ["got-1", "got-2", "got-3", "got-4", "got-5"],
      },
    ]);
  });

  test("rows of a connection of its own are found in the file itself, which is put back", async () => {
    using folder = folderWith("own-connection.ts");
    const path = join(folder.path, "own.db");
    using db = new Database(path);
    db.run("CREATE TABLE written (i INTEGER)");
    db.run("INSERT INTO written VALUES (-1)");
    const copied = await prove(folder, "own-connection.ts");
    expect(copied.code).toBe(1);
    expect(copied.err).toContain("own.db was written to, while the run used a copy of it");
    db.run("DELETE FROM written WHERE i >= 0");
    db.close();
    const result = await proved(folder, "own-connection.ts", "--in-place", "--cycles", "6");
    expect(result["rowsTwice"]).toBeGreaterThan(0);
    expect(result["first"]).toMatchObject({
      what: { place: "written", undisturbed: { times: 1 }, found: { times: expect.any(Number) } },
    });
    using after = new Database(path);
    expect(after.query("SELECT i FROM written").values()).toEqual([[-1]]);
    expect(readdirSync(folder.path).toSorted()).toEqual(["own-connection.ts", "own.db", "tmp"]);
  });

  test("a task that sends after its end loses what it sends", async () => {
    using folder = folderWith("late-send.ts");
    const result = await proved(folder, "late-send.ts", "--cycles", "1");
    expect(result).toMatchObject({ proved: false, compared: { tasks: 3, rows: 2 } });
    expect(result["lateSends"]).toBeGreaterThan(0);
    expect(result["first"]).toMatchObject({
      cycle: 0,
      what: { text: expect.stringContaining("after the task had ended") },
    });
  });

  test("a plan that depends on chance is not repeatable", async () => {
    using folder = folderWith("unplanned.ts");
    const result = await proved(folder, "unplanned.ts:chance", "-c", "8", "--cycles", "1");
    expect(result).toMatchObject({ proved: false, notRepeatable: 1 });
  });

  test("a plan that depends on time repeats tasks", async () => {
    using folder = folderWith("unplanned.ts");
    const result = await proved(folder, "unplanned.ts:time", "--cycles", "5");
    expect(result).toMatchObject({ proved: false, leftOut: ["task work.key"] });
    expect(result["tasksTwice"]).toBeGreaterThan(0);
  });

  test("a run that ends by a signal of another sender is a failure", async () => {
    using folder = folderWith("self-killed.ts");
    const result = await proved(folder, "self-killed.ts", "--cycles", "1");
    expect(result).toMatchObject({ proved: false, failed: 1 });
    expect(result["first"]).toMatchObject({
      cycle: 1,
      what: { text: expect.stringContaining("the run was ended by SIGKILL") },
    });
  });

  test("a pipeline that ends by a signal undisturbed proves nothing", async () => {
    using folder = folderWith("self-killed.ts");
    writeFileSync(join(folder.path, "runs"), "1\n2\n");
    const { code, err } = await prove(folder, "self-killed.ts");
    expect(code).toBe(1);
    expect(err).toContain("the pipeline does not run undisturbed (ended by SIGKILL)");
  });

  test.skipIf(process.platform !== "linux")("a program that outlives a kill is found", async () => {
    using folder = folderWith("stubborn.ts");
    const result = await proved(folder, "stubborn.ts", "--cycles", "1");
    expect(result["programsLeft"]).toBeGreaterThan(0);
    expect(result["atLeastOnce"]).toMatchObject([{ task: "work", effect: "a program" }]);
  });

  test("Ctrl-C ends it, its run, and its files", async () => {
    using folder = folderWith("second-file.ts");
    const child = Bun.spawn([executable, "prove", "second-file.ts", "-n", "1000"], {
      cwd: folder.path,
      env: { ...process.env, TMPDIR: join(folder.path, "tmp") },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    let said = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) {
      said += decoder.decode(bytes);
      if (said.includes("cycle 1 of 1000")) break;
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(leftIn(folder)).toEqual([]);
    expect(await child.stdout.text()).toBe("");
  });
});

describe("prove refuses", () => {
  test("a folder for temporary files that is not there", async () => {
    using folder = folderWith("second-file.ts");
    const missing = join(folder.path, "missing");
    const ended = await run([executable, "prove", "second-file.ts"], folder.path, {
      TMPDIR: missing,
    });
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err).toContain(`cannot create a folder in ${missing}`);
    expect(ended.err).toContain("TMPDIR names another folder");
  });

  test("a file that a killed proof has put aside", async () => {
    using folder = folderWith("second-file.ts");
    for (const name of ["x.db", "x.db.before-prove"]) {
      using db = new Database(join(folder.path, name));
      db.run("CREATE TABLE t (i)");
    }
    const ended = await prove(folder, "second-file.ts", "--db", "x.db", "--in-place");
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err).toContain("x.db.before-prove exists");
    expect(ended.err).toMatch(/rm -f \S+x\.db-wal .*; mv \S+x\.db\.before-prove \S+x\.db;/);
  });

  test.each([
    [["nix.ts"], 2, "nix.ts: no such file"],
    [["second-file.ts", "--db", ":memory:"], 2, "keeps nothing"],
    [["second-file.ts", "--cycles", "0"], 2, "--cycles must be"],
    [["second-file.ts", "--param", "x=1"], 2, "x"],
    [["second-file.ts", "--no-store-task-status"], 2, "--no-store-task-status"],
    [["second-file.ts", "--db", "second-file.ts"], 1, "not an SQLite database"],
  ])("%p", async (args, code, words) => {
    using folder = folderWith("second-file.ts");
    const ended = await prove(folder, ...args);
    expect(ended).toMatchObject({ code, out: "" });
    expect(ended.err).toContain(words);
    expect(ended.err).not.toContain("Internal error");
    expect(leftIn(folder)).toEqual([]);
  });
});
