// What a person sees of changed code: before anything runs, in a terminal, piped and as JSON.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";

import { shellWord } from "../../src/base/shell-words.ts";
import { pipeloom, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

/** Kills itself in `report`, unless told not to. */
const etl = (write: string): string => `
import { pipeline, task } from "pipeloom";
const load = task({ name: "load-day", run: ({ day }: { day: string }, ctx) => ${write} });
const report = task({ name: "report", run: (_: { days: unknown[] }) => {
  if (process.env["DIE"] === "1") process.kill(process.pid, "SIGKILL");
  if (process.env["FAIL"] === "1") throw new Error("as planned");
} });
export default pipeline({ name: "etl", schema: "CREATE TABLE IF NOT EXISTS t (day UNIQUE, v)",
  tasks: () => report({ days: ["a", "b"].map((day) => load({ day })) }) });
`;
const upsert = (v: number): string => `ctx.upsert("t", [{ day, v: ${v} }], { key: "day" })`;
const insert = (v: number): string => `ctx.insert("t", [{ day: day + ${v}, v: ${v} }])`;

async function died(folder: TempFolder, write: string): Promise<void> {
  await Bun.write(join(folder.path, "etl.ts"), etl(write));
  await run([...pipeloom, "run", "etl.ts"], folder.path, { DIE: "1" });
}

const edited = async (folder: TempFolder, write: string, ...args: readonly string[]) => {
  await Bun.write(join(folder.path, "etl.ts"), etl(write));
  return run([...pipeloom, "run", "etl.ts", ...args], folder.path);
};

test("what has changed is said first, and runs again", async () => {
  using folder = tempFolder();
  await died(folder, upsert(1));
  const again = await edited(folder, upsert(2));
  expect(again.code).toBe(0);
  expect(again.err).toContain("1 task's code changed since run 1: load-day (×2); it runs again");
  const rows = await run(
    [...pipeloom, "query", "SELECT * FROM t ORDER BY 1", "-f", "csv"],
    folder.path,
  );
  expect(rows.out.trim().split("\n")).toEqual(["day,v", "a,2", "b,2"]);
}, 30_000);

test("a fingerprint that is no text, in a damaged file, is another one", async () => {
  using folder = tempFolder();
  await died(folder, upsert(1));
  {
    using db = new Database(join(folder.path, "pipeloom.db"));
    db.run("UPDATE pipeloom_definitions SET fingerprint = x'00ff41' WHERE name = 'load-day'");
  }
  const again = await edited(folder, upsert(1));
  expect(again.err).toContain("1 task's code changed since run 1: load-day (×2); it runs again");
  expect(again.code).toBe(0);
});

test("the name of a table that is no text, in a damaged file, is that of none", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), etl(upsert(1)));
  expect((await run([...pipeloom, "run", "etl.ts"], folder.path)).code).toBe(0);
  {
    using db = new Database(join(folder.path, "pipeloom.db"));
    db.run("UPDATE pipeloom_tables SET name = x'00ff41'");
  }
  const again = await run([...pipeloom, "run", "etl.ts", "--rerun", "load-day"], folder.path);
  expect(again).toMatchObject({ code: 0, err: expect.stringContaining("as asked") });
});

test("a schema that clears its tables does so once for a run", async () => {
  using folder = tempFolder();
  const source = etl(insert(1)).replace(
    "CREATE TABLE IF NOT EXISTS t",
    "DROP TABLE IF EXISTS t; CREATE TABLE t",
  );
  await Bun.write(join(folder.path, "etl.ts"), source);
  const days = async (): Promise<unknown> =>
    JSON.parse(
      (await run([...pipeloom, "query", "SELECT day FROM t", "-f", "json"], folder.path)).out,
    );
  await run([...pipeloom, "run", "etl.ts"], folder.path, { DIE: "1" });
  const again = await run([...pipeloom, "run", "etl.ts"], folder.path);
  expect(again.code).toBe(0);
  expect(again.err).toContain(
    "schema: left out, because run 1 is continued, and its rows stay: statement 1 (DROP TABLE IF EXISTS t), statement 2 (CREATE TABLE t (day UNIQUE, v))",
  );
  expect(await days()).toEqual([{ day: "a1" }, { day: "b1" }]);
  // Refused: nothing is run, and no table is cleared.
  await run([...pipeloom, "run", "etl.ts"], folder.path, { DIE: "1" });
  await Bun.write(join(folder.path, "etl.ts"), source.replace("v: 1", "v: 2"));
  expect((await run([...pipeloom, "run", "etl.ts"], folder.path)).code).toBe(2);
  expect(await days()).toEqual([{ day: "a1" }, { day: "b1" }]);
}, 60_000);

