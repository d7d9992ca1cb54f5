// Ctrl-C, SIGTERM, kill -9 and readers that leave: exit codes, and what is in the file afterwards.

import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

import { groupRuns } from "../../src/base/process-group.ts";
import { type Child, ended, executable, newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(120_000);

const statuses = (rig: Rig): unknown[] =>
  rig.rows("SELECT status, count(*) AS n FROM task_runs GROUP BY status ORDER BY status");
const runs = (rig: Rig): unknown[] => rig.rows("SELECT id, status FROM pipeline_runs ORDER BY id");

describe.skipIf(process.platform === "win32")("signals", () => {
  const listening = `
    const listen = task({ name: "listen", run: (_, ctx) => step("listen", 0, ctx.signal) });
    export default pipeline({ name: "p", tasks: () => Array.from({ length: 5 }, () => listen()) });
  `;

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "%s: running tasks are cancelled, the others stay queued, exit %i",
    async (signal, code) => {
      await using rig = newRig();
      const { control } = rig;
      rig.pipeline(listening);
      const child = rig.spawn("run", "pipeline.ts", "--db", "test.db", "-w2");
      const calls = [await control.next("listen"), await control.next("listen")];
      child.kill(signal);
      await Promise.all(calls.map(({ gone }) => gone));
      const end = await ended(child);
      expect(end.code).toBe(code);
      expect(end.out).toBe("");
      expect(rig.list()).toEqual(["control.ts", "pipeline.ts", "test.db"]);
      expect(statuses(rig)).toEqual([
        { status: "cancelled", n: 2 },
        { status: "queued", n: 3 },
      ]);
      expect(runs(rig)).toEqual([{ id: 1, status: "cancelled" }]);
    },
  );

  test("SIGHUP is ignored where it was when pipeloom was started", async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(listening);
    const command = 'trap "" HUP; exec "$0" run pipeline.ts --db test.db -w1';
    const child = Bun.spawn(["sh", "-c", command, executable], {
      cwd: rig.path,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const call = await control.next("listen");
    child.kill("SIGHUP");
    call.finish();
    const next = await control.next("listen");
    child.kill("SIGTERM");
    await next.gone;
    expect((await ended(child)).code).toBe(143);
    expect(statuses(rig)).toEqual([
      { status: "cancelled", n: 1 },
      { status: "done", n: 1 },
      { status: "queued", n: 3 },
    ]);
  });

  test("until the run has begun, a signal has its usual effect", async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
      export default pipeline({ name: "p", async tasks() { await step("planning"); for (;;); } });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    (await control.next("planning")).finish();
    child.kill("SIGINT");
    await child.exited;
    expect(child.signalCode).toBe("SIGINT");
  });

  test.skipIf(process.platform !== "linux")(
    "a third ends the process and its programs, also while user code keeps the main thread busy",
    async () => {
      await using rig = newRig();
      const { control } = rig;
      rig.pipeline(`
        import { sh } from "pipeloom";
        const program = sh({ name: "program", shell: true, command: "echo $$ > pid; sleep 300" });
        export default pipeline({ name: "p", async *tasks() { yield program(); await step("before"); for (;;); } });
      `);
      const child = rig.spawn("run", "pipeline.ts", "--db", "test.db", "-w1");
      const before = await control.next("before");
      const pid = (): string =>
        existsSync(rig.file("pid")) ? readFileSync(rig.file("pid"), "utf8") : "";
      while (!pid().endsWith("\n")) await Bun.sleep(5);
      // Not sooner: a main thread that is busy hands out nothing.
      before.finish();
      // The watchdog may not be there yet: a person presses Ctrl-C again.
      while (child.exitCode === null) {
        child.kill("SIGINT");
        await Promise.race([child.exited, Bun.sleep(50)]);
      }
      expect(child.exitCode).toBe(130);
      while (groupRuns(Number(pid()))) await Bun.sleep(5);
    },
  );

  test("a second SIGINT ends what does not listen, and the file is right", async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
      const loop = task({ name: "loop", async run() { await step("loop"); for (;;); } });
      const deaf = task({ name: "deaf", async run(_, ctx) { ctx.signal.onabort = () => void step("told"); await step("deaf"); } });
      export default pipeline({ name: "p", tasks: () => [loop(), deaf(), loop()] });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db", "-w2");
    (await control.next("loop")).finish();
    await control.next("deaf");
    child.kill("SIGINT");
    await control.next("told");
    child.kill("SIGINT");
    expect((await ended(child)).code).toBe(130);
    expect(rig.list()).toEqual(["control.ts", "pipeline.ts", "test.db"]);
    expect(statuses(rig)).toEqual([
      { status: "cancelled", n: 2 },
      { status: "queued", n: 1 },
    ]);
  });

  test("a second SIGINT ends the wait for another program's lock, and the next run goes on", async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
      const ask = task({ name: "ask", run: (_, ctx) => step("ask") });
      export default pipeline({ name: "p", tasks: () => ask() });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    const call = await control.next("ask");
    using db = new Database(rig.file("test.db"));
    db.run("PRAGMA busy_timeout = 10000");
    db.run("BEGIN EXCLUSIVE");
    call.finish("not stored");
    child.kill("SIGINT");
    let err = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      // Two of one kind may arrive as one.
      if (!err.includes("again to stop now") && text.includes("again to stop now"))
        child.kill("SIGINT");
      err += text;
    }
    expect(await child.exited).toBe(130);
    // Interrupted where the main thread stops before it hears from the worker that the task has ended.
    expect(err).toMatch(/p was cancelled: 0 of 1 task done, 1 (not started|interrupted)/);
    expect(err).toMatch(/test\.db is locked by .*, and the run was told to stop now/);
    db.run("COMMIT");
    expect(runs(rig)).toEqual([{ id: 1, status: "running" }]);
    const again = ended(rig.spawn("run", "pipeline.ts", "--db", "test.db"));
    (await control.next("ask")).finish("stored");
    expect((await again).code).toBe(0);
    expect(rig.rows("SELECT id, status, result FROM task_runs")).toEqual([
      { id: 1, status: "done", result: '"stored"' },
    ]);
    expect(runs(rig)).toEqual([{ id: 1, status: "done" }]);
  });

  test("after a cancel, --resume does what was left, and only that", async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
      const quick = task({ name: "quick", run: () => "done before" });
      const ask = task({ name: "ask", run: ({ quick }: { quick: string }, ctx) => step("ask", quick, ctx.signal) });
      const last = task({ name: "last", run: (input: unknown) => input });
      export default pipeline({ name: "p", params: { who: "" }, tasks: () => last(ask({ quick: quick() })) });
    `);
    const command = ["run", "pipeline.ts", "--param", "who=you two", "--db", "test.db"];
    const child = rig.spawn(...command);
    await control.next("ask");
    child.kill("SIGINT");
    const { code, err } = await ended(child);
    expect(code).toBe(130);
    expect(err).toContain("run pipeline.ts --param 'who=you two' --db test.db --resume\n");
    const again = ended(rig.spawn(...command, "--resume"));
    const call = await control.next("ask");
    expect(call.input).toBe("done before");
    call.finish("answered");
    expect((await again).code).toBe(0);
    expect(runs(rig)).toEqual([{ id: 1, status: "done" }]);
    expect(rig.rows("SELECT name, status, result FROM task_runs ORDER BY id")).toEqual([
      { name: "quick", status: "done", result: '"done before"' },
      { name: "ask", status: "done", result: '"answered"' },
      { name: "last", status: "done", result: '"answered"' },
    ]);
  });
});

/** 0: not written yet. */
const pidIn = (rig: Rig): number =>
  existsSync(rig.file("pid")) ? Number(readFileSync(rig.file("pid"), "utf8")) : 0;

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

describe.skipIf(process.platform !== "linux")("what tasks have started by themselves", () => {
  /** A child with a child. */
  const tree = `["sh", "-c", "sleep 300 & echo $! > pid; wait"]`;

  test("ends with a run that is done", async () => {
    await using rig = newRig();
    rig.pipeline(`
      import { statSync } from "node:fs";
      const start = task({ name: "start", async run() {
        Bun.spawn(${tree}, { stdio: ["ignore", "ignore", "ignore"] });
        while (!statSync("pid", { throwIfNoEntry: false })?.size) await Bun.sleep(5);
      } });
      export default pipeline({ name: "p", tasks: () => start() });
    `);
    expect(await rig.pipeloom("run", "pipeline.ts", "--db", "test.db")).toMatchObject({ code: 0 });
    expect(pidIn(rig)).toBeGreaterThan(0);
    expect(isAlive(pidIn(rig))).toBe(false);
  });

  test("ends with a run that was stopped", async () => {
    await using rig = newRig();
    rig.pipeline(`
      const start = task({ name: "start", async run() { await Bun.spawn(${tree}).exited; } });
      export default pipeline({ name: "p", tasks: () => start() });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    while (pidIn(rig) === 0) await Bun.sleep(5);
    // Two of one kind may arrive as one, and two of different kinds in either order.
    child.kill("SIGINT");
    child.kill("SIGTERM");
    expect([130, 143]).toContain((await ended(child)).code);
    expect(isAlive(pidIn(rig))).toBe(false);
  });
});

