// What becomes of outputs that fail: a full disk, a reader that left, a reader that does not read.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, constants, existsSync, openSync } from "node:fs";
import { join } from "node:path";

import { openReader } from "../../src/store/read/reader.ts";
import { pipeloom, run, type Ended } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

let folder: TempFolder;
beforeEach(async () => {
  folder = tempFolder();
  await Bun.write(join(folder.path, "p.ts"), pipelineText);
});
afterEach(() => folder[Symbol.dispose]());

const tasks = 50;
const pipelineText = `
import { pipeline, task } from "pipeloom";
const t = task({ name: "t", run: ({ i }: { i: number }, ctx) => ctx.log.info("x".repeat(2000) + i) });
export default pipeline({
  name: "p",
  params: { n: ${tasks} },
  tasks: ({ params }) => Array.from({ length: params.n }, (_, i) => t({ i })),
});`;

/** `line` in a shell, with the program as `$P`. */
const shell = (line: string): Promise<Ended> =>
  run(["bash", "-c", line], folder.path, { P: pipeloom.join(" ") });

const countDone = "SELECT COUNT(*) AS n FROM task_runs WHERE status = 'done'";

function doneTasks(name: string): number {
  const path = join(folder.path, name);
  if (!existsSync(path)) return 0;
  using reader = openReader(path);
  const [made] = reader.query("SELECT name FROM sqlite_schema WHERE name = 'task_runs'");
  return made === undefined ? 0 : Number(reader.query(countDone)[0]?.["n"]);
}

test.each([
  ["p.ts", "the pipeline's file", "--db a.db"],
  ["./a.db", "the database", "--db a.db"],
  ["a.db-wal", "the database", "--db a.db"],
  ["own.db", "the database", ""],
])("--log-file %s is refused: it is %s", async (log, what, flags) => {
  const text = pipelineText.replace('name: "p",', 'name: "p", db: "own.db",');
  await Bun.write(join(folder.path, "p.ts"), text);
  const { code, err } = await shell(`$P run p.ts -l ${log} ${flags}`);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(what) });
  expect(await Bun.file(join(folder.path, "p.ts")).text()).toBe(text);
});

describe.skipIf(process.platform !== "linux")("on a full disk", () => {
  test("--json: the run goes on, what is lost is said, and the exit code is 1", async () => {
    const { code, err } = await shell("$P run p.ts --db a.db --json >/dev/full");
    expect(code).toBe(1);
    expect(err).toContain(
      "error: incomplete: the events on stdout: no space left on device (ENOSPC)",
    );
    expect(err).not.toContain("bug in pipeloom");
    expect(doneTasks("a.db")).toBe(tasks);
  });

  test("--log-file: the same", async () => {
    const { code, err } = await shell("$P run p.ts --db a.db -q -l /dev/full");
    expect(code).toBe(1);
    expect(err).toContain(
      "error: incomplete: the log file /dev/full: no space left on device (ENOSPC)",
    );
    expect(doneTasks("a.db")).toBe(tasks);
  });

  test("messages: there is nobody to tell, and the exit code is 1", async () => {
    const { code } = await shell("$P run p.ts --db a.db 2>/dev/full");
    expect(code).toBe(1);
    expect(doneTasks("a.db")).toBe(tasks);
  });

  test.each([
    "run p.ts --dry-run --format json",
    "run p.ts --help",
    'query --db a.db "SELECT 1"',
    "status --db a.db",
    "status --db a.db --watch --format json",
    "completions bash",
    "__complete -- ru",
    "--help",
    "--version",
    "run p.ts --version",
  ])("%s: an error that says so, and 1", async (command) => {
    const made = await shell("$P init-db --db a.db");
    expect(made.code).toBe(0);
    const { code, err } = await shell(`$P ${command} >/dev/full`);
    expect({ code, err }).toEqual({
      code: 1,
      err: "error: cannot write to stdout: no space left on device (ENOSPC)\n",
    });
  });
});

/** Nobody reads the FIFO, and it stays open. */
function unread(name: string): { path: string; [Symbol.dispose]: () => void } {
  const path = join(folder.path, name);
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const fd = openSync(path, constants.O_RDWR);
  return { path, [Symbol.dispose]: () => closeSync(fd) };
}

describe.skipIf(process.platform === "win32")("a reader", () => {
  test("that has left does not end the run, nor make it fail", async () => {
    const { code, out, err } = await shell(
      "$P run p.ts --db a.db --json -q | head -c 5; exit ${PIPESTATUS[0]}",
    );
    expect({ code, out, err }).toEqual({ code: 0, out: '{"typ', err: "" });
    expect(doneTasks("a.db")).toBe(tasks);
  });

  test.each([
    ["of --json", "--json", "stdout"],
    ["of the messages", "", "stderr"],
  ] as const)(
    "%s that takes nothing: Ctrl-C ends the run",
    async (_, flag, stream) => {
      using pipe = unread("unread");
      const events = Bun.file(join(folder.path, "other"));
      const child = Bun.spawn(
        [
          ...pipeloom,
          "run",
          "p.ts",
          "--db",
          "a.db",
          "--param",
          "n=5000",
          ...(flag === "" ? [] : [flag]),
        ],
        {
          cwd: folder.path,
          stdin: "ignore",
          stdout: stream === "stdout" ? openSync(pipe.path, "w") : events,
          stderr: stream === "stderr" ? openSync(pipe.path, "w") : events,
        },
      );
      // Its database is there: the run has begun, and there are more lines than the pipe holds.
      while (doneTasks("a.db") < 100) await Bun.sleep(20);
      child.kill("SIGINT");
      expect(await child.exited).toBe(130);
      if (stream === "stdout") {
        expect(await events.text()).toContain("incomplete: the events on stdout: nobody reads it");
      }
    },
    30_000,
  );

  test("that takes nothing of what a run has left to say: Ctrl-C ends the waiting", async () => {
    using pipe = unread("unread");
    const child = Bun.spawn([...pipeloom, "run", "p.ts", "--db", "a.db"], {
      cwd: folder.path,
      stdin: "ignore",
      stdout: "ignore",
      stderr: openSync(pipe.path, "w"),
    });
    while (doneTasks("a.db") < tasks) await Bun.sleep(20);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
  }, 30_000);
});
