// What only whole processes show of a run's hold on its file: locks of other programs, copies of the file, a full disk.

import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";

import { ended, executable, newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const onPosix = process.platform !== "win32";

const counts = (rig: Rig): unknown[] =>
  rig.rows("SELECT COUNT(*) AS all_, COUNT(DISTINCT i) AS different FROM t");

const schema = `schema: "CREATE TABLE IF NOT EXISTS t (i INTEGER)"`;

/** Its tasks wait between their rows: the test says when. */
function stepped(rig: Rig, more = ""): void {
  void rig.control;
  rig.pipeline(`
    import { copyFileSync } from "node:fs";
    const w = task({ name: "w", async run({ i }: { i: number }, ctx) {
      ${more}
      await ctx.insert("t", [{ i }]);
      await step("go", i, ctx.signal);
    } });
    export default pipeline({ name: "p", ${schema}, tasks: () => [w({ i: 1 }), w({ i: 2 })] });
  `);
}

const run = (rig: Rig, ...flags: readonly string[]) =>
  rig.spawn("run", "pipeline.ts", "--db", "test.db", "-w", "1", ...flags);

describe("the same run twice at once", () => {
  test.if(onPosix)("is refused, also when the first has dropped its locks by a copy", async () => {
    await using rig = newRig();
    const copy = `for (const name of ["test.db", "test.db-run1.lock"]) copyFileSync(name, "copy");`;
    stepped(rig, copy);
    const first = run(rig);
    const go = await rig.control.next("go");
    const second = await ended(run(rig));
    expect(second.code).toBe(1);
    expect(second.err).toContain(`run 1 of "p" is going on in`);
    expect(second.err).toContain(`pid ${first.pid}`);
    // The -wal is still the first run's: it goes on as if nothing had been.
    go.finish();
    (await rig.control.next("go")).finish();
    expect((await ended(first)).code).toBe(0);
    expect(rig.list().filter((name) => name.startsWith("test.db"))).toEqual(["test.db"]);
    expect(counts(rig)).toEqual([{ all_: 2, different: 2 }]);
  });

  test("--wait waits, and has nothing to do when the first has ended well", async () => {
    await using rig = newRig();
    stepped(rig);
    const first = run(rig);
    const go = await rig.control.next("go");
    const second = run(rig, "--wait", "-v");
    const said = new TextDecoder();
    let err = "";
    for await (const chunk of second.stderr) {
      err += said.decode(chunk, { stream: true });
      if (!err.includes("waiting for its end")) continue;
      go.finish();
      (await rig.control.next("go")).finish();
      break;
    }
    expect((await ended(first)).code).toBe(0);
    expect(await second.exited).toBe(0);
    expect(counts(rig)).toEqual([{ all_: 2, different: 2 }]);
    expect(rig.rows("SELECT id, status FROM pipeline_runs")).toEqual([{ id: 1, status: "done" }]);
  });
});

describe("runs that differ in a secret", () => {
  test("are two runs", async () => {
    await using rig = newRig();
    rig.pipeline(`
      const w = task({ name: "w", run: ({ i }: { i: number }) => {
        if (i === 2 && process.env["DIE"] === "1") process.kill(process.pid, "SIGKILL");
      } });
      export default pipeline({
        name: "p", params: { token: "none" }, secrets: ["TOKEN"], tasks: () => [w({ i: 1 }), w({ i: 2 })],
      });
    `);
    const withToken = (token: string, die: string) =>
      Bun.spawn(
        [executable, "run", "pipeline.ts", "--db", "test.db", "--param", `token=${token}`],
        {
          cwd: rig.path,
          env: { ...process.env, TOKEN: token, DIE: die },
          stdio: ["ignore", "ignore", "ignore"],
        },
      ).exited;
    expect(await withToken("alpha-alpha-1", "1")).not.toBe(0);
    expect(await withToken("beta-beta-222", "0")).toBe(0);
    expect(await withToken("alpha-alpha-1", "0")).toBe(0);
    expect(rig.rows("SELECT id, status, params FROM pipeline_runs")).toEqual([
      { id: 1, status: "done", params: '{"token":"***"}' },
      { id: 2, status: "done", params: '{"token":"***"}' },
    ]);
  });
});

test.if(onPosix)(
  "a database that is deleted while it is written ends the run with its name",
  async () => {
    await using rig = newRig();
    stepped(rig);
    const first = run(rig);
    const go = await rig.control.next("go");
    rmSync(rig.file("test.db"));
    go.finish();
    const { code, err } = await ended(first);
    expect(code).toBe(1);
    expect(err).toContain("test.db was moved, deleted or replaced while the run wrote to");
    expect(err).not.toContain("Internal error");
  },
);

/** In a namespace of its own: who may not mount there does not test it. */
const canMount =
  Bun.which("unshare") !== null &&
  Bun.spawnSync(["unshare", "-rm", "mount", "-t", "tmpfs", "t", "/mnt"]).exitCode === 0;

test.if(canMount)("a disk too small for a run to begin: no file of its own is left", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const none = task({ name: "none", run: () => 1 });
    const tables = Array.from({ length: 20 }, (_, i) => "CREATE TABLE t" + i + " (a)");
    export default pipeline({ name: "p", schema: tables.join(";"), tasks: () => none() });
  `);
  mkdirSync(rig.file("small"));
  // No room for the -shm, for pipeloom's tables, for the pipeline's.
  for (const kib of [8, 32, 40, 60, 100]) {
    for (const before of ["", "test.db"]) {
      const command = `mount -t tmpfs -o size=${kib}k t small && cd small && touch ./${before} && cd .. &&
        "$0" run pipeline.ts --db small/test.db; code=$?; ls small; exit $code`;
      const { code, out, err } = await ended(
        Bun.spawn(["unshare", "-rm", "sh", "-c", command, executable], {
          cwd: rig.path,
          stdin: "ignore",
          stdout: "pipe",
          stderr: "pipe",
        }),
      );
      expect(code).toBe(1);
      expect(err).toMatch(/the disk (?:or a quota )?is full/);
      if (before === "") expect(out).toBe("");
      else expect(out).toContain("test.db\n");
    }
  }
});

test.if(process.platform === "linux")(
  "a limit for the size of files at any moment is a clear end, and the next run goes on",
  async () => {
    await using rig = newRig();
    rig.pipeline(`
    const w = task({ name: "w", run: ({ i }: { i: number }, ctx) =>
      ctx.insert("t", Array.from({ length: 20 }, (_, k) => ({ i: i * 20 + k, x: "x".repeat(1000) }))) });
    export default pipeline({
      name: "p", schema: "CREATE TABLE IF NOT EXISTS t (i INTEGER, x TEXT)",
      tasks: () => Array.from({ length: 8 }, (_, i) => w({ i })),
    });
  `);
    for (const kib of [1, 16, 33, 60, 100, 150, 180, 250]) {
      for (const name of rig.list()) if (name.startsWith("test.db")) rmSync(rig.file(name));
      const limited = await ended(
        Bun.spawn(
          ["bash", "-c", `ulimit -f ${kib}; exec "$0" run pipeline.ts --db test.db`, executable],
          { cwd: rig.path, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
        ),
      );
      expect([0, 1]).toContain(limited.code);
      expect(limited.err).not.toContain("Internal error");
      if (limited.code === 1)
        expect(limited.err).toMatch(
          /no file may be larger than|limit for the size of files|is full/,
        );
      if (limited.code === 1) {
        const again = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
        expect(again.code).toBe(0);
      }
      expect(counts(rig)).toEqual([{ all_: 160, different: 160 }]);
      using db = new Database(rig.file("test.db"), { readonly: true });
      expect(db.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
    }
  },
);
