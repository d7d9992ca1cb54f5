// `sh({ stdout })`: the output goes to a file that has its name only when it is whole.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeSync,
} from "node:fs";

import { OutputFile } from "../../../src/worker/programs/output-file.ts";

import { ended, newRig, type Rig } from "../../support/rig.ts";

setDefaultTimeout(60_000);

/** A task that runs `line` in a shell, and one that is given its result. */
const shellTask = (line: string, more: string): string => `
  import { sh } from "pipeloom";
  const program = sh({ name: "program", shell: true, command: ${JSON.stringify(line)}, ${more} });
  const last = task({ name: "last", run: ({ file }: { file: string }) => file });
  export default pipeline({ name: "p", tasks: () => last({ file: program() }) });
`;

const run = (rig: Rig, ...flags: readonly string[]) =>
  rig.spawn("run", "pipeline.ts", "--db", "test.db", ...flags);

const text = (rig: Rig, name: string): string => readFileSync(rig.file(name), "utf8");

const context = { run: { id: 1, pipeline: "p", scheduledFor: null, previous: null } };

const parts = (rig: Rig): string[] => rig.list().filter((name) => name.endsWith(".part"));

describe.skipIf(process.platform === "win32")("sh({ stdout })", () => {
  test("the file has the bytes of the output, and the task returns its path", async () => {
    await using rig = newRig();
    rig.pipeline(
      shellTask(
        "head -c 20000000 /dev/zero; printf '\\377x'; echo said >&2",
        'stdout: "out/deep.bin"',
      ),
    );
    expect(await ended(run(rig))).toMatchObject({ code: 0 });
    const bytes = readFileSync(rig.file("out/deep.bin"));
    expect(bytes.length).toBe(20_000_002);
    expect([...bytes.subarray(-3)]).toEqual([0, 255, 120]);
    expect(rig.rows("SELECT result FROM task_runs ORDER BY id")).toEqual([
      { result: '"out/deep.bin"' },
      { result: '"out/deep.bin"' },
    ]);
    expect(rig.rows("SELECT line FROM task_logs")).toEqual([{ line: "said" }]);
  });

  test("relative to cwd; a function of the input names it; a link is followed; the mode stays", async () => {
    await using rig = newRig();
    mkdirSync(rig.file("sub"));
    rig.write("sub/real.txt", "before");
    chmodSync(rig.file("sub/real.txt"), 0o640);
    symlinkSync("real.txt", rig.file("sub/link.txt"));
    rig.pipeline(`
      import { sh } from "pipeloom";
      const list = sh<{ name: string }>({ name: "list", command: ["ls", "real.txt"], cwd: "sub",
        stdout: ({ name }) => name + ".txt" });
      export default pipeline({ name: "p", tasks: () => [list({ name: "link" }), list({ name: "new" })] });
    `);
    expect(await ended(run(rig))).toMatchObject({ code: 0 });
    expect(text(rig, "sub/real.txt")).toBe("real.txt\n");
    expect(statSync(rig.file("sub/real.txt")).mode & 0o777).toBe(0o640);
    expect(text(rig, "sub/new.txt")).toBe("real.txt\n");
    expect(rig.rows("SELECT result FROM task_runs ORDER BY id")).toEqual([
      { result: '"sub/link.txt"' },
      { result: '"sub/new.txt"' },
    ]);
  });

  test("a program that fails leaves the file as it was, and nothing beside it", async () => {
    await using rig = newRig();
    rig.write("out.txt", "before");
    rig.pipeline(shellTask("echo half; exit 3", 'stdout: "out.txt"'));
    const { code, err } = await ended(run(rig));
    expect(code).toBe(1);
    expect(err).toContain("exited with code 3");
    expect(text(rig, "out.txt")).toBe("before");
    expect(parts(rig)).toEqual([]);
  });

  test("killed while the program writes, there is no file; the next run writes it whole", async () => {
    await using rig = newRig();
    void rig.control;
    rig.pipeline(`
      import { sh } from "pipeloom";
      const program = sh({ name: "program", shell: true, stdout: "out.txt",
        command: "echo one; if [ ! -e again ]; then touch again; sleep 300; fi; echo two" });
      const wait = task({ name: "wait", async run() {
        if (!(await Bun.file("out.txt").exists())) await step("go");
      } });
      export default pipeline({ name: "p", tasks: () => [program(), wait()] });
    `);
    const first = run(rig, "-w", "2");
    const call = await rig.control.next("go");
    while (!existsSync(rig.file("again"))) await Bun.sleep(5);
    first.kill("SIGKILL");
    await first.exited;
    call.finish();
    expect(existsSync(rig.file("out.txt"))).toBe(false);
    expect(parts(rig)).toHaveLength(1);
    const second = run(rig, "-w", "1");
    const [result, again] = await Promise.all([
      ended(second),
      Promise.race([rig.control.next("go"), second.exited.then(() => undefined)]).then((next) =>
        typeof next === "object" ? next.finish() : undefined,
      ),
    ]);
    expect(again).toBeUndefined();
    expect(result).toMatchObject({ code: 0 });
    expect(text(rig, "out.txt")).toBe("one\ntwo\n");
    expect(parts(rig)).toEqual([]);
  });

  test("half a file that a killed session has left is replaced", async () => {
    await using rig = newRig();
    const path = rig.file("out.txt");
    // Not closed: killed.
    writeSync(new OutputFile(path, context).descriptor, "ha");
    const again = new OutputFile(path, context);
    writeSync(again.descriptor, "whole");
    again.keep();
    expect(text(rig, "out.txt")).toBe("whole");
    expect(parts(rig)).toEqual([]);
  });

  test("of two tasks that write one file at the same time, one fails", async () => {
    await using rig = newRig();
    const path = rig.file("out.txt");
    const [one, two] = [new OutputFile(path, context), new OutputFile(path, context)];
    writeSync(two.descriptor, "two");
    expect(() => one.keep()).toThrow("another task or run writes the same file");
    one.drop();
    two.keep();
    expect(text(rig, "out.txt")).toBe("two");
    expect(parts(rig)).toEqual([]);
  });

  test("a process in the background that may still write is said", async () => {
    await using rig = newRig();
    rig.pipeline(shellTask("echo now; (sleep 300; echo late) &", 'stdout: "out.txt"'));
    const { code, err } = await ended(run(rig));
    expect(code).toBe(0);
    expect(err).toContain("may still write to out.txt; let the program wait for it");
    expect(text(rig, "out.txt")).toBe("now\n");
  });

  test.each([
    ['stdout: "dir"', "stdout: dir: it is a folder, and the output needs a file of its own"],
    ['stdout: "/dev/null"', "stdout: /dev/null: it is a device or a pipe"],
    ['stdout: "pipeline.ts/x"', "stdout: pipeline.ts/x: "],
    ['stdout: () => ""', 'task "program": stdout returned ""; it must be the path of a file'],
    ['stdout: "x", output: "text"', "output and stdout exclude each other"],
    ["stdout: 5", 'task "program": stdout must be the path of a file, or a function'],
  ])("%s is an error that says what", async (more, message) => {
    await using rig = newRig();
    mkdirSync(rig.file("dir"));
    rig.pipeline(shellTask("echo x", `${more} as never`));
    const { code, err } = await ended(run(rig));
    expect(code).not.toBe(0);
    expect(err).toContain(message);
    expect(parts(rig)).toEqual([]);
  });
});
