// Programs that tasks start: how they end, what they leave behind, and what their failures say.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";

import { groupRuns } from "../../../src/base/process-group.ts";
import { newRig, type Rig } from "../../support/rig.ts";

setDefaultTimeout(60_000);

/** One task that runs `line` in a shell. */
const shellTask = (line: string, more = ""): string => `
  import { sh } from "pipeloom";
  const program = sh({ name: "program", shell: true, command: ${JSON.stringify(line)}, ${more} });
  export default pipeline({ name: "p", tasks: () => program() });
`;

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not seen: ${what}`);
    await Bun.sleep(5);
  }
}

/** The text of a file that a program writes in one go. */
async function written(rig: Rig, name: string): Promise<string> {
  await until(name, () => existsSync(rig.file(name)) && readFileSync(rig.file(name)).length > 0);
  return readFileSync(rig.file(name), "utf8");
}

const groupOf = async (rig: Rig): Promise<number> => Number(await written(rig, "pid"));

async function failure(rig: Rig, text: string): Promise<Record<string, unknown>> {
  const summary = await rig.run(rig.pipeline(text), { workers: 1 });
  expect(summary).toMatchObject({ status: "error", failed: 1 });
  return { ...summary.failures[0]?.failure };
}

/** Programs run in the test's own folder: the pipeline's process is this one. */
const inside = (rig: Rig): string => `cwd: ${JSON.stringify(rig.path)}`;

describe.skipIf(process.platform === "win32")("the end of a program", () => {
  test("when its output is larger than may be kept, it ends with its task", async () => {
    await using rig = newRig();
    const line = "echo $$ > pid; head -c 17000000 /dev/zero | tr '\\0' x; sleep 300";
    const thrown = await failure(rig, shellTask(line, `output: "text", ${inside(rig)}`));
    expect(thrown["message"]).toContain("larger than 16 MB");
    expect(groupRuns(await groupOf(rig))).toBe(false);
  });

  test.each([
    ["its output is no JSON", "echo no", 'output: "json",', "SyntaxError"],
    ["its exit code is not 0", "exit 3", "", "CommandError"],
  ])("when %s, what it started ends with its task", async (_, line, more, name) => {
    await using rig = newRig();
    const started = `sleep 300 >/dev/null 2>&1 & echo $$ > pid; ${line}`;
    expect(await failure(rig, shellTask(started, `${more} ${inside(rig)}`))).toMatchObject({
      name,
    });
    expect(groupRuns(await groupOf(rig))).toBe(false);
  });

  test("what it leaves in the background holds no task up, serves later ones, and ends with the run", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      import { sh } from "pipeloom";
      const start = sh({ name: "start", shell: true, output: "text", command: "(trap 'echo bye > bye; exit' TERM; echo $$ > pid; while :; do sleep 0.05; done) & while [ ! -s pid ]; do sleep 0.01; done; echo started", ${inside(rig)} });
      const use = sh<{ after: string }>({ name: "use", shell: true, output: "text", command: 'kill -0 -$(cat pid) && echo served', ${inside(rig)} });
      const last = task({ name: "last", run: (said: string) => said });
      export default pipeline({ name: "p", tasks: () => last(use({ after: start() })) });
    `);
    expect(await rig.run(file, { workers: 1 })).toMatchObject({ status: "done", done: 3 });
    expect(rig.rows("SELECT result FROM task_runs WHERE name = 'last'")).toEqual([
      { result: '"served\\n"' },
    ]);
    const [said] = rig.rows("SELECT line FROM task_logs WHERE level = 'warn'");
    expect(said?.["line"]).toContain("a process that it left in the background holds its output");
    expect(groupRuns(await groupOf(rig))).toBe(false);
    expect(await written(rig, "bye")).toBe("bye\n");
  });

  test("a cancel sends SIGTERM once, and leaves time to clean up", async () => {
    await using rig = newRig();
    const careful = `trap 'echo TERM >> signals; while [ ! -e go ]; do sleep 0.05; done; echo cleaned; exit 0' TERM
      echo $$ > pid; while :; do sleep 0.05; done`;
    const started = await rig.start(rig.pipeline(shellTask(careful, inside(rig))), { workers: 1 });
    const group = await groupOf(rig);
    started.run.stop(false);
    expect(await written(rig, "signals")).toBe("TERM\n");
    await Bun.sleep(1_200);
    rig.write("go", "");
    expect(await started.end).toMatchObject({ status: "cancelled", cancelled: 1 });
    expect(readFileSync(rig.file("signals"), "utf8")).toBe("TERM\n");
    expect(rig.rows("SELECT line FROM task_logs WHERE level = 'info'")).toEqual([
      { line: "cleaned" },
    ]);
    expect(groupRuns(group)).toBe(false);
  });

  test("a shell that ends at SIGTERM does not shorten the time of what it runs", async () => {
    await using rig = newRig();
    rig.write(
      "careful.sh",
      "trap 'sleep 1.2; echo cleaned > cleaned; exit 0' TERM; echo $$ > ready; while :; do sleep 0.05; done",
    );
    const line = "echo $$ > pid; sh careful.sh; echo next > next";
    const started = await rig.start(rig.pipeline(shellTask(line, inside(rig))), { workers: 1 });
    await written(rig, "ready");
    started.run.stop(false);
    expect(await started.end).toMatchObject({ status: "cancelled" });
    expect(existsSync(rig.file("cleaned"))).toBe(true);
    expect(existsSync(rig.file("next"))).toBe(false);
  });

  test("a program that ignores SIGTERM is killed after a timeout", async () => {
    await using rig = newRig();
    const deaf = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done";
    const thrown = await failure(rig, shellTask(deaf, `timeout: 200, ${inside(rig)}`));
    expect(thrown).toMatchObject({ name: "TimeoutError" });
    expect(groupRuns(await groupOf(rig))).toBe(false);
  });

  test("a program that never stops writing is stopped in time", async () => {
    await using rig = newRig();
    const thrown = await failure(
      rig,
      `import { sh } from "pipeloom";
       const program = sh({ name: "program", timeout: 200, command: ["yes", "x".repeat(1000)] });
       export default pipeline({ name: "p", tasks: () => program() });`,
    );
    expect(thrown).toEqual({ name: "TimeoutError", message: "timed out after 200 ms" });
  });

  test("the second request to stop does not wait", async () => {
    await using rig = newRig();
    const deaf = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done";
    const started = await rig.start(rig.pipeline(shellTask(deaf, inside(rig))), { workers: 1 });
    const group = await groupOf(rig);
    started.run.stop(false);
    started.run.stop(true);
    expect(await started.end).toMatchObject({ status: "cancelled" });
    await until("the end of the program", () => !groupRuns(group));
  });
});