test.skipIf(process.platform === "win32")(
  "killed, continued and cancelled: each task has one row",
  async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
    const ask = task({ name: "ask", run: ({ n }: { n: number }, ctx) => step("ask", n, ctx.signal) });
    const last = task({ name: "last", run: (input: unknown) => input });
    export default pipeline({ name: "p", tasks: () => last([1, 2, 3, 4, 5].map((n) => ask({ n }))) });
  `);
    const killed = rig.spawn("run", "pipeline.ts", "--db", "test.db", "-w3");
    (await control.next("ask")).finish("first");
    for (let i = 0; i < 3; i++) await control.next("ask");
    // That the next one has begun does not mean that the end of the first is in the file yet.
    while (rig.rows("SELECT 1 FROM task_runs WHERE status = 'done'").length === 0)
      await Bun.sleep(1);
    killed.kill("SIGKILL");
    await killed.exited;
    const cancelled = rig.spawn("run", "pipeline.ts", "--db", "test.db", "-w1");
    await control.next("ask");
    cancelled.kill("SIGINT");
    expect((await ended(cancelled)).code).toBe(130);
    expect(statuses(rig)).toEqual([
      { status: "cancelled", n: 1 },
      { status: "done", n: 1 },
      { status: "queued", n: 4 },
    ]);
  },
);

test.skipIf(process.platform === "win32")(
  "killed and continued: the failure of an optional task is final, and what read null stays done",
  async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
      const source = task({ name: "source", optional: true, run: () => step("source") });
      const read = task({ name: "read", run: (value: any, ctx) => ctx.insert("t", [{ value: String(value) }]) });
      const stay = task({ name: "stay", run: (_: unknown) => step("stay") });
      export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (value)", tasks: () => stay(read(source())) });
    `);
    const killed = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    (await control.next("source")).fail("down");
    await control.next("stay");
    killed.kill("SIGKILL");
    await killed.exited;
    const again = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    (await control.next("stay")).finish();
    const { code, err } = await ended(again);
    expect(code).toBe(0);
    expect(err).toContain("source failed in an earlier session of this run: down");
    expect(err).toContain("2 of 3 tasks done (1 before), 1 failed");
    expect(rig.rows("SELECT name, status, attempt FROM task_runs ORDER BY id")).toEqual([
      { name: "source", status: "error", attempt: 1 },
      { name: "read", status: "done", attempt: 1 },
      { name: "stay", status: "done", attempt: 1 },
    ]);
    expect(rig.rows("SELECT value FROM t")).toEqual([{ value: "null" }]);
  },
);

