// `runPipeline` from a Bun program: from a file, from a value that the program itself defines, in memory, aborted.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ended, newRig, type Ended, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const source = `${import.meta.dir}/../../src/index.ts`;

/** The program, with the package resolved as if it were installed. */
async function program(rig: Rig, text: string): Promise<Ended> {
  rig.write(
    "tsconfig.json",
    JSON.stringify({ compilerOptions: { paths: { pipeloom: [source] } } }),
  );
  rig.write("main.ts", text);
  return ended(
    Bun.spawn([process.execPath, "main.ts"], { cwd: rig.path, stdout: "pipe", stderr: "pipe" }),
  );
}

const file = `
  const a = task({ name: "a", async run({ n }: { n: number }, ctx) {
    if (n === 2) throw new Error("two");
    await ctx.insert("t", [{ n }]);
    return n;
  } });
  export default pipeline({ name: "p", params: { count: 3 }, schema: "CREATE TABLE IF NOT EXISTS t (n)",
    tasks: ({ params }) => Array.from({ length: params.count }, (_, n) => a({ n })) });
  export const other = pipeline({ name: "other", tasks: () => [] });
`;

const slowStream = (name: string): string => `
  import { pipeline, task } from "pipeloom";
  const work = task({ name: "${name}", run: ({ n }: { n: number }) => n });
  export default pipeline({ name: "${name}", async *tasks() {
    for (let n = 0; n < 20; n++) { await Bun.sleep(1); yield work({ n }); }
  } });`;

test("a task that calls runPipeline fails, and does not hang", async () => {
  await using rig = newRig();
  const path = rig.write(
    "nested.ts",
    `import { pipeline, runPipeline, task } from "pipeloom";
     const t = task({ name: "t", run: async () => (await runPipeline("other.ts")).done });
     export default pipeline({ name: "p", tasks: () => t() });`,
  );
  expect(await rig.run(path)).toMatchObject({
    failed: 1,
    failures: [{ failure: { message: expect.stringContaining("cannot call runPipeline") } }],
  });
});

