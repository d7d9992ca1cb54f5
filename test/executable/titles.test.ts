// Tasks named as the screen shows them: what a person copies from one command is what the next one takes.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

const pipeline = `
import { pipeline, task } from "pipeloom";
const extract = task({ name: "extract", run: ({ day }: { day: string }) => [day] });
const load = task({
  name: "load",
  run({ day, rows }: { day: string; rows: string[] }, ctx) {
    if (day === "2026-11-03" && process.env["DOWN"] === "1") throw new Error("no such day");
    ctx.log.info("loading " + day);
    return { day, n: rows.length };
  },
});
const page = task({
  name: "page",
  label: ({ url }: { url: string }) => "the page " + url,
  run: ({ url }: { url: string }) => url.length,
});
const days = ["2026-11-01", "2026-11-02", "2026-11-03"];
export default pipeline({
  name: "titles",
  tasks: () => [
    ...days.map((day) => load({ day, rows: extract({ day }) })),
    page({ url: "/a" }),
    page({ url: "/b" }),
    page({ url: "/c" }, { name: "the last page" }),
  ],
});
`;

const titles = (out: string): string[] =>
  (JSON.parse(out) as { tasks: { name: string; label: string | null }[] }).tasks
    .map(({ name, label }) => (label === null ? name : `${name} ${label}`))
    .toSorted();

let folder: TempFolder;
const say = (args: readonly string[], env = {}) => run([...pipeloom, ...args], folder.path, env);

beforeAll(async () => {
  folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), pipeline);
  await say(["run", "etl.ts"], { DOWN: "1" });
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

const pages = ["page the page /a", "page the page /b", "the last page"];

describe("status, logs and why find", () => {
  test.each([
    ["load day=2026-11-02", ["load day=2026-11-02"]],
    ["day=2026-11-02", ["extract day=2026-11-02", "load day=2026-11-02"]],
    ["lo…1-02", ["load day=2026-11-02"]],
    ["the page /b", ["page the page /b"]],
    ["page the page /b", ["page the page /b"]],
    ["the last page", ["the last page"]],
    ["page", pages.slice(0, 2)],
  ])("%p", async (name, expected) => {
    const { out } = await say(["status", "--task", name, "-f", "json"]);
    expect(titles(out)).toEqual(expected);
    const id = (JSON.parse(out) as { tasks: { id: number }[] }).tasks[0]?.id;
    const byId = await say(["status", "--task", `${expected.at(-1)} #${id}`, "-f", "json"]);
    expect(titles(byId.out).length).toBeLessThanOrEqual(1);
    const why = await say(["why", name]);
    expect(why.code).toBe(0);
    expect(expected.some((title) => why.out.startsWith(`${title} #`))).toBeTrue();
  });

  test("the lines of one task", async () => {
    const { out } = await say(["logs", "load day=2026-11-02"]);
    expect(out).toEndWith("loading 2026-11-02\n");
    expect(out.split("\n")).toHaveLength(2);
  });

  test.each([
    [["status", "--task", "load day=2026-11-2"], 'did you mean "load day=2026-11-02"?'],
    [["logs", "laod"], 'did you mean "load"?'],
    [["why", "the page /d"], 'did you mean "the page /a"?'],
    [["why", "something else entirely"], "it has extract, load, page"],
  ])("and say what is near: %p", async (args, message) => {
    const { code, err } = await say(args);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(message) });
  });
});

describe("--only takes", () => {
  test.each([
    ["load day=2026-11-02", ["extract day=2026-11-02", "load day=2026-11-02"]],
    ["page the page /b", ["page the page /b"]],
    ["the last page", ["the last page"]],
    ["page", pages],
  ])("%p", async (title, expected) => {
    const only = await say(["run", "etl.ts", "--only", title, "--db", "only.db", "--fresh"]);
    expect({ code: only.code, err: only.err }).toEqual({ code: 0, err: expect.any(String) });
    const [last] = (
      JSON.parse((await say(["status", "--db", "only.db", "-f", "json"])).out) as {
        runs: { id: number }[];
      }
    ).runs;
    const { out } = await say(["status", "--db", "only.db", "--run", `${last?.id}`, "-f", "json"]);
    expect(titles(out)).toEqual(expected);
  });

  test.each([
    ["load day=2026-11-2", 'did you mean "load day=2026-11-02"?'],
    ["day=2026-11-2", "did you mean day=2026-11-02?"],
  ])("and says what is near: %p", async (title, message) => {
    const { code, err } = await say(["run", "etl.ts", "--only", title]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  });
});

test("--rerun runs one task again, and says what is near; with what depends on it, none is counted twice", async () => {
  const wrong = await say(["run", "etl.ts", "--rerun", "load day=2026-11-4"]);
  expect({ code: wrong.code, err: wrong.err }).toEqual({
    code: 2,
    err: expect.stringContaining('did you mean "load day=2026-11-01"?'),
  });
  const dry = await say(["run", "etl.ts", "--rerun", "load day=2026-11-01", "--dry-run"]);
  expect(dry.out).toContain(
    "load     runs again: as asked, load day=2026-11-01; kept; runs again: it failed",
  );
  const one = await say(["run", "etl.ts", "--rerun", "load day=2026-11-01", "-v"]);
  expect(one.code).toBe(0);
  expect(one.err).toContain("load day=2026-11-01 done in");
  expect(one.err).not.toContain("load day=2026-11-02 done in");
  expect(one.err).toContain("9 of 9 tasks done (7 before)");
  const args = ["--rerun", "extract day=2026-11-02", "--downstream", "--json"];
  const below = await say(["run", "etl.ts", ...args]);
  const events = below.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string });
  const again = events.filter(({ type }) => type === "task-again");
  expect(again).toMatchObject([{ type: "task-again", name: "load" }]);
  expect(below.err).toContain("9 of 9 tasks done (7 before)");
}, 60_000);
