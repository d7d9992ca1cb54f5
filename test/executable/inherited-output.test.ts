// What is written past pipeloom, by child processes that inherit its descriptors and by native code.

import { describe, expect, setDefaultTimeout, test } from "bun:test";

import { type Ended, ended, executable, newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

async function run(rig: Rig, text: string, ...more: readonly string[]): Promise<Ended> {
  rig.pipeline(text);
  return rig.pipeloom("run", "pipeline.ts", "--db", "test.db", ...more);
}

const isJson = (line: string): boolean => {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
};

/** A task that writes in each way, at its top level too. */
const writing = `
  import { writeSync } from "node:fs";
  await Bun.$\`echo while loading\`;
  const write = task({
    name: "write",
    async run() {
      await Bun.$\`echo from a shell\`;
      await Bun.spawn(["sh", "-c", "echo from a child; echo its stderr >&2"], { stdio: ["ignore", "inherit", "inherit"] }).exited;
      writeSync(1, "by descriptor\\n");
      await Bun.spawn(["sh", "-c", "test -t 1 || printf 'no terminal, no end'"], { stdio: ["ignore", "inherit", "inherit"] }).exited;
    },
  });
  export default pipeline({ name: "p", secrets: ["KEY"], tasks: () => write() });
`;

describe.skipIf(process.platform === "win32")("inherited output", () => {
  test("leaves nothing but events on stdout with --json, and becomes lines", async () => {
    await using rig = newRig();
    const { code, out, err } = await run(rig, writing, "--json");
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split("\n")
        .filter((line) => !isJson(line)),
    ).toEqual([]);
    const lines = err.split("\n");
    expect(lines.filter((line) => line === "while loading").length).toBeGreaterThan(0);
    for (const line of [
      "from a shell",
      "from a child",
      "its stderr",
      "by descriptor",
      "no terminal, no end",
    ]) {
      expect(lines.filter((each) => each === `ℹ ${line}`)).toHaveLength(1);
    }
  });

  test("of a run that takes its time comes as it is written", async () => {
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(`
      const write = task({ name: "write", async run() {
        await step("begun");
        await Bun.$\`echo now\`;
        await step("written");
      } });
      export default pipeline({ name: "p", tasks: () => write() });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    (await control.next("begun")).finish();
    const written = await control.next("written");
    let seen = "";
    const decoder = new TextDecoder();
    const reader = child.stderr.getReader();
    while (!seen.includes("ℹ now\n")) seen += decoder.decode((await reader.read()).value);
    reader.releaseLock();
    written.finish();
    expect(await child.exited).toBe(0);
  });

  test("is masked", async () => {
    await using rig = newRig();
    rig.pipeline(writing.replace("from a child", "from a child $KEY"));
    const child = Bun.spawn([executable, "run", "pipeline.ts", "--db", "test.db", "--json"], {
      cwd: rig.path,
      env: { ...process.env, NO_COLOR: "1", KEY: "correct-horse-battery" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const { code, err } = await ended(child);
    expect(code).toBe(0);
    expect(err).toContain("from a child ***");
    expect(err).not.toContain("correct-horse-battery");
  });

  test("of a child that the main thread itself waits for does not stop both", async () => {
    await using rig = newRig();
    const { code, err } = await run(
      rig,
      `const a = task({ name: "a", run() {} });
       export default pipeline({
         name: "p",
         async *tasks() {
           yield a();
           Bun.spawnSync(["sh", "-c", "head -c 8000000 /dev/zero | tr '\\\\0' x; echo"], { stdio: ["ignore", "inherit", "inherit"] });
           yield a();
         },
       });`,
      "-q",
      "--log-file",
      "log",
    );
    expect({ code, err }).toMatchObject({ code: 0 });
    const log = await Bun.file(rig.file("log")).text();
    expect(log).toContain("bytes of output of child processes are not shown");
  });

  test("stops where user code closes the descriptor, and nothing else does", async () => {
    await using rig = newRig();
    const { code, err } = await run(
      rig,
      `import { closeSync } from "node:fs";
       const a = task({ name: "a", async run() { await Bun.$\`echo before\`; await Bun.sleep(300); closeSync(1); await Bun.sleep(100); } });
       export default pipeline({ name: "p", tasks: () => a() });`,
    );
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(err).toContain("ℹ before\n");
  });

  test.skipIf(process.platform !== "linux")(
    "finds a pipe that waits for room, also when a thread has started since",
    async () => {
      await using rig = newRig();
      const { err } = await run(
        rig,
        `import { readFileSync } from "node:fs";
         const leave = task({ name: "leave", run() { process.exit(3); } });
         const look = task({ name: "look", async run() {
           await Bun.sleep(500);
           const [, flags] = /flags:\\s*(\\d+)/.exec(readFileSync("/proc/self/fdinfo/1", "utf8"));
           console.log("O_NONBLOCK", (parseInt(flags, 8) & 0o4000) !== 0);
         } });
         export default pipeline({ name: "p", tasks: () => [leave(), look()] });`,
        "-w2",
      );
      expect(err).toContain("O_NONBLOCK false");
    },
  );

  test("of what goes on in the background is not waited for", async () => {
    await using rig = newRig();
    const { code, out } = await run(
      rig,
      `const a = task({ name: "a", run() { Bun.spawn(["sleep", "5"], { stdio: ["ignore", "inherit", "inherit"] }).unref(); } });
       export default pipeline({ name: "p", tasks: () => a() });`,
      "--json",
    );
    expect(code).toBe(0);
    expect(out).toContain("run-finished");
  }, 15_000);

  test.skipIf(process.platform !== "linux")(
    "a crash of the runtime is still reported",
    async () => {
      await using rig = newRig();
      const { code, err } = await run(
        rig,
        `import { read } from "bun:ffi";
       const crash = task({ name: "crash", async run() { await Bun.sleep(500); read.u8(8 as never, 0); } });
       export default pipeline({ name: "p", tasks: () => crash() });`,
      );
      expect(code).not.toBe(0);
      expect(err).toContain("Bun has crashed");
    },
  );

  test.skipIf(process.platform !== "linux")(
    "what the runtime says before it exits by itself is still shown",
    async () => {
      await using rig = newRig();
      const { code, err } = await run(
        rig,
        `import { dlopen } from "bun:ffi";
       // As the runtime does, for example where a new thread finds no descriptors.
       const musl = "libc.musl-" + (process.arch === "x64" ? "x86_64" : "aarch64") + ".so.1";
       const open = (name: string) => dlopen(name, {
         write: { args: ["int", "buffer", "u64"], returns: "int" },
         quick_exit: { args: ["int"], returns: "void" },
       }).symbols;
       const libcOf = () => { try { return open("libc.so.6"); } catch { return open(musl); } };
       const exits = task({ name: "exits", async run() {
         const libc = libcOf();
         await Bun.sleep(500);
         const words = Buffer.from("error: bun ran out of file descriptors");
         libc.write(2, words, words.length);
         libc.quick_exit(1);
       } });
       export default pipeline({ name: "p", tasks: () => exits() });`,
        "--quiet",
      );
      expect(code).toBe(1);
      expect(err).toContain("bun ran out of file descriptors");
    },
  );
});