describe("from a file", () => {
  test("a failed task is in the summary, not thrown", async () => {
    await using rig = newRig();
    rig.pipeline(file);
    const { code, out, err } = await program(
      rig,
      `import { runPipeline } from "pipeloom";
       const events: string[] = [];
       const summary = await runPipeline("pipeline.ts", { db: "test.db", params: { count: 4 }, onEvent: ({ type }) => void events.push(type) });
       const { status, total, done, failed, failures } = summary;
       console.log(JSON.stringify({ status, total, done, failed, message: failures[0]?.failure.message, first: events[0], last: events.at(-1) }));`,
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toEqual({
      status: "error",
      total: 4,
      done: 3,
      failed: 1,
      message: "two",
      first: "run-started",
      last: "run-finished",
    });
    expect(rig.rows("SELECT n FROM t ORDER BY n")).toEqual([{ n: 0 }, { n: 1 }, { n: 3 }]);
  });

  test("two at once, and others after them: each plans its own nodes", async () => {
    await using rig = newRig();
    for (const name of ["a", "b", "c"]) rig.write(`${name}.ts`, slowStream(name));
    const { code, out, err } = await program(
      rig,
      `import { runPipeline } from "pipeloom";
       const run = (name: string) => runPipeline(name + ".ts", { db: "test.db" });
       const summaries = [...await Promise.all([run("a"), run("b")]), await run("c"), await run("a")];
       console.log(JSON.stringify(summaries.map(({ pipeline, status, done }) => [pipeline, status, done])));`,
    );
    expect({ code, err, out: JSON.parse(out) }).toEqual({
      code: 0,
      err: "",
      out: [
        ["a", "done", 20],
        ["b", "done", 20],
        ["c", "done", 20],
        ["a", "done", 20],
      ],
    });
  });

  test("one of several, by its export", async () => {
    await using rig = newRig();
    rig.pipeline(file);
    const { out } = await program(
      rig,
      `import { runPipeline } from "pipeloom";
       const summary = await runPipeline("pipeline.ts:other", { db: ":memory:" });
       console.log(summary.pipeline, summary.status, summary.total);`,
    );
    expect(out).toBe("other done 0\n");
    expect(rig.list()).not.toContain("pipeloom.db");
  });

  test.each([
    ['"gone.ts"', "{}", "LoadError: gone.ts: no such file"],
    ['"pipeline.ts"', "{ params: { cuont: 1 } }", 'ParamsError: unknown parameter "cuont"'],
    ['"pipeline.ts"', "{ workers: 0 }", "RangeError: workers must be an integer of at least 1"],
    [
      '"pipeline.ts"',
      "{ workers: 1025 }",
      "RangeError: workers must be an integer of at most 1024",
    ],
    [
      '"pipeline.ts"',
      "{ concurrency: 1e9 }",
      "RangeError: concurrency must be an integer of at most 100000, not 1000000000",
    ],
    ['"pipeline.ts"', "{ db: 5 }", 'TypeError: db must be a path or ":memory:", not 5'],
    [
      '"pipeline.ts"',
      "null",
      "TypeError: runPipeline(pipeline, options) takes an object of options",
    ],
    ['"pipeline.ts"', "{ worker: 3 }", 'TypeError: runPipeline: there is no option "worker": did'],
    [
      '"pipeline.ts"',
      '{ durability: "none" }',
      'TypeError: runPipeline: durability must be "full" or "normal", not "none"',
    ],
    ['"pipeline.ts"', '{ wal: "no" }', "TypeError: runPipeline: wal must be true or false, not"],
    ['"pipeline.ts"', '{ resume: "newest" }', 'TypeError: runPipeline: resume must be "auto", '],
    ['"pipeline.ts"', '{ rerun: "load" }', "TypeError: runPipeline: rerun must be a list of texts"],
    [
      '"pipeline.ts"',
      "{ onEvent: 5 }",
      "TypeError: runPipeline: onEvent must be a function, not 5",
    ],
    ["undefined", "{}", "TypeError: runPipeline: the first argument is undefined; pass the path"],
    ["{ name: 'x' }", "{}", "TypeError: runPipeline: the first argument is an Object; pass"],
    ['"pipeline.ts"', '{ db: "/" }', "StoreError: / is a folder"],
  ])("runPipeline(%s, %s) rejects", async (target, options, message) => {
    await using rig = newRig();
    rig.pipeline(file);
    const { out } = await program(
      rig,
      `import { runPipeline } from "pipeloom";
       await runPipeline(${target}, ${options}).catch((error) => console.log(\`\${error.name}: \${error.message}\`));`,
    );
    expect(out).toStartWith(message);
    expect(rig.list()).toEqual(["main.ts", "pipeline.ts", "tsconfig.json"]);
  });
});

const own = (then: string): string => `
  import { message, pipeline, runPipeline, task, each } from "pipeloom";
  const note = message("note", (db, text: string) => void db.run("INSERT INTO notes VALUES (?)", text));
  const list = task({ name: "list", run: () => ["a", "b"] });
  const write = task({ name: "write", async run({ text }: { text: string }, ctx) { await ctx.emit(note, text); return text; } });
  const join = task({ name: "join", run: ({ texts }: { texts: string[] }) => texts.join("+") });
  const own = pipeline({ name: "own", messages: [note], schema: "CREATE TABLE IF NOT EXISTS notes (text)",
    tasks: () => join({ texts: each(list(), (text) => write({ text })) }) });
  ${then}
`;

describe("from a value", () => {
  test("in the program that calls it: the Workers import it, and there the call does nothing", async () => {
    await using rig = newRig();
    const { code, out, err } = await program(
      rig,
      own(`
        console.log("main runs");
        const summary = await runPipeline(own, { db: "test.db", workers: 2 });
        console.log(summary.status, summary.done);
      `),
    );
    expect({ code, out, err }).toEqual({ code: 0, out: "main runs\ndone 4\n", err: "" });
    expect(rig.rows("SELECT text FROM notes ORDER BY text")).toEqual([
      { text: "a" },
      { text: "b" },
    ]);
    expect(rig.rows("SELECT result FROM task_runs WHERE name = 'join'")).toEqual([
      { result: '"a+b"' },
    ]);
  });

  test("twice in one program, one after the other", async () => {
    await using rig = newRig();
    const { out, err } = await program(
      rig,
      own(`
        if (Bun.isMainThread) {
          for (const resume of ["auto", "auto"] as const) {
            const { run, status, done } = await runPipeline(own, { db: "test.db", resume });
            console.log(run, status, done);
          }
        }
      `),
    );
    expect({ out, err }).toEqual({ out: "1 done 4\n2 done 4\n", err: "" });
  });

  test("aborted by its signal", async () => {
    await using rig = newRig();
    const { out } = await program(
      rig,
      `import { pipeline, runPipeline, task } from "pipeloom";
       const wait = task({ name: "wait", run: (_, ctx) => new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))) });
       const own = pipeline({ name: "own", tasks: () => [wait(), wait()] });
       if (Bun.isMainThread) {
         const abort = new AbortController();
         const summary = await runPipeline(own, { db: ":memory:", workers: 1, signal: abort.signal, onEvent: ({ type }) => { if (type === "task-started") abort.abort(); } });
         console.log(summary.status, summary.cancelled, summary.queued);
       }`,
    );
    expect(out).toBe("cancelled 1 1\n");
    expect(rig.list()).toEqual(["main.ts", "tsconfig.json"]);
  });
});
