// The house: which room may import which, no circles, no two names for one thing, nothing exported that nobody uses.
// CONTRIBUTING.md draws it.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { repository } from "./support/program.ts";

/** What each room may import besides itself. A name with `.ts` is that one file. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ["base"],
  api: ["base", "protocol"],
  formats: ["base"],
  module: ["base", "protocol", "api"],
  plan: ["base", "protocol", "api", "module"],
  engine: ["base", "protocol", "api", "module", "plan", "executors/executors.ts"],
  executors: ["base", "protocol", "spawn.ts"],
  worker: ["base", "protocol", "api"],
  store: ["base", "protocol", "api", "module"],
  terminal: ["base", "protocol"],
  serve: ["base", "protocol", "store"],
  watchdog: ["base", "protocol", "spawn.ts"],
  // Of serve, only what it tells: the page starts nothing by itself.
  page: ["base", "protocol", "store", "version.ts", "serve/served.ts", "serve/slot-counters.ts"],
  cli: ["base"],
  kit: ["base"],
  prove: [
    "base",
    "protocol",
    "api",
    "cli",
    "store",
    "terminal",
    "worker/attempt-log.ts",
    "run-pipeline.ts",
    // It reads and runs as the commands do.
    "commands/execute-run.ts",
    "commands/start-variables.ts",
    "commands/waiting-reader.ts",
  ],
  examples: ["base", "formats"],
};

/** They put the rooms together: the program, its threads, and the commands. */
const roots =
  /^(?:cli|spawn|index|run-pipeline|run-engine|version)\.ts$|^(?:worker|watchdog|store\/(?:read|write))\/main\.ts$|^commands\//;

/** Words of another time, or of a language that nobody speaks. */
const banned: readonly (readonly [word: string, instead: string, except: string])[] = [
  ["lane", "slot", ""],
  ["outbox", "record sender", ""],
  ["anew", "again", ""],
  ["of which", "a sentence of its own", ""],
  ["for it is", "because it is", ""],
  // It named a process, a thread, a limit, a listener and a try/catch. The page has one: what may ask for anything.
  ["guard", "reaper, watchdog, or what is done", "page"],
  ["patience", "busy handler, or a time limit", ""],
  ["pace", "rate, or remaining time", ""],
];

type Import = { readonly names: readonly string[]; readonly path: string };

const statement =
  /^(?:import|export)\s+(?:type\s+)?([^"';]*?)\s*from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(statement)].flatMap(([, names, from, bare, dynamic]) => {
    const path = from ?? bare ?? dynamic ?? "";
    if (!path.startsWith(".")) return [];
    const listed = (names ?? "*")
      .replaceAll(/[{}]/g, "")
      .split(",")
      .map(
        (name) =>
          name
            .trim()
            .replace(/^type\s+/, "")
            .split(/\s+as\s+/)[0] ?? "",
      );
    return [{ names: listed, path: join(dirname(file), path) }];
  });
}

type Source = { readonly text: string; readonly imports: readonly Import[] };

/** All TypeScript below a folder, by its path from the repository. */
async function sourcesIn(folder: string): Promise<Map<string, Source>> {
  const sources = new Map<string, Source>();
  for await (const path of new Bun.Glob("**/*.{ts,tsx}").scan({
    cwd: join(repository, folder),
    dot: true,
  })) {
    const file = join(folder, path);
    if (file.includes("/templates/")) continue;
    const text = await Bun.file(join(repository, file)).text();
    sources.set(file, { text, imports: importsOf(file, text) });
  }
  return sources;
}

const src = await sourcesIn("src");
const others = [...(await sourcesIn("test")), ...(await sourcesIn(".github"))];

const inSrc = (file: string): string => file.slice("src/".length);
const roomOf = (file: string): string => inSrc(file).split("/")[0] ?? "";

test("each room imports those that it may", () => {
  const forbidden = [...src].flatMap(([file, { imports }]) =>
    roots.test(inSrc(file))
      ? []
      : imports
          .filter(({ path }) => path.startsWith("src/") && roomOf(path) !== roomOf(file))
          .filter(
            ({ path }) =>
              !(mayImport[roomOf(file)] ?? []).some(
                (allowed) => inSrc(path) === allowed || roomOf(path) === allowed,
              ),
          )
          .map(({ path }) => `${inSrc(file)} imports ${inSrc(path)}`),
  );
  expect(forbidden).toEqual([]);
});

const isShared = (path: string): boolean =>
  path.startsWith("src/page/contract") || path === "src/protocol/status.ts";

