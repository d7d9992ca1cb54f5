// `pipeloom cancel`, `--dry-run` and `--fail-fast`, as a user has them: two terminals, one database.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { openReader } from "../../src/store/read/reader.ts";
import { pipeloom, run, type Ended } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

let folder: TempFolder;
const children: Bun.Subprocess[] = [];
beforeEach(async () => {
  folder = tempFolder();
  await Bun.write(join(folder.path, "p.ts"), pipelineText);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  folder[Symbol.dispose]();
});

/** Waits until it is told to end; or, as `deaf`, until its thread is ended. */
const pipelineText = `
import { pipeline, task } from "pipeloom";
const wait = task({ name: "wait", run: (_: { n: number }, ctx) =>
  new Promise<void>((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))) });
const never = task({ name: "never", run: () => new Promise<void>(() => setInterval(() => {}, 1000)) });
export default pipeline({ name: "p", params: { n: 1 }, tasks: ({ params }) => wait({ n: params.n }) });
export const deaf = pipeline({ name: "deaf", tasks: () => never() });`;

const at = (name: string): string => join(folder.path, name);
const start = (...args: readonly string[]): Promise<Ended> =>
  run([...pipeloom, ...args], folder.path);

/** Resolves when the run listens for requests. */
async function running(id: number, ...args: readonly string[]): Promise<Bun.Subprocess> {
  const child = Bun.spawn([...pipeloom, "run", ...args, "-q"], {
    cwd: folder.path,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  children.push(child);
  while (!existsSync(at(`pipeloom.db-run${id}.control`))) await Bun.sleep(5);
  return child;
}

function rows(sql: string): unknown[] {
  using reader = openReader(at("pipeloom.db"));
  return reader.query(sql);
}

describe("cancel", () => {
  test("without an id ends the one run that goes on, and says how it ended", async () => {
    const child = await running(1, "p.ts");
    expect(await start("cancel")).toEqual({
      code: 0,
      out: "",
      err: "run 1 (p) has ended: cancelled\n",
    });
    expect(await child.exited).toBe(1);
    expect(rows("SELECT id, status FROM pipeline_runs")).toEqual([{ id: 1, status: "cancelled" }]);
    expect(readdirSync(folder.path).toSorted()).toEqual(["p.ts", "pipeloom.db"]);
  });

  test("--no-wait returns at once; --now ends what does not listen", async () => {
    const child = await running(1, "p.ts:deaf");
    expect((await start("cancel", "1", "--no-wait")).err).toBe("asked run 1 (deaf) to stop\n");
    expect((await start("cancel", "1", "--now")).err).toBe("run 1 (deaf) has ended: cancelled\n");
    expect(await child.exited).toBe(1);
  });

  test("of two runs one must be named", async () => {
    const first = await running(1, "p.ts");
    const second = await running(2, "p.ts", "--param", "n=2");
    const { code, err } = await start("cancel");
    expect(code).toBe(1);
    expect(err).toStartWith("error: ./pipeloom.db: several runs are active: ");
    expect(err).toContain("say which: pipeloom cancel <run-id>");
    expect((await start("cancel", "2")).err).toBe("run 2 (p) has ended: cancelled\n");
    expect(await second.exited).toBe(1);
    expect(await start("cancel", "2")).toMatchObject({
      code: 1,
      err: "error: run 2 (p) has ended: cancelled\n  active: 1 (p)\n",
    });
    expect(first.exitCode).toBeNull();
  });

  test("a run that died, and its control file that is left", async () => {
    const child = await running(1, "p.ts");
    child.kill("SIGKILL");
    await child.exited;
    expect((await start("cancel")).err).toStartWith("error: ./pipeloom.db: no run is active\n");
    expect((await start("cancel", "1")).err).toStartWith(
      "error: run 1 (p) has ended: interrupted, its process is dead\n",
    );
    // Requests that were meant for the dead session do not end the next one.
    writeFileSync(at("pipeloom.db-run1.control"), "urgent\n");
    chmodSync(at("pipeloom.db-run1.control"), 0o400);
    const next = Bun.spawn([...pipeloom, "run", "p.ts", "--json"], {
      cwd: folder.path,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    children.push(next);
    for await (const text of next.stdout.pipeThrough(new TextDecoderStream())) {
      if (text.includes('"task-started"')) break;
    }
    expect((await start("cancel", "1")).err).toBe("run 1 (p) has ended: cancelled\n");
  });

  test("a run beside it that stores no status does not take its control file", async () => {
    const child = await running(1, "p.ts");
    const control = at("pipeloom.db-run1.control");
    chmodSync(control, 0o640);
    const beside = Bun.spawn(
      [...pipeloom, "run", "p.ts:deaf", "--no-store-task-status", "--json"],
      { cwd: folder.path, stdin: "ignore", stdout: "pipe", stderr: "ignore" },
    );
    children.push(beside);
    for await (const text of beside.stdout.pipeThrough(new TextDecoderStream())) {
      if (text.includes('"task-started"')) break;
    }
    expect(statSync(control).mode & 0o777).toBe(0o640);
    expect((await start("cancel", "1")).err).toBe("run 1 (p) has ended: cancelled\n");
    expect(await child.exited).toBe(1);
    expect(beside.exitCode).toBeNull();
    expect(readdirSync(folder.path).filter((name) => name.includes("-run"))).toEqual([]);
  });

  test("by a link to the database", async () => {
    await start("init-db");
    symlinkSync("pipeloom.db", at("link.db"));
    const child = await running(1, "p.ts", "--db", "link.db");
    expect((await start("cancel", "--db", "link.db")).err).toBe("run 1 (p) has ended: cancelled\n");
    expect(await child.exited).toBe(1);
  });

  test("a run that does not listen: its process is named", async () => {
    const child = await running(1, "p.ts");
    await Bun.file(at("pipeloom.db-run1.control")).delete();
    const { code, err } = await start("cancel");
    expect(code).toBe(1);
    expect(err).toContain("error: run 1 does not listen: ");
    expect(err).toContain(`end its process instead (pid ${child.pid} on `);
  });

  test.each(["abc", "0", "1.5", "99999999999999999999"])("%s is no run's id", async (id) => {
    const { code, err } = await start("cancel", id);
    expect(code).toBe(2);
    expect(err).toStartWith(`error: <run-id> must be a whole number of at least 1, not "${id}"\n`);
  });

  test("a database without that run", async () => {
    await start("init-db");
    expect((await start("cancel", "5")).err).toMatch(/^error: .* has no run 5; .*\n$/);
  });
});

describe("--dry-run", () => {
  const printing = `
import { pipeline, task } from "pipeloom";
console.log("from the module");
const t = task({ name: "t", run: () => 1 });
export default pipeline({ name: "p", tasks() { console.log("from tasks"); process.stdout.write("and this\\n"); return t(); } });`;

  test("runs nothing, writes nothing, and its stdout is the plan alone", async () => {
    await Bun.write(at("print.ts"), printing);
    const { code, out, err } = await start("run", "print.ts", "--dry-run", "--format", "json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ pipeline: "p", nodes: [{ name: "t" }] });
    expect(err).toBe("from the module\nfrom tasks\nand this\n");
    expect(readdirSync(folder.path).toSorted()).toEqual(["p.ts", "print.ts"]);
  });

  test.each([
    [["--dry-run", "--json"], "--json prints the events of a run, and --dry-run runs nothing"],
    [["--format", "json"], "--format is of the plan, which only --dry-run shows"],
  ])("%p: a flag that would have no effect is refused", async (flags, message) => {
    const { code, err } = await start("run", "p.ts", ...flags);
    expect(code).toBe(2);
    expect(err).toStartWith(`error: ${message}\n`);
    expect(readdirSync(folder.path)).toEqual(["p.ts"]);
  });
});

test("--fail-fast tells what runs, and starts nothing more", async () => {
  await Bun.write(
    at("f.ts"),
    `import { pipeline, task } from "pipeloom";
const bad = task({ name: "bad", run() { throw new Error("no"); } });
const wait = task({ name: "wait", run: (_: { i: number }, ctx) =>
  new Promise<void>((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))) });
export default pipeline({ name: "p", tasks: () =>
  [bad(undefined, { priority: 1 }), ...[1, 2, 3, 4, 5].map((i) => wait({ i }))] });`,
  );
  expect((await start("run", "f.ts", "-w", "1", "-c", "3", "--fail-fast")).code).toBe(1);
  const counts = rows(
    "SELECT status, COUNT(*) AS n FROM task_runs GROUP BY status ORDER BY status",
  );
  expect(counts).toContainEqual({ status: "error", n: 1 });
  expect(rows("SELECT status FROM task_runs WHERE status IN ('done', 'running')")).toEqual([]);
  expect(rows("SELECT status FROM pipeline_runs")).toEqual([{ status: "error" }]);
});

test.each<[what: string, text: string, code: number]>([
  ["0, and it is no success", 'console.error("no key"); process.exit(0);', 1],
  ["its own code", 'console.error("no key"); process.exit(7);', 7],
])("a module that calls process.exit with %s", async (_, text, code) => {
  await Bun.write(at("exit.ts"), text);
  const given = /\d/.exec(text)?.[0];
  const said = `no key\nerror: exit.ts called process.exit(${given}) while loading\n`;
  expect(await start("run", "exit.ts")).toEqual({ code, out: "", err: said });
  expect(await start("run", "exit.ts", "--dry-run")).toEqual({ code, out: "", err: said });
});

const exiting = (where: string): string => `import { pipeline, task } from "pipeloom";
const t = task({ name: "t", run: () => 1 });
export default pipeline({ name: "p", ${where} });`;

test("an exit in `tasks` is said, and no success; one in `onFinish` is the author's own", async () => {
  await Bun.write(at("tasks.ts"), exiting("tasks: () => process.exit(0)"));
  expect(await start("run", "tasks.ts")).toEqual({
    code: 1,
    out: "",
    err: "error: tasks.ts called process.exit(0) during its run; run it again to continue\n",
  });
  await Bun.write(at("finish.ts"), exiting("onFinish: () => process.exit(5), tasks: () => t()"));
  const { code, err } = await start("run", "finish.ts");
  expect(code).toBe(5);
  expect(err).not.toContain("error: ");
});

test("an exit with 0 in `onFinish` does not make a success of a run that failed", async () => {
  await Bun.write(
    at("hidden.ts"),
    `import { pipeline, task } from "pipeloom";
    const bad = task({ name: "bad", run() { throw new Error("no"); } });
    export default pipeline({ name: "p", onFinish: () => process.exit(0), tasks: () => bad() });`,
  );
  const { code, err } = await start("run", "hidden.ts", "--db", "hidden.db");
  expect(code).toBe(1);
  expect(err).toContain(
    "error: hidden.ts called process.exit(0) after its run had ended (error); " +
      "`pipeloom status` shows the unfinished tasks\n",
  );
  expect(existsSync(at("hidden.db-run1.control"))).toBe(false);
});

test("a parameter that is given as a flag: the error says how it is given", async () => {
  const { code, err } = await start("run", "p.ts", "--customer=5");
  expect(code).toBe(2);
  expect(err).toContain("--param customer=<value>");
});

test("--help of a file that cannot be loaded: the help, and then why", async () => {
  await Bun.write(at("bad.ts"), "throw new Error('no');");
  const { code, out, err } = await start("run", "bad.ts", "--help");
  expect(code).toBe(1);
  expect(out).toContain("pipeloom run");
  expect(err).toContain("bad.ts:1:");
});

test.each([
  [["--db", ":memory:", "--resume"], "--resume needs a file"],
  [["--no-store-task-status", "--resume", "1"], "--resume needs the states of the tasks"],
])("%p: refused, and nothing is written", async (flags, message) => {
  const { code, err } = await start("run", "p.ts", ...flags);
  expect(code).toBe(2);
  expect(err).toStartWith(`error: ${message}`);
  expect(readdirSync(folder.path)).toEqual(["p.ts"]);
});