/** Reads lines until so many have come, or the stream ends. */
async function readLines(child: Child, count: number): Promise<number> {
  let lines = 0;
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    lines += decoder.decode(chunk).split("\n").length - 1;
    if (lines >= count) break;
  }
  return lines;
}

test("killed 20 times at any moment and started again: every row exactly once", async () => {
  await using rig = newRig();
  const [tasks, parts] = [400, 5];
  rig.pipeline(`
    const load = task({
      name: "load",
      async run({ n }: { n: number }, ctx) {
        const from = Number(ctx.cursor ?? 0);
        for (let part = from; part < ${parts}; part++) {
          await ctx.insert("rows", [{ id: n * 100 + part, attempt: ctx.attempt }]);
          await Bun.sleep(1);
          if (part % 2 === 1) await ctx.checkpoint(part + 1);
        }
        return n;
      },
    });
    const sum = task({ name: "sum", run: (all: number[]) => all.reduce((a, b) => a + b) });
    export default pipeline({
      name: "p",
      schema: "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, attempt)",
      tasks: () => sum(each(Array.from({ length: ${tasks} }, (_, n) => n), (n) => load({ n }))),
    });
  `);
  const args = ["run", "pipeline.ts", "--db", "test.db", "--json", "-w2", "-c6"];
  let kills = 0;
  for (let isDone = false; kills < 20 && !isDone; kills++) {
    const child = rig.spawn(...args);
    // So far, and a moment more: in the middle of a transaction, of a commit, of the end.
    await readLines(child, 1 + Math.floor(Math.random() * 60));
    await Bun.sleep(Math.random() * 8);
    child.kill("SIGKILL");
    await child.exited;
    isDone = rig.rows("SELECT status FROM pipeline_runs")[0]?.["status"] !== "running";
  }
  expect(kills).toBe(20);
  const { code, err } = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
  expect({ code, err }).toMatchObject({ code: 0 });
  expect(rig.list().filter((name) => !/-(wal|shm)$/.test(name))).toEqual([
    "pipeline.ts",
    "test.db",
  ]);
  expect(
    rig.rows("SELECT count(*) AS n, count(DISTINCT id) AS ids, max(attempt) AS attempts FROM rows"),
  ).toEqual([{ n: tasks * parts, ids: tasks * parts, attempts: 1 }]);
  expect(runs(rig)).toEqual([{ id: 1, status: "done" }]);
  expect(statuses(rig)).toEqual([{ status: "done", n: tasks + 1 }]);
  expect(
    rig.rows("SELECT DISTINCT result FROM task_runs WHERE name = 'sum' AND status = 'done'"),
  ).toEqual([{ result: String((tasks * (tasks - 1)) / 2) }]);
});

