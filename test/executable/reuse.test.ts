// Reuse of results across runs, as a user has it: what makes a task run again, and what does not.

import { describe, expect, test } from "bun:test";
import { rmSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

const files: Record<string, string> = {
  "etl.ts": `
import { pipeline, task } from "pipeloom";
import { double } from "./helper.ts";
const rate = 3;
const other = task({ name: "other", run: () => "other" });
const load = task({
  name: "load",
  reuse: true,
  files: ["data.csv", "in/*.csv"],
  env: ["MODE"],
  version: "1",
  run: ({ day }: { day: number }, ctx) => double(day) * rate + ctx.params.factor,
});
export default pipeline({ name: "etl", params: { factor: 1, unused: 1, day: 5 },
  tasks: ({ params }) => [load({ day: params.day }), other()] });
`,
  "helper.ts": `
export function double(n: number): number {
  return n * 2;
}
export const unusedHelper = (n: number): number => n * 10;
`,
  "data.csv": "a,b\n1,2\n",
  "in/a.csv": "1\n",
};

async function project(folder: TempFolder): Promise<void> {
  for (const [name, text] of Object.entries(files)) await Bun.write(join(folder.path, name), text);
}

type Task = { readonly name: string; readonly reason: string | null; readonly result: string };

async function runs(
  folder: TempFolder,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ readonly tasks: readonly Task[]; readonly err: string }> {
  const { code, err } = await run([...pipeloom, "run", "etl.ts", ...args], folder.path, env);
  expect({ code, err }).toEqual({ code: 0, err: expect.any(String) });
  return { tasks: await stored(folder), err };
}

async function query<Row>(folder: TempFolder, sql: string): Promise<Row[]> {
  const { out, err } = await run([...pipeloom, "query", sql, "-f", "json"], folder.path);
  if (out === "") throw new Error(err);
  return JSON.parse(out) as Row[];
}

/** The tasks of the last run. */
const stored = (folder: TempFolder): Promise<Task[]> =>
  query<Task>(
    folder,
    "SELECT name, reason, result FROM task_runs WHERE run_id = (SELECT MAX(id) FROM pipeline_runs) ORDER BY id",
  );

type Change = {
  readonly edit?: readonly [file: string, from: string, to: string];
  readonly touch?: string;
  readonly add?: string;
  readonly remove?: string;
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
};

/** What is changed between two runs, and whether the second one takes the result of the first. */
const changes: Record<string, Change & { readonly is: "reused" | "run" }> = {
  nothing: { is: "reused" },
  "its own code": { edit: ["etl.ts", "double(day) * rate", "double(day) + rate"], is: "run" },
  "a helper in another file": { edit: ["helper.ts", "n * 2", "n + n + 1"], is: "run" },
  "a helper that it does not use": { edit: ["helper.ts", "n * 10", "n * 11"], is: "reused" },
  "a constant": { edit: ["etl.ts", "rate = 3", "rate = 4"], is: "run" },
  "a comment": { edit: ["helper.ts", "return", "// twice\n  return"], is: "reused" },
  whitespace: { edit: ["etl.ts", "({ day }: {", "(\n\n  { day }: {"], is: "reused" },
  "a type": { edit: ["helper.ts", "(n: number): number {", "(n: number) {"], is: "reused" },
  "the name of a local": {
    edit: [
      "helper.ts",
      "double(n: number): number {\n  return n * 2",
      "double(value: number): number {\n  return value * 2",
    ],
    is: "reused",
  },
  "the code of another task": { edit: ["etl.ts", '=> "other"', '=> "changed"'], is: "reused" },
  "its retries": { edit: ["etl.ts", 'version: "1",', 'version: "1", retries: 2,'], is: "reused" },
  "how old a result may be": { edit: ["etl.ts", "reuse: true", 'reuse: "7d"'], is: "reused" },
  "the content of a declared file": { edit: ["data.csv", "1,2", "1,3"], is: "run" },
  "the times of a declared file": { touch: "data.csv", is: "reused" },
  "a new file of a declared pattern": { add: "in/b.csv", is: "run" },
  "a new file of none": { add: "in/b.txt", is: "reused" },
  "a file of a declared pattern is gone": { remove: "in/a.csv", is: "run" },
  "which files are declared": {
    edit: ["etl.ts", '["data.csv", ', '["data.csv", "more.csv", '],
    is: "run",
  },
  "the value of a declared variable": { env: { MODE: "fast" }, is: "run" },
  "the value of another variable": { env: { OTHER: "x" }, is: "reused" },
  "a param that it reads": { args: ["--param", "factor=2"], is: "run" },
  "a param that it does not read": { args: ["--param", "unused=2"], is: "reused" },
  "its version": { edit: ["etl.ts", 'version: "1"', 'version: "2"'], is: "run" },
  "its input": { args: ["--param", "day=6"], is: "run" },
  "that it asks for a rerun": { args: ["--rerun", "load"], is: "run" },
  "that nothing is to be taken": { args: ["--no-reuse"], is: "run" },
};

describe("changed between two runs", () => {
  test.each(Object.entries(changes))(
    "%s",
    async (_, { edit, touch, add, remove, env = {}, args = [], is }) => {
      using folder = tempFolder();
      await project(folder);
      await runs(folder);
      if (edit !== undefined) {
        const [file, from, to] = edit;
        const path = join(folder.path, file);
        const text = await Bun.file(path).text();
        expect(text).toContain(from);
        await Bun.write(path, text.replace(from, to));
      }
      if (add !== undefined) await Bun.write(join(folder.path, add), "1\n");
      if (remove !== undefined) rmSync(join(folder.path, remove));
      if (touch !== undefined) utimesSync(join(folder.path, touch), 1_000_000_000, 1_000_000_000);
      const { tasks, err } = await runs(folder, args, env);
      const load = tasks.find(({ name }) => name === "load");
      const asked = args.includes("--rerun") ? expect.stringContaining("as asked") : null;
      expect(load?.reason).toEqual(is === "reused" ? "reused from run 1" : asked);
      expect(err.includes("(1 reused)")).toBe(is === "reused");
      expect(tasks.find(({ name }) => name === "other")?.reason).toBeNull();
    },
    60_000,
  );
});

test("a pattern without a file is said, by a run and by --dry-run, and its first file is a change", async () => {
  using folder = tempFolder();
  await project(folder);
  rmSync(join(folder.path, "in"), { recursive: true });
  const said = "load: `files` names in/*.csv, and there is no such file";
  expect((await runs(folder)).err).toContain(said);
  const dry = await run([...pipeloom, "run", "etl.ts", "--dry-run"], folder.path, {});
  expect(dry.err).toContain(said);
  const again = await runs(folder);
  expect(again.tasks.find(({ name }) => name === "load")?.reason).toBe("reused from run 1");
  await Bun.write(join(folder.path, "in/a.csv"), "1\n");
  const { tasks, err } = await runs(folder);
  expect(err).not.toContain(said);
  expect(tasks.find(({ name }) => name === "load")?.reason).toBeNull();
  const why = await run([...pipeloom, "why", "load"], folder.path, {});
  expect(why.out).toContain("its files (in/a.csv, in/*.csv) changed since run 2");
});
