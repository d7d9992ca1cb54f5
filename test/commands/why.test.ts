// `pipeloom why`: what it says of tasks that ran, were reused, were skipped, and ran again.

import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

// Each test starts several processes.
setDefaultTimeout(120_000);

const etl = (rate: number): string => `
import { pipeline, task } from "pipeloom";
const load = task({ name: "load", reuse: true, files: ["data.csv"], env: ["MODE"], version: "1",
  run: ({ day }: { day: number }) => {
    // How much it is.
    const rate = ${rate};
    return day * rate;
  } });
const report = task({ name: "report", run: ({ x }: { x: number }) => {
  if (process.env["FAIL"] === "1") throw new Error("as planned");
  return x;
} });
const mail = task({ name: "mail", retries: { limit: 2, delay: 1 }, run: (_: { x: number }, ctx) => {
  if (ctx.attempt < 3) throw new Error("not yet");
} });
export default pipeline({ name: "etl", params: { day: 1 }, tasks: ({ params }) => mail({ x: report({ x: load({ day: params.day }) }) }) });
`;

class Project implements Disposable {
  readonly #folder: TempFolder = tempFolder();

  async write(rate: number): Promise<void> {
    await Bun.write(this.path("etl.ts"), etl(rate));
    await Bun.write(this.path("data.csv"), "1");
  }