describe.skipIf(process.platform === "win32")("what is said of a program", () => {
  test("that was ended by a signal", async () => {
    await using rig = newRig();
    expect(await failure(rig, shellTask("echo why >&2; kill -9 $$"))).toMatchObject({
      name: "CommandError",
      code: "SIGKILL",
      message: '"echo why >&2; kill -9 $$" was ended by SIGKILL: why',
    });
  });

  test.each([
    ["no-such-program", "", "ENOENT", "no such program"],
    ["ls", 'cwd: "/no/such/folder",', "ENOENT", 'its cwd "/no/such/folder" does not exist'],
    ["ls", 'cwd: "/etc/passwd",', "ENOTDIR", 'its cwd "/etc/passwd" is not a directory'],
    ["/etc/passwd", "", "EACCES", "/etc/passwd is not executable; run chmod +x on it"],
    ["./passwd", 'cwd: "/etc",', "EACCES", "/etc/passwd is not executable"],
    ["./usr", 'cwd: "/",', "EACCES", "/usr is a folder; give the path of a program in it"],
    ["./no/such", 'cwd: "/usr",', "ENOENT", "/usr/no/such does not exist"],
  ])("%s with %p cannot be started", async (program, more, code, why) => {
    await using rig = newRig();
    const thrown = await failure(
      rig,
      `import { sh } from "pipeloom";
       const program = sh({ name: "program", ${more} command: [${JSON.stringify(program)}] });
       export default pipeline({ name: "p", tasks: () => program() });`,
    );
    expect(thrown).toMatchObject({ name: "CommandError", code });
    expect(String(thrown["message"])).toStartWith(`cannot start "${program}": `);
    expect(thrown["message"]).toContain(why);
  });

  test("a script that is to be run by what is not there", async () => {
    await using rig = newRig();
    rig.write("script", "#!/no/such/shell\n");
    chmodSync(rig.file("script"), 0o755);
    const thrown = await failure(
      rig,
      `import { sh } from "pipeloom";
       const program = sh({ name: "program", command: [${JSON.stringify(rig.file("script"))}] });
       export default pipeline({ name: "p", tasks: () => program() });`,
    );
    expect(thrown["message"]).toContain(
      `${rig.file("script")} exists, but the interpreter in its first line (#!)`,
    );
  });

  test("a script that does not say what runs it", async () => {
    await using rig = newRig();
    rig.write("script", "echo hello\n");
    chmodSync(rig.file("script"), 0o755);
    const thrown = await failure(
      rig,
      `import { sh } from "pipeloom";
       const program = sh({ name: "program", command: [${JSON.stringify(rig.file("script"))}] });
       export default pipeline({ name: "p", tasks: () => program() });`,
    );
    expect(thrown).toMatchObject({ name: "CommandError", code: "ENOEXEC" });
    expect(thrown["message"]).toContain("#! line");
  });
});

describe.skipIf(process.platform === "win32")("the log of a program", () => {
  test("redraws of a progress bar are lines, and 4 MB without a line break are many", async () => {
    await using rig = newRig();
    const line = "printf '\\r 10 %%\\r 99 %%\\r100 %%\\n'; head -c 4000000 /dev/zero | tr '\\0' x";
    expect(await rig.run(rig.pipeline(shellTask(line)))).toMatchObject({ status: "done" });
    expect(rig.rows("SELECT line FROM task_logs WHERE line LIKE '%\\%' ESCAPE '\\'")).toEqual([
      { line: " 10 %" },
      { line: " 99 %" },
      { line: "100 %" },
    ]);
    expect(
      rig.rows(
        "SELECT sum(length(line)) AS n, max(length(line)) AS most FROM task_logs WHERE line LIKE 'x%'",
      ),
    ).toEqual([{ n: 4_000_000, most: 8192 }]);
  });
});
