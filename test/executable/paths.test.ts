// Paths with every sort of character, addresses, and a module that changes the working directory.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { openReader } from "../../src/store/read/reader.ts";
import { pipeloom, run, type Ended } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

let folder: TempFolder;
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => folder[Symbol.dispose]());

const at = (name: string): string => join(folder.path, name);
const start = (...args: readonly string[]): Promise<Ended> =>
  run([...pipeloom, ...args], folder.path);

/** With a file that it imports, a package, and a pipeline of another name. */
const files: Readonly<Record<string, string>> = {
  "p.ts": `
import { pipeline, task } from "pipeloom";
import { half } from "./half.ts";
import { other } from "other";
const t = task({ name: "t", run: () => [import.meta.url, half + other] });
export default pipeline({ name: "p", tasks: () => t() });
export const nächtlich = pipeline({ name: "n", tasks: () => t() });`,
  "half.ts": "export const half: number = 40;",
  "node_modules/other/package.json": '{"name":"other","main":"i.js"}',
  "node_modules/other/i.js": "module.exports = { other: 2 };",
};

async function writePipeline(inFolder: string): Promise<string> {
  for (const [name, text] of Object.entries(files)) await Bun.write(at(join(inFolder, name)), text);
  return join(inFolder, "p.ts");
}

function resultIn(db: string): unknown {
  using reader = openReader(at(db));
  return JSON.parse(String(reader.query("SELECT result FROM task_runs")[0]?.["result"]));
}

describe("a folder's name", () => {
  // Windows allows no question mark.
  const names = [
    "50%25",
    "C# work",
    "it's ü",
    "a b&c",
    ...(process.platform === "win32" ? [] : ["what?", "a?b=c#d%3F", 'q"uote']),
  ];

  test.each(names)("%s", async (name) => {
    const path = await writePipeline(name);
    const { code, err } = await start("run", path, "--db", "x.db");
    expect({ code, err }).toEqual({ code: 0, err });
    expect(resultIn("x.db")).toEqual([pathToFileURL(at(path)).href, 42]);
  });

  test.skipIf(process.platform === "win32")("?: an error names the line", async () => {
    mkdirSync(at("what?"));
    await Bun.write(at("what?/p.ts"), "export default f(;\n");
    const { code, err } = await start("run", "what?/p.ts");
    expect(code).toBe(1);
    expect(err).toStartWith("error: what?/p.ts:1:18: Unexpected ;\n");
  });
});

describe("a pipeline file may be given as", () => {
  const given: readonly [string, () => string, string][] = [
    ["an address", () => pathToFileURL(at("p.ts")).href, "p"],
    ["an address and an export", () => `${pathToFileURL(at("p.ts")).href}:nächtlich`, "n"],
    ["an absolute path", () => at("p.ts"), "p"],
    ["a path and an export", () => "./p.ts:nächtlich", "n"],
    ["a link", () => "link.ts", "p"],
    ["a name without an extension", () => "plain", "p"],
    ["a name with a colon in it", () => "odd:name.ts", "p"],
    ["a name that looks like an export", () => "p.ts:default", "p"],
  ];

  test.skipIf(process.platform === "win32").each(given)("%s", async (_, path, name) => {
    await writePipeline(".");
    symlinkSync("p.ts", at("link.ts"));
    for (const other of ["plain", "odd:name.ts"]) await Bun.write(at(other), Bun.file(at("p.ts")));
    const { code, err } = await start("run", path(), "--db", "x.db");
    expect({ code, err }).toEqual({ code: 0, err });
    using reader = openReader(at("x.db"));
    expect(reader.query("SELECT pipeline FROM pipeline_runs")).toEqual([{ pipeline: name }]);
  });

  test("an address of another machine names no file here", async () => {
    const { code, err } = await start("run", "file://elsewhere/p.ts");
    expect(code).toBe(2);
    expect(err).toContain("no such file");
  });
});

test.each([
  ["--db", ["--db", "x.db", "-l", "x.log", "--params", "x.json"], ""],
  ["the pipeline's own database", ["-l", "x.log", "--params", "x.json"], `db: "x.db", `],
])("a module that changes the working directory does not move %s", async (_, flags, own) => {
  mkdirSync(at("elsewhere"));
  await Bun.write(
    at("p.ts"),
    `import { pipeline, task } from "pipeloom";
process.chdir(import.meta.dir + "/elsewhere");
const t = task({ name: "t", run: (_: void, ctx) => ctx.query("SELECT COUNT(*) AS n FROM t") });
export default pipeline({ name: "p", ${own}params: { n: 1 }, schema: "CREATE TABLE IF NOT EXISTS t (a)", tasks: () => t() });`,
  );
  await Bun.write(at("x.json"), '{"n":2}');
  const { code, err } = await start("run", "p.ts", ...flags);
  expect({ code, err }).toEqual({ code: 0, err });
  expect(existsSync(at("x.db"))).toBeTrue();
  expect(existsSync(at("x.log"))).toBeTrue();
  expect(existsSync(at("elsewhere/x.db"))).toBeFalse();
  expect(resultIn("x.db")).toEqual([{ n: 0 }]);
});

// Windows does not delete the working directory of a process.
test.skipIf(process.platform === "win32")("a module may delete its working directory", async () => {
  await Bun.write(
    at("p.ts"),
    `import { pipeline, task } from "pipeloom";
import { mkdirSync, rmdirSync } from "node:fs";
const gone = import.meta.dir + "/gone";
if (Bun.isMainThread) {
  mkdirSync(gone);
  process.chdir(gone);
  rmdirSync(gone);
}
const t = task({ name: "t", run: () => 1 });
export default pipeline({ name: "p", tasks: () => t() });`,
  );
  const { code, err } = await start("run", "p.ts", "--db", "x.db");
  expect({ code, err }).toEqual({ code: 0, err });
  expect(resultIn("x.db")).toBe(1);
});

test("status, query and cancel look at the same database, by the same rule", async () => {
  const looks = [["status"], ["query", "SELECT 1"], ["cancel"]] as const;
  for (const look of looks) {
    expect((await start(...look)).err).toContain("there is no database at ./pipeloom.db");
  }
  expect((await start("init-db", "--db", "wal_demo.db")).code).toBe(0);
  expect((await start("status")).out).not.toBe("");
  expect((await start("query", "SELECT 1")).code).toBe(0);
  expect((await start("cancel")).err).toStartWith("error: ./wal_demo.db: no run is active\n");
  const address = pathToFileURL(join(realpathSync(folder.path), "wal_demo.db")).href;
  expect((await start("query", "--db", address, "SELECT 1")).code).toBe(0);
});
