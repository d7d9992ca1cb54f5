// `run --engine` and `worker`: the executable with a Redis of its own.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { version as packageVersion } from "../../package.json";

import { EngineKey } from "../../src/executors/redis/engine-key.ts";
import { packEntry } from "../../src/executors/redis/machine-entry.ts";
import type { Control } from "../support/control.ts";
import { engineKey as key, gates, Machines, until } from "../support/machines.ts";
import { run as runProgram } from "../support/program.ts";
import { hasRedis } from "../support/redis-server.ts";
import { type Child, ended, type Rig } from "../support/rig.ts";

// Each test starts several programs.
setDefaultTimeout(60_000);

/** The run writes the database: it is asked until it says so. */
async function untilRunning(rig: Rig, tasks: number): Promise<void> {
  const isRunning = "SELECT 1 FROM task_runs WHERE status = 'running'";
  while (rig.rows(isRunning).length < tasks) await Bun.sleep(10);
}

async function rigHas(rig: Rig, sql: string): Promise<void> {
  while (rig.rows(sql).length === 0) await Bun.sleep(10);
}

async function untilDone(rig: Rig, name: string, tasks: number): Promise<void> {
  const done = `SELECT COUNT(*) AS n FROM task_runs WHERE name = '${name}' AND status = 'done'`;
  while (rig.rows(done)[0]?.["n"] !== tasks) await Bun.sleep(10);
}

/** What a child says that fails. */
async function failed(child: Child): Promise<string> {
  const { code, err } = await ended(child);
  expect(code).not.toBe(0);
  return err;
}

/** Lets each gate go on as it comes. */
async function finishAll(control: Control): Promise<never> {
  for (;;) (await control.next("gate")).finish();
}

