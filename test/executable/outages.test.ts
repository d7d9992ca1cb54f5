// What whole processes do when another program, the disk or a limit of the shell is in their way.

import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { statSync } from "node:fs";

import { deviceNumbers } from "../../src/store/device-numbers.ts";
import { run } from "../support/program.ts";
import { type Child, executable, newRig } from "../support/rig.ts";

setDefaultTimeout(60_000);

/** Reads stderr until the text has come. */
async function said(child: Child, text: string): Promise<string> {
  let all = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stderr) {
    all += decoder.decode(bytes, { stream: true });
    if (all.includes(text)) break;
  }
  return all;
}

describe("another program's lock", () => {
  test.concurrent("is waited for by a command that reads, and said on stderr", async () => {
    await using rig = newRig();
    using other = new Database(rig.file("test.db"));
    other.run("CREATE TABLE t (a); INSERT INTO t VALUES (7); BEGIN EXCLUSIVE");
    const child = rig.spawn("query", "SELECT a FROM t", "--db", "test.db", "--format", "json");
    const warning = await said(child, "waiting");
    const holder = process.platform === "linux" ? `pid ${process.pid} (` : "another program";
    expect(warning).toStartWith(`warning: test.db is locked by ${holder}`);
    other.run("COMMIT");
    expect(JSON.parse(await child.stdout.text())).toEqual([{ a: 7 }]);
    expect(await child.exited).toBe(0);
  });

  test.concurrent("is waited for by report", async () => {
    await using rig = newRig();
    using other = new Database(rig.file("test.db"));
    other.run("CREATE TABLE t (a); BEGIN EXCLUSIVE");
    const child = rig.spawn("report", "--db", "test.db");
    expect(await said(child, "waiting")).toContain("warning: test.db is locked by");
    other.run("COMMIT");
    expect(await child.exited).toBe(1);
  });

  test.concurrent("is waited for by a command that writes", async () => {
    await using rig = newRig();
    using other = new Database(rig.file("test.db"));
    other.run("CREATE TABLE t (a); BEGIN EXCLUSIVE");
    const child = rig.spawn("init-db", "--db", "test.db");
    expect(await said(child, "waiting")).toContain("warning: test.db is locked by");
    other.run("COMMIT");
    expect(await child.exited).toBe(0);
  });

  test.concurrent("is waited for by ctx.query", async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
      const read = task({ name: "read", async run(_: unknown, ctx) {
        await step("go");
        return ctx.query("SELECT a FROM t");
      } });
      export default pipeline({
        name: "p", schema: "CREATE TABLE t (a); INSERT INTO t VALUES (7)", tasks: () => read(),
      });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db", "--no-wal");
    const go = await control.next("go");
    using other = new Database(rig.file("test.db"));
    other.run("PRAGMA busy_timeout = 10000");
    other.run("BEGIN EXCLUSIVE");
    go.finish();
    await said(child, "is locked by");
    other.run("COMMIT");
    expect(await child.exited).toBe(0);
    expect(rig.rows("SELECT result FROM task_runs")).toEqual([{ result: '[{"a":7}]' }]);
  });
});

describe.if(process.platform === "linux")("a limit of the shell", () => {
  const limits = [
    ["-n 20", "error: a run with 2 workers needs 36 open files, and may have 20 (ulimit -n)"],
    ["-f 16", "test.db cannot be used: no file may be larger than"],
  ] as const;

  test.concurrent.each(limits)("ulimit %s is named with the next step", async (ulimit, text) => {
    await using rig = newRig();
    rig.pipeline(`
      const one = task({ name: "one", run: () => 1 });
      export default pipeline({ name: "p", tasks: () => one() });
    `);
    const shell = ["sh", "-c", `ulimit ${ulimit} && exec "$0" "$@"`];
    const flags = ["run", "pipeline.ts", "--db", "test.db", "-w", "2"];
    const { code, err } = await run([...shell, executable, ...flags], rig.path);
    expect(code).toBe(1);
    expect(err).toContain(text);
    expect(err).toContain("raise that limit");
    expect(err).not.toContain("Internal error");
  });
});

test.if(process.platform === "linux")(
  "a file that cannot grow ends the run with the counts of the file, and the next run goes on",
  async () => {
    await using rig = newRig();
    rig.pipeline(`
      const small = task({ name: "small", run: () => 1 });
      const large = task({ name: "large", async run(_: { after: number }, ctx) {
        if (ctx.cursor === undefined) await ctx.checkpoint(1);
        for (let i = 0; i < 100; i++) await ctx.insert("t", [{ text: "x".repeat(10_000) }]);
      } });
      export default pipeline({
        name: "p",
        schema: "CREATE TABLE IF NOT EXISTS t (text TEXT)",
        tasks: () => large({ after: small() }),
      });
    `);
    const command = [executable, "run", "pipeline.ts", "--db", "test.db", "-w", "1"];
    const shell = ["sh", "-c", `ulimit -f 500 && exec "$0" "$@"`];
    const full = await run([...shell, ...command], rig.path);
    expect(full.code).toBe(1);
    expect(full.err).toContain("p failed: 1 of 2 tasks done, 1 interrupted in");
    expect(full.err).toContain("(ulimit -f)");
    expect(rig.rows("SELECT name, status FROM task_runs ORDER BY id")).toEqual([
      { name: "small", status: "done" },
      { name: "large", status: "running" },
    ]);
    expect((await run(command, rig.path)).code).toBe(0);
    expect(rig.rows("SELECT COUNT(*) AS n FROM t")).toEqual([{ n: 100 }]);
  },
);

/** In a mount namespace of its own, the root user can replace the list of mounts that the process sees. */
const canFakeMounts =
  process.platform === "linux" && Bun.spawnSync(["unshare", "-m", "true"]).exitCode === 0;

test.if(canFakeMounts)("a network file system is said once", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const one = task({ name: "one", run: () => 1 });
    export default pipeline({ name: "p", tasks: () => one() });
  `);
  const { dev } = statSync(rig.path, { bigint: true });
  const { major, minor } = deviceNumbers(dev);
  rig.write("mounts", `36 35 ${major}:${minor} / /mnt rw - nfs4 nas:/export rw\n`);
  const script = `mount --bind mounts /proc/$$/mountinfo && exec "$0" run pipeline.ts --db test.db`;
  const { code, err } = await run(["unshare", "-m", "sh", "-c", script, executable], rig.path);
  expect(code).toBe(0);
  expect(err.match(/is on a network file system \(nfs4, nas:\/export\)/g)).toHaveLength(1);
});