test("that an edit cannot be seen is said: a file that is imported by an expression", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "a.ts"), "export const v = 1;");
  await died(folder, `import("./" + "ab"[0] + ".ts").then(({ v }) => v)`);
  const again = await run([...pipeloom, "run", "etl.ts"], folder.path);
  expect(again.code).toBe(0);
  expect(again.err).toContain(
    "only the run knows what is imported by load-day: an edit there is not seen",
  );
}, 30_000);

test("one that has inserted rows leaves the choice: exit code 2, and nothing has happened", async () => {
  using folder = tempFolder();
  await died(folder, insert(1));
  const refused = await edited(folder, insert(2));
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(/the code of load-day has changed(?:, or may have)? since run 1/);
  expect(refused.err).toContain("\n  to run again all the same: --rerun load-day\n");
  const kept = await edited(folder, insert(2), "--keep", "load-day", "--json");
  expect(kept.code).toBe(0);
  const [started, reruns] = kept.out
    .split("\n")
    .map((line) => JSON.parse(line || "null") as unknown);
  expect(started).toMatchObject({ type: "run-started", alreadyDone: 2 });
  expect(reruns).toMatchObject({
    type: "run-reruns",
    run: 1,
    tasks: [{ task: "load-day", reason: "code", isKept: true, count: 2 }],
  });
  const rows = await run(
    [...pipeloom, "query", "SELECT * FROM t ORDER BY 1", "-f", "csv"],
    folder.path,
  );
  expect(rows.out.trim().split("\n")).toEqual(["day,v", "a1,1", "b1,1"]);
}, 30_000);

test.each([
  [
    ["--rerun", "load-dya"],
    'there is no task "load-dya" in this pipeline file; did you mean load-day?',
  ],
  [["--keep", "load-day", "--fresh"], "--keep and --fresh exclude each other"],
  [["--rerun", "load-day", "--db", ":memory:"], "--rerun needs a file"],
  [["--rerun", "load-day", "--no-store-task-status"], "--rerun needs the states of the tasks"],
  [["--downstream"], "--downstream goes with --rerun"],
  [["--keep", "load-day"], 'there are no results of "load-day" to keep'],
])(
  "wrong usage: %p",
  async (args, message) => {
    using folder = tempFolder();
    const wrong = await edited(folder, upsert(1), ...args);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain(message);
  },
  30_000,
);

const withDefault = (n: number): string =>
  etl(insert(1)).replace('name: "etl"', `name: "etl", params: { n: ${n} }`);

test("an interrupted run that is not continued because a default of its params was edited is named", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), withDefault(1));
  await run([...pipeloom, "run", "etl.ts"], folder.path, { DIE: "1" });
  await Bun.write(join(folder.path, "etl.ts"), withDefault(2));
  const dry = await run([...pipeloom, "run", "etl.ts", "--dry-run"], folder.path);
  expect(dry.out).toEndWith(
    'Run 1 was interrupted, and would not be continued: its params were {"n":1}.\n',
  );
  const other = await run([...pipeloom, "run", "etl.ts"], folder.path);
  expect(other.err).toContain(
    'run 1 was interrupted, and this new run does not continue it: its params were {"n":1}\n',
  );
}, 30_000);

test("--only runs a part of the plan, in a run of its own", async () => {
  using folder = tempFolder();
  await died(folder, upsert(1));
  const part = await edited(folder, upsert(1), "--only", "day=b");
  expect(part.code).toBe(0);
  expect(part.err).toContain("only day=b: 1 task is selected");
  expect(part.err).toContain("1 of 1 task done");
  const whole = await edited(folder, upsert(1));
  expect(whole.err).toContain("3 of 3 tasks done");
}, 30_000);

test("a run of --only that fails is continued by the command that it names", async () => {
  using folder = tempFolder();
  const load = `{ if (process.env["DOWN"] === "1") throw new Error("down"); return ${upsert(1)}; }`;
  await Bun.write(join(folder.path, "etl.ts"), etl(load));
  const only = [...pipeloom, "run", "etl.ts", "--only", "day=b"];
  const failed = await run(only, folder.path, { DOWN: "1" });
  expect(failed.err).toContain("next: pipeloom run etl.ts --only day=b --db pipeloom.db --resume");
  const again = await run([...only, "--resume"], folder.path);
  expect({ code: again.code, err: again.err }).toEqual({
    code: 0,
    err: expect.stringContaining("run 1 continues"),
  });
}, 30_000);