test.skipIf(process.platform === "win32")(
  "--json | head -1: one line, and the run goes on",
  async () => {
    await using rig = newRig();
    rig.pipeline(`
    const a = task({ name: "a", run: () => Bun.sleep(5) });
    export default pipeline({ name: "p", tasks: () => Array.from({ length: 300 }, () => a()) });
  `);
    const shell = Bun.spawn(
      [
        "sh",
        "-c",
        '("$0" run pipeline.ts --db test.db --json -c50; echo "code $?" >&2) | head -1',
        executable,
      ],
      { cwd: rig.path, stdout: "pipe", stderr: "pipe" },
    );
    const { out, err } = await ended(shell);
    expect(out).toMatch(/^\{"type":"run-started".*\}\n$/);
    expect(err).toContain("code 0");
    expect(statuses(rig)).toEqual([{ status: "done", n: 300 }]);
    expect(runs(rig)).toEqual([{ id: 1, status: "done" }]);
  },
);

test("--json: each line is an event, and each task's end comes once", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const a = task({ name: "a", retries: { limit: 1, delay: 0 }, run({ n }: { n: number }, ctx) {
      console.log("on stdout, were it not caught");
      if (n === 3 && ctx.attempt === 1) throw new Error("once");
      return n;
    } });
    export default pipeline({ name: "p", tasks: () => Array.from({ length: 20 }, (_, n) => a({ n })) });
  `);
  const { code, out } = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db", "--json");
  expect(code).toBe(0);
  const events = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; id?: number });
  expect(events[0]?.type).toBe("run-started");
  expect(events.at(-1)?.type).toBe("run-finished");
  const ends = events.filter(({ type }) => type === "task-finished").map(({ id }) => id);
  expect(ends.toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  expect(events.filter(({ type }) => type === "task-retrying")).toHaveLength(1);
});
