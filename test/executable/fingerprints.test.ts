// The executable in a folder without packages: a run dies, its files are edited, and the next run says which tasks' code
// has changed.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

const files: Readonly<Record<string, string>> = {
  "etl.ts": `
import { pipeline, sh, task } from "pipeloom";
import { clean } from "./lib/clean.ts";
import config from "./config.json";
const LIMIT: number = 10;
const load = task({ name: "load", timeout: "30s", run: ({ text }: { text: string }) => clean(text).slice(0, LIMIT) });
const url = task({ name: "url", run: () => config.url });
const later = task({ name: "later", run: async () => (await import("./lib/later.ts")).later() });
const program = sh({ name: "program", command: ["echo", "1"], output: "text" });
for (const name of ["loop-a", "loop-b"]) task({ name, run: () => name });
const unknown = "SELECT 1 FROM pipeloom_definitions WHERE fingerprint LIKE 'module:%'";
const stop = task({ name: "stop", run: async (_: unknown, ctx) => {
  if (process.env["DIE"] !== "1") return;
  while (ctx.query(unknown).length > 0) await Bun.sleep(1);
  process.kill(process.pid, "SIGKILL");
} });
export default pipeline({ name: "etl",
  tasks: () => stop([load({ text: " A " }), url(), later(), program()]) });
`,
  "lib/clean.ts": "export const clean = (text: string): string => text.trim();",
  "lib/later.ts": "export const later = (): number => 1;",
  "config.json": '{ "url": "https://example.org" }',
};

type Edit = readonly [file: string, from: string, to: string, changes: readonly string[]];

const edits: Readonly<Record<string, Edit>> = {
  "a comment": ["etl.ts", "const LIMIT", "// How many.\nconst LIMIT", []],
  "a type": ["etl.ts", "LIMIT: number", "LIMIT", []],
  "a timeout": ["etl.ts", '"30s"', '"60s"', []],
  "a constant": ["etl.ts", "= 10", "= 1", ["load"]],
  "a helper": ["lib/clean.ts", "text.trim()", "text.trimEnd()", ["load"]],
  "a JSON file": ["config.json", "example.org", "example.com", ["url"]],
  "a file that is imported while a task runs": ["lib/later.ts", "=> 1", "=> 2", ["later"]],
  "a program": ["etl.ts", '"1"]', '"2"]', ["program"]],
  "what runs when the file is loaded": [
    "etl.ts",
    "const LIMIT",
    'process.env["MODE"] = "x";\nconst LIMIT',
    ["later", "load", "program", "url"],
  ],
};

async function changedIn(folder: TempFolder): Promise<string[]> {
  const { code, out, err } = await run([...pipeloom, "run", "etl.ts", "--json"], folder.path);
  expect({ code, err }).toEqual({ code: 0, err });
  const events = out.trim().split("\n");
  const reruns = events
    .map((line) => JSON.parse(line) as { type: string; tasks: { task: string }[] })
    .find(({ type }) => type === "run-reruns");
  return (reruns?.tasks ?? []).map(({ task }) => task).toSorted();
}

describe("an edit, and the tasks that run again", () => {
  test.each(Object.keys(edits))(
    "%s",
    async (name) => {
      using folder = tempFolder();
      for (const [file, text] of Object.entries(files))
        await Bun.write(join(folder.path, file), text);
      await run([...pipeloom, "run", "etl.ts"], folder.path, { DIE: "1" });
      const [file, from, to, changes] = edits[name] ?? expect.unreachable();
      const text = files[file] ?? "";
      expect(text).toContain(from);
      await Bun.write(
        join(folder.path, file),
        text.replace(from, () => to),
      );
      expect(await changedIn(folder)).toEqual([...changes]);
    },
    60_000,
  );
});