test("a run in which --only selects nothing is not continued; one without stored status has no next command", async () => {
  using folder = tempFolder();
  const file = `import { each, pipeline, task } from "pipeloom";
    const list = task({ name: "list", run: () => ["a", "b"] });
    const load = task({ name: "load", run: ({ day }: { day: string }) => day });
    export default pipeline({ name: "p", tasks: () => each(list(), (day) => load({ day })) });`;
  await Bun.write(join(folder.path, "p.ts"), file);
  const only = await run([...pipeloom, "run", "p.ts", "--only", "day=x"], folder.path);
  expect(only.code).toBe(1);
  expect(only.err).toContain(
    "no task has this input; there are day=a, day=b\n  next: pipeloom status",
  );
  expect(only.err).not.toContain("--resume");
  const why = await run([...pipeloom, "why", "load"], folder.path);
  expect(why.err).toContain('run 1 has no task of "load": ');
  const bare = await run([...pipeloom, "run", "p.ts", "--no-store-task-status"], folder.path);
  expect({ code: bare.code, next: bare.err.includes("next:") }).toEqual({ code: 0, next: false });
}, 30_000);

test.each([
  [["--only", "day=x"], "only day=x: no task has this input; there are day=a, day=b"],
  [["--only", "date=a"], 'no task has "date" in its input; the inputs have day'],
  [["--only", "day"], 'only "day": there is no such task'],
  [
    ["--only", "load-day day=c"],
    'only "load-day day=c": there is no such task; did you mean "load-day day=a"?',
  ],
  [["--only", "day=a", "--keep", "load-day"], "--only begins a run of its own"],
])(
  "--only: %p",
  async (args, message) => {
    using folder = tempFolder();
    const wrong = await edited(folder, upsert(1), ...args);
    expect(wrong.err).toContain(message);
    expect(wrong.code).toBe(2);
    expect(await Bun.file(join(folder.path, "pipeloom.db")).exists()).toBeFalse();
  },
  30_000,
);

test("--dry-run says for each task what would run, and why; nothing is written", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), etl(upsert(1)));
  const dry = async (write: string, ...args: readonly string[]): Promise<string[]> => {
    const { out, err } = await edited(folder, write, "--dry-run", ...args);
    return `${out}${err}`.trim().split("\n").slice(5);
  };
  expect(await dry(upsert(1))).toEqual(["A new run would begin: every task runs."]);
  await run([...pipeloom, "run", "etl.ts"], folder.path, { FAIL: "1" });
  const file = join(folder.path, "pipeloom.db");
  const before = await Bun.file(file).bytes();
  expect(await dry(upsert(1), "--resume")).toEqual([
    "Run 1 would be continued:",
    "  load-day  kept (×2)",
    "  report    runs again: it failed",
    "A kept task runs again if its input is another one then, such as a result that it reads.",
  ]);
  expect(await dry(upsert(2), "--resume")).toEqual([
    "Run 1 would be continued:",
    "  load-day  runs again (×2): its code has changed",
    "  report    runs again: it failed",
  ]);
  expect(await dry(upsert(2), "--resume", "--keep", "load-day")).toContain(
    "  load-day  kept (×2), as asked: its code has changed",
  );
  expect(await dry(upsert(1), "--rerun", "load-day")).toContain(
    "  load-day  runs again (×2): as asked",
  );
  expect(await dry(upsert(1))).toContain("A new run would begin: every task runs.");
  expect((await edited(folder, upsert(1), "--dry-run", "--only", "day=a")).out).toStartWith(
    "etl: 1 task\n\nload-day\n\nonly day=a: 1 task is selected\nA new run",
  );
  const json = await edited(folder, upsert(2), "--dry-run", "--resume", "--format", "json");
  expect(JSON.parse(json.out)).toMatchObject({
    next: { kind: "continued", run: 1, tasks: [{ task: "load-day", kept: 0 }, { task: "report" }] },
  });
  expect(await Bun.file(file).bytes()).toEqual(before);
}, 60_000);

/** Runs a command line that names `pipeloom`, in another folder than the run's. */
const inShell = (line: string, folder: string, env = {}) => {
  const program = pipeloom.map(shellWord).join(" ");
  return run(["sh", "-c", `pipeloom() { ${program} "$@"; }\n${line}`], folder, env);
};