  path(name: string): string {
    return join(this.#folder.path, name);
  }

  async run(args: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
    await run([...pipeloom, "run", "etl.ts", ...args], this.#folder.path, env);
  }

  /** Without the first line, and without the indent. */
  async why(...args: readonly string[]): Promise<string[]> {
    const { out, err } = await run([...pipeloom, "why", ...args], this.#folder.path);
    return `${out}${err}`
      .trim()
      .split("\n")
      .map((line) => line.trim());
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

test("the first run, a result that is reused, and a task that always runs", async () => {
  using project = new Project();
  await project.write(2);
  await project.run();
  const first = "it is the first run of the pipeline that has this task";
  expect(await project.why("load")).toEqual([
    "load day=1 #1 of run 1 (etl): it ran, and is done",
    first,
  ]);
  await project.run();
  expect(await project.why("load")).toEqual([
    "load day=1 #1 of run 2 (etl): it was reused",
    "reused from run 1: nothing that its result depends on has changed",
  ]);
  expect(await project.why("#2", "2")).toEqual([
    "report x=2 #2 of run 2 (etl): it ran, and is done",
    "it has no `reuse`, so it runs in each run; its code has not changed since run 1",
    "it reads the results of load day=1 #1 (done)",
  ]);
  expect(await project.why("mail")).toContain("it was tried 3 times: earlier attempts failed");
});

test("changed code is shown, without comments and types", async () => {
  using project = new Project();
  await project.write(2);
  await project.run();
  await project.write(3);
  await project.run();
  const [, because, , ...diff] = await project.why("load");
  expect(because).toBe("its code changed since run 1");
  expect(diff).toEqual([
    'version: "1",',
    "run: ({ day }) => {",
    "-     const rate = 2;",
    "+     const rate = 3;",
    "return day * rate;",
    "}",
  ]);
});

test.each([
  ["its variables (MODE) changed since run 1", [], { MODE: "fast" }],
  ["its input (day: 1 → 2) changed since run 1", ["--param", "day=2"], {}],
  ["an earlier run has its result, and it was to run all the same", ["--no-reuse"], {}],
] as const)("%s", async (because, args, env) => {
  using project = new Project();
  await project.write(2);
  await project.run();
  await project.run(args, env);
  expect((await project.why("load"))[1]).toStartWith(because);
});

test("a file that has changed, and one that is declared no more", async () => {
  using project = new Project();
  await project.write(2);
  await project.run();
  await Bun.write(project.path("data.csv"), "2");
  await project.run();
  expect(await project.why("load")).toContain("its files (data.csv) changed since run 1");
});

test("a task that was skipped, one that failed, and one that ran again as asked", async () => {
  using project = new Project();
  await project.write(2);
  await project.run([], { FAIL: "1" });
  expect(await project.why("mail")).toEqual([
    "mail #3 of run 1 (etl): it was skipped",
    'skipped because task "report x=2" #2 did not finish',
    "report x=2 #2 failed: as planned",
    "it reads the results of report x=2 #2 (error)",
  ]);
  expect((await project.why("report"))[0]).toBe("report x=2 #2 of run 1 (etl): it ran, and failed");
  await project.run(["--resume"]);
  await project.run(["--rerun", "report"]);
  expect((await project.why("report"))[1]).toBe(
    "it ran again in a later session of the run, as asked (--rerun)",
  );
});

test("a run that was continued after an edit is compared with its session before", async () => {
  using project = new Project();
  await project.write(2);
  await project.run([], { FAIL: "1" });
  await project.write(3);
  await project.run(["--resume"]);
  expect(await project.why("load", "1")).toEqual([
    "load day=1 #1 of run 1 (etl): it ran, and is done",
    "it ran again in a later session of the run: its code had changed",
    "",
    'version: "1",',
    "run: ({ day }) => {",
    "-     const rate = 2;",
    "+     const rate = 3;",
    "return day * rate;",
    "}",
  ]);
  const json = JSON.parse((await project.why("load", "1", "--json")).join("\n")) as object;
  expect(json).toMatchObject({ run: 1, since: 1, changes: [{ part: "code", names: [] }] });
  // What was not edited is compared with the run before.
  expect((await project.why("mail"))[1]).toBe(
    "it is the first run of the pipeline that has this task",
  );
});

const fan = `
import { each, pipeline, task } from "pipeloom";
const list = task({ name: "list", run: () => [1, 2, 3] });
const load = task({ name: "load", run: ({ n }: { n: number }) => {
  if (n === 2) throw new Error("no such page");
  return n;
} });
const check = task({ name: "check", run: () => null });
const sum = task({ name: "sum", run: (_: { all: number[] }) => null });
const mail = task({ name: "mail", run: (_: { x: unknown }) => null });
export default pipeline({ name: "fan", tasks: () =>
  mail({ x: sum({ all: each(list(), (n) => load({ n })) }, { after: [check()] }) }) });
`;

test("what a task depends on: fan-outs, what is only waited for, and the failure behind skipped tasks", async () => {
  using project = new Project();
  await Bun.write(project.path("etl.ts"), fan);
  await project.run();
  const [failed = ""] = await project
    .why("mail", "--json")
    .then((lines) =>
      (JSON.parse(lines.join("\n")) as { failed: { id: number }[] }).failed.map(
        ({ id }) => `#${id}`,
      ),
    );
  const [, because, culprit, skipped] = await project.why("mail");
  expect(because).toStartWith('skipped because task "load n=2"');
  expect(culprit).toBe(`load n=2 ${failed} failed: no such page`);
  expect(skipped).toMatch(/^it reads the results of sum #\d+ \(skipped\)$/);
  const sum = await project.why("sum");
  expect(sum.slice(2, 4)).toEqual([
    `load n=2 ${failed} failed: no such page`,
    `it reads the results of a fan-out over list, 3 items of load (1 failed, the first is load n=2 ${failed})`,
  ]);
  expect(sum[4]).toMatch(/^it waits for the end of check #\d+ \(done\)$/);
  expect(await project.why(failed)).toContain("it is an item of a fan-out over list");
});

test("a task that waits names what has not ended", async () => {
  using project = new Project();
  await Bun.write(project.path("etl.ts"), fan);
  await project.run();
  using db = new Database(project.path("pipeloom.db"));
  db.run("UPDATE task_runs SET status = 'queued', error = NULL WHERE name = 'mail'");
  db.run("UPDATE task_runs SET status = 'running', error = NULL WHERE name IN ('sum', 'load')");
  const [, because, reads] = await project.why("mail");
  expect(because).toBe("it waits for what it depends on: not all of it has ended");
  expect(reads).toMatch(/^it reads the results of sum #\d+ \(running\)$/);
  expect(await project.why("sum")).toContain(
    "it reads the results of a fan-out over list, 3 items of load (3 are running)",
  );
});

test("--json, and what there is not", async () => {
  using project = new Project();
  await project.write(2);
  await project.run();
  await project.write(3);
  await project.run();
  const json = JSON.parse((await project.why("load", "2", "--json")).join("\n")) as object;
  expect(json).toMatchObject({
    version: 1,
    run: 2,
    pipeline: "etl",
    task: { name: "load", definition: "load", status: "done" },
    outcome: "ran",
    since: 1,
    changes: [{ part: "code", names: [] }],
  });
  expect(await project.why("nope")).toEqual([
    'error: run 2 has no task "nope"; it has load, mail, report',
  ]);
  expect((await project.why("load", "9"))[0]).toContain("has no run 9");
});

test("a run with many tasks is not read whole", async () => {
  using project = new Project();
  await project.write(2);
  await project.run();
  using db = new Database(project.path("pipeloom.db"));
  db.run(
    `INSERT INTO task_runs (run_id, id, name, key, status, attempt) WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
      SELECT 1, i, iif(i = 60000, 'last', 'many'), 'many:' || i, 'done', 1 FROM n`,
  );
  // The graph of the run does not have them: the counts are to be made again.
  db.run("UPDATE pipeline_runs SET counts = NULL");
  expect((await project.why("last"))[0]).toBe("last #60000 of run 1 (etl): it ran, and is done");
  expect((await project.why("many"))[0]).toStartWith("many #10 of run 1");
});

test("a task of a continued run names the file and the variable that it declares and that had changed", async () => {
  using project = new Project();
  await project.write(1);
  await project.run([], { FAIL: "1", MODE: "slow" });
  await Bun.write(project.path("data.csv"), "2");
  await project.run(["--resume"], { MODE: "fast" });
  expect((await project.why("load")).slice(1)).toEqual([
    "it ran again in a later session of the run: a file or a variable that it declares had changed",
    "its files (data.csv), its variables (MODE)",
  ]);
});

test("of a name that several inputs had: the task of the last session's plan", async () => {
  using project = new Project();
  await Bun.write(
    project.path("etl.ts"),
    `import { each, pipeline, task } from "pipeloom";
     const list = task({ name: "list", run: () => (process.env["DAYS"] ?? "").split(",") });
     const load = task({ name: "load", run: ({ day }: { day: string }) => day });
     const report = task({ name: "report", run: ({ all }: { all: string[] }) => all });
     export default pipeline({ name: "p", tasks: () => report({ all: each(list(), (day) => load({ day })) }) });`,
  );
  await project.run([], { DAYS: "a,b,c" });
  await project.run(["--rerun", "list"], { DAYS: "c,x" });
  expect(await project.why("report")).toContain(
    "it reads the results of a fan-out over list, 2 items of load",
  );
  expect((await project.why("load day=a")).join("\n")).toContain(
    "the last session did not plan it",
  );
  const { out } = await run(
    [...pipeloom, "run", "etl.ts", "--rerun", "list", "--dry-run"],
    project.path("."),
  );
  expect(out).toMatch(/load +kept \(×2\)/);
});