test("what runs in the browser has nothing of the program but types and pure functions", () => {
  const inApp = [...src].filter(([file]) => file.startsWith("src/page/app/"));
  expect(inApp.length).toBeGreaterThan(10);
  const foreign = inApp.flatMap(([file, { imports }]) =>
    imports
      .filter(({ path }) => !path.startsWith("src/page/app/") && !isShared(path))
      .map(({ path }) => `${inSrc(file)} imports ${inSrc(path)}`),
  );
  expect(foreign).toEqual([]);
});

test("a run starts without the page: only the commands that show it load it, and each command is loaded when it is asked for", () => {
  const loads = /^(?:import|export)\s+(?!type\s)[^"']*?from\s+"([^"]+)"/gm;
  const pairs = [...src].flatMap(([file, { text }]) =>
    [...text.matchAll(loads)].map(([, path = ""]) => [file, join(dirname(file), path)] as const),
  );
  const loadPage = pairs.filter(
    ([file, path]) => roomOf(path) === "page" && roomOf(file) !== "page",
  );
  const commands = [...new Set(loadPage.map(([file]) => inSrc(file)))].toSorted();
  expect(commands).toEqual(["commands/page-flags.ts", "commands/report.ts", "commands/ui.ts"]);
  // The flags of the page are loaded with a command that shows it.
  const showPage = [...commands, "commands/serve-flags.ts", "commands/serve-with-page.ts"];
  const eager = pairs.filter(
    ([file, path]) => commands.includes(inSrc(path)) && !showPage.includes(inSrc(file)),
  );
  expect(eager).toEqual([]);
});

test("every room is in the table", () => {
  const rooms = new Set([...src.keys()].filter((file) => file.split("/").length > 2).map(roomOf));
  expect([...rooms].toSorted()).toEqual([...Object.keys(mayImport), "commands"].toSorted());
});

test("no file imports itself, by types neither", () => {
  const circles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      circles.push([...trail.slice(trail.indexOf(file)), file].map(inSrc).join(" → "));
      return;
    }
    state.set(file, "open");
    for (const { path } of src.get(file)?.imports ?? []) visit(path, [...trail, file]);
    state.set(file, "done");
  };
  for (const file of src.keys()) visit(file, []);
  expect(circles).toEqual([]);
});

test("what is exported is used", () => {
  const used = new Set<string>();
  for (const [, { imports }] of [...src, ...others]) {
    for (const { names, path } of imports) for (const name of names) used.add(`${path} ${name}`);
  }
  const declared =
    /^export\s+(?:declare\s+)?(?:async\s+)?(?:const|let|function\*?|class|type|interface)\s+(\w+)/gm;
  const unused = [...src].flatMap(([file, { text }]) =>
    file === "src/index.ts" || used.has(`${file} *`) || file.endsWith(".d.ts")
      ? []
      : [...text.matchAll(declared)]
          .map(([, name]) => `${file} ${name}`)
          .filter((name) => !used.has(name)),
  );
  expect(unused).toEqual([]);
});

test("no two files have one name", () => {
  // A command's file is named after the command.
  const isNamed = /\/main\.ts$|\.d\.ts$|^src\/commands\/[^/]+$/;
  const files = [...src.keys()].filter((file) => !isNamed.test(file));
  const byName = Map.groupBy(files, (file) => basename(file));
  expect([...byName.values()].filter(({ length }) => length > 1)).toEqual([]);
});

const isThere = (path: string): boolean =>
  ["", "src"].some((folder) => existsSync(join(repository, folder, path)));

test("CONTRIBUTING names files that are there", async () => {
  const text = await Bun.file(join(repository, ".github/CONTRIBUTING.md")).text();
  const named = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]*)+)`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(40);
  // What the build makes is not there before it.
  expect(named.filter((path) => !isThere(path) && !path.startsWith("dist/"))).toEqual([]);
});

test("only the store opens a database", () => {
  const opens = [...src].filter(([, { text }]) =>
    /^import (?!type\b)[^;]*"bun:sqlite"/m.test(text),
  );
  expect(opens.map(([file]) => file).filter((file) => roomOf(file) !== "store")).toEqual([]);
});

describe("one word for one thing", () => {
  test.each(banned)("not %s: %s", (word, _, except) => {
    const pattern = new RegExp(`\\b${word}s?\\b`, "i");
    const found = [...src].filter(([, { text }]) => pattern.test(text)).map(([file]) => file);
    expect(found.filter((file) => roomOf(file) !== except)).toEqual([]);
  });
});