test.skipIf(process.platform === "win32")(
  "a hook's command runs again what has failed: this run, from any folder, whatever its file and params are called",
  async () => {
    using folder = tempFolder();
    using elsewhere = tempFolder();
    const hooked = join(folder.path, "command.txt");
    await Bun.write(
      join(folder.path, "it's mine.ts"),
      `import { pipeline, task } from "pipeloom";
       const load = task({ name: "load", run: ({ day }: { day: number }) => {
         if (day > 1 && process.env["FAIL"] === "1") throw new Error("no luck");
         return day;
       } });
       export const nightly = pipeline({ name: "etl", params: { note: "none", days: 1 },
         onFinish: async ({ rerun, failures, status }) => {
           const items = failures.map(({ name, input }) => name + input);
           await Bun.write(${JSON.stringify(hooked)}, JSON.stringify({ rerun, items, status }));
         },
         tasks: ({ params }) => Array.from({ length: params.days }, (_, i) => load({ day: i + 1 })) });`,
    );
    await Bun.write(join(folder.path, "p.json"), `{ "days": 3 }`);
    const args = ["--params", "p.json", "--param", `note=it's "late"`];
    const failed = await run([...pipeloom, "run", "it's mine.ts:nightly", ...args], folder.path, {
      FAIL: "1",
    });
    expect(failed.code).toBe(1);
    const { rerun, items, status } = await Bun.file(hooked).json();
    expect({ items: items.toSorted(), status }).toEqual({
      items: ['load{"day":2}', 'load{"day":3}'],
      status: "error",
    });
    // A later run with the same params is not the one that is meant.
    await run([...pipeloom, "run", "it's mine.ts:nightly", ...args, "--fresh"], folder.path);
    // The line at the end of the failed run says the same, from that run's folder.
    const printed = /next: (pipeloom run .*)/.exec(failed.err)?.[1] ?? "";
    const failedAgain = await inShell(printed, folder.path, { FAIL: "1" });
    expect(failedAgain.err).toMatch(/run 1 continues: 1 of \d tasks already done/);
    expect(failedAgain.code).toBe(1);
    const again = await inShell(rerun, elsewhere.path);
    expect(again.err).toContain("run 1 continues");
    expect(again.err).toContain("3 of 3 tasks done (1 before)");
    expect(again.code).toBe(0);
  },
  30_000,
);

test.skipIf(process.platform === "win32")(
  "params from standard input are named one by one in a hook's command; a secret is masked",
  async () => {
    using folder = tempFolder();
    const hooked = join(folder.path, "command.txt");
    await Bun.write(
      join(folder.path, "etl.ts"),
      `import { pipeline, task } from "pipeloom";
       const bad = task({ name: "bad", run: () => { throw new Error("no luck"); } });
       export default pipeline({ name: "etl", params: { day: "", token: "" }, secrets: ["TOKEN"],
         onFinish: async ({ rerun }) => { await Bun.write(${JSON.stringify(hooked)}, String(rerun)); },
         tasks: () => bad() });`,
    );
    const params = JSON.stringify({ day: "2026-11-03 noon", token: "correct-horse" });
    const line = `printf %s ${shellWord(params)} | pipeloom run etl.ts --params -`;
    expect((await inShell(line, folder.path, { TOKEN: "correct-horse" })).code).toBe(1);
    const file = join(folder.path, "etl.ts");
    const db = join(folder.path, "pipeloom.db");
    expect(await Bun.file(hooked).text()).toBe(
      `pipeloom run ${file} --param 'day=2026-11-03 noon' --param 'token=***' --db ${db} --rerun failed --resume 1`,
    );
  },
  30_000,
);

const failing = `{ if (day === "b") throw new Error("down"); return day; }`;

test("what runs again as asked is counted once, and named", async () => {
  using folder = tempFolder();
  await edited(folder, failing);
  const failed = await edited(folder, failing, "--rerun", "failed", "--dry-run");
  expect(failed.out).toContain("  load-day  runs again: as asked; kept\n");
  const chain = await edited(
    folder,
    failing,
    "--rerun",
    "load-day day=a",
    "--downstream",
    "--dry-run",
  );
  expect(chain.out).toContain(
    "  load-day  runs again: as asked, load-day day=a, with what depends on it; runs again: it failed\n",
  );
  const titled = await edited(folder, failing, "--rerun", "load-day day=a");
  expect(titled.err).toContain("runs again, as asked: load-day day=a\n");
}, 30_000);