describe.skipIf(!hasRedis)("machines", () => {
  test("rows, messages, state, queries and results are as in a local run", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    rig.pipeline(`
      const note = message("note", (db, { i }) => db.run("INSERT INTO notes VALUES (?)", i));
      const list = task({ name: "list", run: () => Array.from({ length: 50 }, (_, i) => i) });
      const work = task({ name: "work", async run({ i }, ctx) {
        ctx.progress(1, 2);
        await ctx.upsert("items", [{ id: i, text: "ü" + i, bytes: new Uint8Array([i]) }], { key: "id" });
        await ctx.checkpoint(i);
        await ctx.emit(note, { i });
        ctx.log.info("did", i);
        return i * 2;
      } });
      const sum = task({ name: "sum", async run({ all }, ctx) {
        const [{ n, big }] = ctx.query("SELECT COUNT(*) AS n, 9007199254740993 AS big FROM items WHERE id >= ?", 10);
        await ctx.state.set("n", n);
        return { sum: all.reduce((a, b) => a + b, 0), n, big: String(big), state: await ctx.state.get("n") };
      } });
      const wrong = task({ name: "wrong", run: (_, ctx) => ctx.query("SELECT x FROM nowhere") });
      export default pipeline({
        name: "p",
        schema: "CREATE TABLE items (id INTEGER PRIMARY KEY, text TEXT, bytes BLOB); CREATE TABLE notes (i INTEGER)",
        messages: [note],
        tasks: () => [sum({ all: each(list(), (i) => work({ i })) }), wrong()],
      });
    `);
    machines.worker("-w", "2");
    machines.worker("-w", "1");
    const { code, err } = await ended(machines.run());
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining("no such table: nowhere"),
    });
    expect(rig.rows("SELECT COUNT(*) AS n, SUM(id) AS s FROM items")).toEqual([{ n: 50, s: 1225 }]);
    expect(rig.rows("SELECT COUNT(*) AS n, SUM(i) AS s FROM notes")).toEqual([{ n: 50, s: 1225 }]);
    expect(rig.rows("SELECT hex(bytes) AS b, text FROM items WHERE id = 17")).toEqual([
      { b: "11", text: "ü17" },
    ]);
    const [row] = rig.rows("SELECT result FROM task_runs WHERE name = 'sum'");
    expect(JSON.parse(String(row?.["result"]))).toEqual({
      sum: 2450,
      n: 40,
      big: "9007199254740993",
      state: 40,
    });
    expect(rig.rows("SELECT COUNT(*) AS n FROM task_logs WHERE line LIKE 'did %'")).toEqual([
      { n: 50 },
    ]);
  });

  test("the tasks of a machine that is killed run elsewhere, and no retry is used up", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(gates);
    const first = machines.worker("-w", "2");
    const run = machines.run();
    const lost = [await control.next("gate"), await control.next("gate")];
    // A start that the run has not heard of is no attempt.
    await untilRunning(rig, 2);
    machines.worker("-w", "2");
    first.kill("SIGKILL");
    for (const gate of lost) await gate.gone;
    for (let i = 0; i < 2; i++) (await control.next("gate")).finish();
    const { code, err } = await ended(run);
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringContaining("has been silent for 5 s"),
    });
    expect(rig.rows("SELECT i, attempt FROM seen ORDER BY i")).toEqual([
      { i: 1, attempt: 2 },
      { i: 2, attempt: 2 },
    ]);
    expect(rig.rows("SELECT DISTINCT outcome FROM task_attempts")).toEqual([
      { outcome: "interrupted" },
    ]);
  });

  test("what a slow worker holds ahead goes to one that has nothing to do", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(`
      const quick = task({ name: "quick", run: () => null });
      const gate = task({ name: "gate", async run({ i }, ctx) {
        await ctx.insert("seen", [{ i, pid: process.pid }]);
        await step("gate", process.pid, ctx.signal);
      } });
      export default pipeline({
        name: "p",
        schema: "CREATE TABLE seen (i INTEGER, pid INTEGER)",
        tasks: () => {
          const after = Array.from({ length: 300 }, () => quick());
          return Array.from({ length: 8 }, (_, i) => gate({ i }, { after }));
        },
      });
    `);
    const first = machines.worker("-w", "1");
    const run = machines.run();
    // All others are behind it, in one lease: short tasks are expected.
    const slow = await control.next("gate");
    const second = machines.worker("-w", "1");
    for (let i = 0; i < 7; i++) {
      const gate = await control.next("gate");
      expect(gate.input).toBe(second.pid);
      gate.finish();
    }
    slow.finish();
    expect((await ended(run)).code).toBe(0);
    expect(rig.rows("SELECT pid, COUNT(*) AS n FROM seen GROUP BY pid ORDER BY n")).toEqual([
      { pid: first.pid, n: 1 },
      { pid: second.pid, n: 7 },
    ]);
  });

  test("a worker that comes back after it was given up has no say in what it had", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(gates);
    const first = machines.worker("-w", "1");
    const run = machines.run();
    const lost = await control.next("gate");
    first.kill("SIGSTOP");
    machines.worker("-w", "1");
    // Both tasks run on the second worker now, one after the other.
    const second = await control.next("gate");
    second.finish();
    const third = await control.next("gate");
    lost.finish();
    first.kill("SIGCONT");
    await until(first, "had given this machine up");
    third.finish();
    void finishAll(control);
    expect((await ended(run)).code).toBe(0);
    expect(rig.rows("SELECT COUNT(*) AS n, COUNT(DISTINCT i) AS d FROM seen")).toEqual([
      { n: 2, d: 2 },
    ]);
  });

  test("Redis may lose all that it has: the run goes on where it was", async () => {
    await using machines = await Machines.open();
    const { rig, redis } = machines;
    const { control } = rig;
    rig.pipeline(gates);
    machines.worker("-w", "1");
    const run = machines.run();
    const gate = await control.next("gate");
    await redis.kill();
    gate.finish();
    await redis.start();
    (await control.next("gate")).finish();
    const { code, err } = await ended(run);
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringContaining("Redis does not answer"),
    });
    expect(rig.rows("SELECT i, attempt FROM seen ORDER BY i")).toEqual([
      { i: 1, attempt: 1 },
      { i: 2, attempt: 1 },
    ]);
  });

  test("what is started while Redis is down waits for it, and says so", async () => {
    await using machines = await Machines.open("--requirepass", "the password");
    const { rig, redis } = machines;
    rig.pipeline(`
      const one = task({ name: "one", run: () => 1 });
      export default pipeline({ name: "p", tasks: () => one() });
    `);
    expect(await failed(machines.run())).toContain("NOAUTH");
    await redis.kill();
    const withPassword = ["env", "PIPELOOM_ENGINE_PASSWORD=the password"];
    const started = (...args: string[]): Child => machines.start(args, key, withPassword);
    const run = started("run", "pipeline.ts", "--db", "test.db");
    const worker = started("worker");
    const words = `Redis at ${redis.url} does not answer (ECONNREFUSED)`;
    await Promise.all([run, worker].map((child) => until(child, words)));
    await redis.start();
    expect(await run.exited).toBe(0);
  });

  test("a run that was killed is continued, and what its machines had goes on", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(gates);
    machines.worker("-w", "1");
    machines.worker("-w", "1");
    const first = machines.run();
    const gatesBefore = [await control.next("gate"), await control.next("gate")];
    await untilRunning(rig, 2);
    const starts = "SELECT id, started_at, machine FROM task_runs ORDER BY id";
    const before = rig.rows(starts);
    first.kill("SIGKILL");
    await first.exited;
    const [ends, runs] = gatesBefore;
    // One task ends while there is no run, the other one when there is one again.
    ends?.finish();
    const second = machines.run();
    await untilDone(rig, "gate", 1);
    runs?.finish();
    const { code, err } = await ended(second);
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringContaining("2 tasks of the session before go on where they were"),
    });
    expect(control.waiting("gate")).toBe(0);
    expect(rig.rows("SELECT i, attempt FROM seen ORDER BY i")).toEqual([
      { i: 1, attempt: 1 },
      { i: 2, attempt: 1 },
    ]);
    expect(rig.rows(starts)).toEqual(before);
    expect(rig.rows("SELECT * FROM task_attempts")).toEqual([]);
  });

  test("after a kill, what a task commits, asks and says is there once", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(`
      const steps = task({ name: "steps", async run(_, ctx) {
        for (let i = 0; i < 4; i++) {
          ctx.log.info("step", i);
          await ctx.insert("seen", [{ i, attempt: ctx.attempt }]);
          await step("gate", i, ctx.signal);
          await ctx.checkpoint(i);
          await ctx.state.set("last", i);
        }
        return ctx.query("SELECT COUNT(*) AS n FROM seen");
      } });
      export default pipeline({
        name: "p",
        schema: "CREATE TABLE IF NOT EXISTS seen (i INTEGER, attempt INTEGER)",
        tasks: () => [steps()],
      });
    `);
    machines.worker("-w", "1");
    for (let i = 0; i < 3; i++) {
      const run = machines.run();
      const gate = await control.next("gate");
      await rigHas(rig, `SELECT 1 FROM task_logs WHERE line = 'step ${i}'`);
      run.kill("SIGKILL");
      await run.exited;
      // The task waits with its checkpoint for the next session.
      gate.finish();
    }
    const run = machines.run();
    (await control.next("gate")).finish();
    expect(await run.exited).toBe(0);
    expect(rig.rows("SELECT i, attempt FROM seen ORDER BY rowid")).toEqual(
      [0, 1, 2, 3].map((i) => ({ i, attempt: 1 })),
    );
    expect(rig.rows("SELECT line FROM task_logs ORDER BY rowid")).toEqual(
      [0, 1, 2, 3].map((i) => ({ line: `step ${i}` })),
    );
    expect(rig.rows("SELECT attempt, result FROM task_runs")).toEqual([
      { attempt: 1, result: '[{"n":4}]' },
    ]);
  });

  test("after a kill, tasks of other code begin again, and those of before are ended", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(gates);
    machines.worker("-w", "2");
    const first = machines.run();
    const before = [await control.next("gate"), await control.next("gate")];
    await untilRunning(rig, 2);
    first.kill("SIGKILL");
    await first.exited;
    rig.pipeline(gates.replace("return i;", "return i + 1;"));
    const second = machines.run();
    for (const gate of before) await gate.gone;
    for (let i = 0; i < 2; i++) (await control.next("gate")).finish();
    expect(await second.exited).toBe(0);
    expect(rig.rows("SELECT i, attempt FROM seen ORDER BY i")).toEqual([
      { i: 1, attempt: 1 },
      { i: 2, attempt: 1 },
    ]);
    expect(rig.rows("SELECT result FROM task_runs ORDER BY id")).toEqual([
      { result: "2" },
      { result: "3" },
    ]);
  });

  test("SIGTERM: a worker ends what runs, and gives back the rest", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(gates);
    const first = machines.worker("-w", "1");
    const run = machines.run();
    const gate = await control.next("gate");
    first.kill("SIGTERM");
    machines.worker("-w", "1");
    const other = await control.next("gate");
    gate.finish();
    const { code: left } = await ended(first);
    other.finish();
    const { code } = await ended(run);
    expect([left, code]).toEqual([0, 0]);
    expect(rig.rows("SELECT attempt FROM seen")).toEqual([{ attempt: 1 }, { attempt: 1 }]);
  });

  test("Ctrl-C aborts what runs on other machines, and a later run continues", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(gates);
    machines.worker("-w", "1", "--once");
    const run = machines.run();
    const gate = await control.next("gate");
    run.kill("SIGINT");
    await gate.gone;
    const { code } = await ended(run);
    expect(code).toBe(130);
    expect(rig.rows("SELECT status FROM task_runs ORDER BY id")).toEqual([
      { status: "cancelled" },
      { status: "queued" },
    ]);
  });

  test("with another key there is no help, and both sides say so", async () => {
    await using machines = await Machines.open();
    machines.rig.pipeline(`
      const one = task({ name: "one", run: () => 1 });
      export default pipeline({ name: "p", tasks: () => one() });
    `);
    const worker = machines.start(["worker"], "another key of these tests");
    const run = machines.run();
    await Promise.all([
      until(worker, "has another PIPELOOM_ENGINE_KEY"),
      until(run, "no worker has joined the run"),
    ]);
    expect(machines.rig.rows("SELECT status FROM task_runs")).toEqual([{ status: "queued" }]);
  });

  test("workers of another version do not help, and the run says so", async () => {
    await using machines = await Machines.open();
    const { rig, redis } = machines;
    rig.pipeline(`
      const one = task({ name: "one", run: () => 1 });
      export default pipeline({ name: "p", tasks: () => one() });
    `);
    const old = { host: "h", pid: 1, version: "0.0.1", threads: 1, slots: 1, runs: 0 };
    const entry = packEntry(old, EngineKey.from(key));
    const words = ["-p", `${redis.port}`, "set", "pipeloom:machine:old", entry];
    await Bun.spawn(["redis-cli", ...words], { stdout: "ignore" }).exited;
    const run = machines.run();
    await until(run, "1 worker of this engine has pipeloom 0.0.1, and this run has");
    machines.worker();
    expect(await run.exited).toBe(0);
  });

  test("a long query keeps nobody from anything, and the key is in no task's environment", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    const { control } = rig;
    rig.pipeline(`
      const slow = task({ name: "slow", run: (_, ctx) =>
        ctx.query("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100000000) SELECT COUNT(*) AS n FROM c") });
      const gate = task({ name: "gate", async run(_, ctx) {
        await step("gate", null, ctx.signal);
        return [process.env.PIPELOOM_ENGINE_KEY ?? null, ctx.env.PIPELOOM_ENGINE_KEY ?? null];
      } });
      export default pipeline({ name: "p", tasks: () => [slow(), gate()] });
    `);
    machines.worker("-w", "2");
    const run = machines.run();
    const gate = await control.next("gate");
    gate.finish();
    while (rig.rows("SELECT status FROM task_runs WHERE name = 'gate'")[0]?.["status"] !== "done") {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(rig.rows("SELECT name, status, result FROM task_runs ORDER BY name")).toEqual([
      { name: "gate", status: "done", result: "[null,null]" },
      { name: "slow", status: "running", result: null },
    ]);
    run.kill("SIGINT");
    run.kill("SIGINT");
    expect((await ended(run)).code).toBe(130);
  });

  test.skipIf(Bun.which("faketime") === null)(
    "times are those of the run, also where a machine's clock is two hours ahead",
    async () => {
      await using machines = await Machines.open();
      machines.rig.pipeline(`
        const one = task({ name: "one", run: (_, ctx) => ctx.log.info("here") });
        export default pipeline({ name: "p", tasks: () => [one(), one()] });
      `);
      // faketime does not pass on the signal that ends it.
      const worker = machines.start(["worker", "--once"], key, ["faketime", "-f", "+2h"]);
      const began = Date.now();
      expect((await ended(machines.run())).code).toBe(0);
      expect((await ended(worker)).code).toBe(0);
      const [row] = machines.rig.rows(
        "SELECT MIN(started_at) AS first, MAX(finished_at) AS last, MAX(waited_ms) AS waited, (SELECT MAX(at) FROM task_logs) AS at FROM task_runs",
      );
      for (const time of [row?.["first"], row?.["last"], row?.["at"]]) {
        expect(Date.parse(String(time))).toBeWithin(began - 1_000, Date.now() + 1_000);
      }
      expect(Number(row?.["waited"])).toBeLessThan(60_000);
    },
  );

  test("workers lists those with the same key, and what else is in Redis does not matter", async () => {
    await using machines = await Machines.open();
    await until(
      machines.start(["worker", "-w", "2", "-c", "5", "--worker-tags", "gpu,big"]),
      "waits for runs",
    );
    await until(machines.start(["worker"], "another key of these tests"), "waits for runs");
    const evil = Bun.spawn(
      ["redis-cli", "-p", `${machines.redis.port}`, "set", "pipeloom:machine:evil", "{}"],
      {
        stdout: "ignore",
      },
    );
    await evil.exited;
    const { out, code } = await ended(machines.start(["workers", "--json"]));
    expect({ code, workers: JSON.parse(out) as unknown }).toEqual({
      code: 0,
      workers: [
        {
          name: hostname(),
          host: hostname(),
          pid: expect.any(Number),
          version: packageVersion,
          threads: 2,
          slots: 5,
          runs: 0,
          tags: ["big", "gpu"],
        },
      ],
    });
    const table = await ended(machines.start(["workers"]));
    expect(table.out).toMatch(
      /^NAME +PID +THREADS +AT ONCE +RUNS +TAGS +VERSION\n\S+ +\d+ +2 +5 +0 +big, gpu +\S+\n$/,
    );
    const none = await ended(machines.start(["workers"], "a third key of these tests"));
    expect(none.out).toBe("no workers\n");
    expect(none.err).toContain("to start one: pipeloom worker --engine <url>, with the same key");
  });

  test("a task runs where the tags are that it asks for, and others do not wait for it", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    rig.pipeline(`
      const plain = task({ name: "plain", run: () => null });
      const gpu = task({ name: "gpu", on: "gpu", run: () => process.pid });
      const both = task({ name: "both", on: ["gpu", "big"], run: () => process.pid });
      export default pipeline({ name: "p", async *tasks() {
        for (let i = 0; i < 700; i++) { yield gpu(); yield plain(); }
        yield both();
      } });
    `);
    machines.worker("-w", "2");
    const run = machines.run();
    await until(run, "1 ready task waits for a worker with the tags big and gpu");
    await untilDone(rig, "plain", 700);
    const some = machines.worker("-w", "1", "--worker-tags", "gpu");
    await untilDone(rig, "gpu", 700);
    const all = machines.worker("-w", "1", "--worker-tags", "big,gpu");
    expect(await run.exited).toBe(0);
    expect(
      rig.rows("SELECT DISTINCT name, result FROM task_runs WHERE name <> 'plain' ORDER BY 1"),
    ).toEqual([
      { name: "both", result: `${all.pid}` },
      { name: "gpu", result: `${some.pid}` },
    ]);
  });

  test("a call may name other tags than its task, also of an item that comes late", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    rig.pipeline(`
      const list = task({ name: "list", on: "none", run: () => [0, 1, 2, 3] });
      const work = task({ name: "work", run: () => process.pid });
      export default pipeline({
        name: "p",
        tasks: () => each(list(undefined, { on: [] }), (i) => work({ i }, i < 2 ? { on: "gpu" } : {})),
      });
    `);
    const plan = await rig.pipeloom("run", "pipeline.ts", "--dry-run", "-f", "json");
    const { nodes } = JSON.parse(plan.out) as { nodes: { name: string; settings: string[] }[] };
    expect(nodes.map(({ name, settings }) => [name, settings])).toEqual([
      ["list", []],
      ["each", []],
      ["work", []],
    ]);
    const plain = machines.worker("-w", "1");
    const run = machines.run();
    await until(run, "2 ready tasks wait for a worker with the tag gpu");
    await untilDone(rig, "work", 2);
    const gpu = machines.worker("-w", "1", "--worker-tags", "gpu");
    expect(await run.exited).toBe(0);
    const results = rig.rows("SELECT result FROM task_runs WHERE name = 'work' ORDER BY input");
    expect(results.map(({ result }) => result)).toEqual(
      [gpu, gpu, plain, plain].map(({ pid }) => `${pid}`),
    );
  });

  test("the plan, status and why say for which workers a task waits", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    rig.pipeline(`
      const one = task({ name: "one", on: "big", run: () => 1 });
      export default pipeline({ name: "p", tasks: () => one(undefined, { on: ["gpu", "big"] }) });
    `);
    const plan = await rig.pipeloom("run", "pipeline.ts", "--dry-run");
    expect(plan.out).toContain("on big and gpu");
    machines.worker("-w", "1");
    const run = machines.run();
    await until(run, "1 ready task waits for a worker with the tags big and gpu");
    const look = async (...args: readonly string[]) =>
      (await rig.pipeloom(...args, "--db", "test.db")).out;
    expect(await look("status")).toContain("only on workers with the tags big and gpu");
    expect(await look("why", "one")).toContain("it waits for a worker with the tags big and gpu");
    expect(JSON.parse(await look("why", "one", "--json"))).toMatchObject({
      needs: { tags: ["big", "gpu"] },
    });
    expect(JSON.parse(await look("status", "-f", "json"))).toMatchObject({
      tasks: [{ on: ["big", "gpu"] }],
    });
    run.kill("SIGINT");
    await run.exited;
    // Threads take no notice of tags, and nothing says that they would.
    const local = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
    expect(local.code).toBe(0);
    expect(await look("why", "one")).not.toContain("tags big");
  });

  test("declared files are read by their paths on another machine", async () => {
    await using machines = await Machines.open();
    const { rig } = machines;
    await Bun.write(rig.file("data/a.csv"), "1;ü\n");
    rig.pipeline(`
      import { sh } from "pipeloom";
      const files = ["data/*.csv"];
      const read = task({ name: "read", reuse: true, files, run: () => Bun.file("data/a.csv").text() });
      const cat = sh({ name: "cat", reuse: true, files, command: ["cat", "data/a.csv"], output: "text" });
      const where = task({ name: "where", run: () => process.cwd() });
      export default pipeline({ name: "p", tasks: () => [read(), cat(), where()] });
    `);
    const elsewhere = join(rig.path, "elsewhere");
    mkdirSync(elsewhere);
    const worker = machines.start(["worker", "--once"], key, ["env", "-C", elsewhere]);
    const { code, err } = await ended(machines.run());
    expect({ code, err }).toMatchObject({ code: 0 });
    const [cat, read, where] = rig
      .rows("SELECT result FROM task_runs ORDER BY name")
      .map(({ result }) => JSON.parse(String(result)) as string);
    expect([cat, read]).toEqual(["1;ü\n", "1;ü\n"]);
    expect(where).not.toBe(elsewhere);
    expect((await ended(worker)).code).toBe(0);
    expect(existsSync(String(where))).toBe(false);
  });

  test("the history says on which machine each task ran, and the engine of the run", async () => {
    await using machines = await Machines.open();
    const { rig, redis } = machines;
    const { control } = rig;
    rig.pipeline(`
      const gate = task({ name: "gate", async run({ i }, ctx) {
        ctx.log.info("at the gate");
        await step("gate", i, ctx.signal);
        if (i === 2) throw new Error("no way");
      } });
      export default pipeline({ name: "p", tasks: () => [gate({ i: 1 }), gate({ i: 2 })] });
    `);
    for (let i = 0; i < 2; i++) await until(machines.worker("-w", "1"), "waits for runs");
    const run = machines.run("--json");
    // Each has one.
    const both = [await control.next("gate"), await control.next("gate")];
    const log = Bun.file(rig.write("attached.txt", ""));
    const attached = Bun.spawn(rig.command("attach", "--db", "test.db"), {
      cwd: rig.path,
      stdio: ["ignore", "ignore", log],
    });
    while (!(await log.text()).includes("attached to run 1")) await Bun.sleep(10);
    for (const gate of both) gate.finish();
    const { out, err } = await ended(run);
    await attached.exited;
    expect(await log.text()).toContain(
      `pipeloom run pipeline.ts --engine ${redis.url} --db test.db`,
    );
    const names = [hostname(), `${hostname()}/2`];
    expect(err).toContain(`✖ gate i=2 failed on ${hostname()}`);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(events[0]?.["engine"]).toBe(redis.url);
    for (const each of events.filter((event) => "attempt" in event)) {
      expect(names).toContain(each["machine"] ?? "");
    }
    const first = events.filter(
      ({ type, attempt }) => type === "task-started" && `${attempt}` === "1",
    );
    expect(new Set(first.map(({ machine }) => machine ?? ""))).toEqual(new Set(names));
    const look = async (...args: readonly string[]) => {
      const { code, out: said } = await rig.pipeloom(...args, "--db", "test.db");
      expect({ args, code }).toEqual({ args, code: 0 });
      return said;
    };
    const status = JSON.parse(await look("status", "-f", "json", "--task", "gate")) as {
      runs: unknown;
      failures: { tasks: { machine: string }[] }[];
      tasks: { id: number; machine: string; earlierAttempts: { machine: string }[] }[];
    };
    expect(status.runs).toMatchObject([{ engine: redis.url }]);
    expect(names).toContain(status.failures[0]?.tasks[0]?.machine ?? "");
    const started = (id: number) =>
      events
        .filter((event) => event["type"] === "task-started" && Number(event["id"]) === id)
        .map(({ machine }) => machine);
    for (const { id, machine, earlierAttempts } of status.tasks) {
      const attempts = [...earlierAttempts.map((each) => each.machine), machine];
      expect(attempts).toEqual(started(id) as string[]);
    }
    const logs = (await look("logs", "--json", "gate")).trim().split("\n");
    const written = logs.map((line) => JSON.parse(line) as { id: number; machine: string });
    expect(written.filter(({ id }) => id === 2).map(({ machine }) => machine)).toEqual(
      started(2) as string[],
    );
    expect(await look("logs", "gate")).toContain(` on ${hostname()}`);
    expect(await look("runs")).toContain(redis.url);
    expect(await look("why", "#2")).toContain(`it ran on ${hostname()}`);
  });

  test.skipIf(process.platform === "win32")(
    "the run and its workers keep the memory that the next texts need",
    async () => {
      await using machines = await Machines.open();
      const { rig } = machines;
      rig.pipeline(`
        const holes = () => process.env["MIMALLOC_PURGE_HOLES"];
        const seen = task({ name: "seen", run: ({ run }) => ({ run, worker: holes() }) });
        export default pipeline({ name: "p", tasks: () => [seen({ run: holes() })] });
      `);
      machines.worker("--once");
      expect(await ended(machines.run())).toMatchObject({ code: 0 });
      expect(rig.rows("SELECT result FROM task_runs")).toEqual([
        { result: '{"run":"0","worker":"0"}' },
      ]);
    },
  );

  test.skipIf(process.platform === "win32")(
    "BUN_OPTIONS are Bun's, also after the restart for its memory",
    async () => {
      await using machines = await Machines.open();
      machines.rig.pipeline(`
      const seen = task({ name: "seen", run: () => process.execArgv });
      export default pipeline({ name: "p", tasks: () => [seen()] });
    `);
      const before = ["env", "BUN_OPTIONS=--smol"];
      machines.start(["worker", "--once"], key, before);
      const run = machines.start(["run", "pipeline.ts", "--db", "test.db"], key, before);
      expect(await ended(run)).toMatchObject({ code: 0 });
      expect(machines.rig.rows("SELECT result FROM task_runs")).toEqual([{ result: '["--smol"]' }]);
    },
  );

  test("a program whose run fails before it begins is not kept alive", async () => {
    await using machines = await Machines.open();
    const { rig, redis } = machines;
    const library = JSON.stringify(join(import.meta.dir, "../../src/index.ts"));
    rig.write(
      "program.ts",
      `import { pipeline, runPipeline } from ${library};
       export const none = pipeline({ name: "none", tasks: () => { throw new Error("no plan"); } });
       const engine = ${JSON.stringify(redis.url)};
       await runPipeline(none, { engine }).catch((error) => console.error(error.message));`,
    );
    const program = [process.execPath, "program.ts"];
    const { code, err } = await runProgram(program, rig.path, { PIPELOOM_ENGINE_KEY: key });
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining("no plan") });
  });

  test("what would go wrong later is said at once", async () => {
    await using machines = await Machines.open("--maxmemory-policy", "allkeys-lru");
    machines.rig.pipeline(`
      const one = task({ name: "one", run: () => 1 });
      export default pipeline({ name: "p", tasks: () => one() });
    `);
    expect(await failed(machines.run())).toContain("the maxmemory-policy allkeys-lru");
    expect(await failed(machines.worker())).toContain("set it to noeviction");
    expect(await failed(machines.start(["worker"], ""))).toContain(
      "PIPELOOM_ENGINE_KEY is not set",
    );
    expect(await failed(machines.run("-w", "2"))).toContain("threads of this machine");
    expect(await failed(machines.worker("--worker-tags", "gpu,,big"))).toContain(
      '"" is no tag: letters, digits',
    );
    await machines.redis.kill();
    expect(await failed(machines.start(["workers"]))).toContain("ECONNREFUSED");
    expect(machines.rig.list()).not.toContain("test.db");
  });
});
