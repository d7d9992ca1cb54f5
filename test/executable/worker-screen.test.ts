// `pipeloom worker` on a pseudo-terminal, with a Redis of its own.

import { describe, expect, test } from "bun:test";

import { openPty, type Pty } from "../support/pty.ts";
import { hasRedis, startRedis } from "../support/redis-server.ts";
import { ended, executable, newRig } from "../support/rig.ts";

const key = "the key of these tests";
const program = [executable, "worker"];
const gates = `
  const gate = task({ name: "gate", async run({ i }, ctx) {
    ctx.progress(1, 2, "half");
    await step("gate", i, ctx.signal);
  } });
  export default pipeline({ name: "p", tasks: () => [gate({ i: 1 }), gate({ i: 2 }), gate({ i: 3 })] });
`;

const has = (pty: Pty, pattern: RegExp): boolean =>
  pty.screen.screen().some((line) => pattern.test(line));

/** One line of what it has done, and nothing that moves. */
function expectGivenBack({ screen }: Pty, figures: RegExp): void {
  const lines = screen.lines();
  expect(lines.filter((line) => figures.test(line))).toHaveLength(1);
  expect(lines.filter((line) => /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /.test(line))).toEqual([]);
  expect(screen.cursorVisible).toBe(true);
  expect(screen.isPlain).toBe(true);
}

// Bun.Terminal and setsid(1) as they are on Linux.
describe.skipIf(!hasRedis || process.platform !== "linux")("the screen of a worker", () => {
  test("its connection, its runs and their tasks; Ctrl-C waits for what runs, and gives the rest back", async () => {
    await using redis = await startRedis();
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(gates);
    const env = { PIPELOOM_ENGINE_KEY: key };
    const args = ["--engine", redis.url, "-w", "2"];
    await using pty = openPty(args, { cwd: rig.path, columns: 100, program, env });
    await pty.until(() => has(pty, /^ {2}waits for runs$/), "an idle worker");
    expect(has(pty, new RegExp(`^  connected to ${redis.url}$`))).toBe(true);
    const run = Bun.spawn(
      [executable, "run", "pipeline.ts", "--db", "test.db", "--engine", redis.url],
      {
        cwd: rig.path,
        env: { ...process.env, NO_COLOR: "1", ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    const running = [await control.next("gate"), await control.next("gate")];
    await pty.until(() => has(pty, /^\S gate i=1 .* 50% .*half/), "a running task");
    await pty.until(() => has(pty, /^ {2}works for p run 1$/), "the run");
    expect(has(pty, / 2\/2 threads • 0 done/)).toBe(true);
    pty.type("\x03");
    await pty.until(() => has(pty, /⚠ ending: waits for 2 running tasks; Ctrl-C again/), "the end");
    await pty.until(() => has(pty, /^ {2}ending: works for p run 1$/), "that it ends");
    for (const gate of running) gate.finish();
    expect(await pty.exited).toBe(0);
    expectGivenBack(pty, /^ℹ \S+ 2 done • /);
    run.kill("SIGKILL");
    await run.exited;
  }, 60_000);

  test("a second Ctrl-C ends it while a task runs", async () => {
    await using redis = await startRedis();
    await using rig = newRig();
    const { control } = rig;
    rig.pipeline(gates);
    const env = { PIPELOOM_ENGINE_KEY: key };
    await using pty = openPty(["--engine", redis.url, "-w", "1"], { cwd: rig.path, program, env });
    await pty.until(() => has(pty, /waits for runs$/), "an idle worker");
    const run = Bun.spawn(
      [executable, "run", "pipeline.ts", "--db", "test.db", "--engine", redis.url],
      {
        cwd: rig.path,
        env: { ...process.env, ...env },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      },
    );
    const gate = await control.next("gate");
    pty.type("\x03");
    await pty.until(() => has(pty, /ending: waits for 1 running task;/), "the end");
    pty.type("\x03");
    expect(await pty.exited).toBe(130);
    await gate.gone;
    expectGivenBack(pty, /^ℹ \S+ 0 done • /);
    run.kill("SIGKILL");
    await run.exited;
  }, 60_000);

  test("without its engine it says since when, and when it is back", async () => {
    await using redis = await startRedis();
    await using rig = newRig();
    const env = { PIPELOOM_ENGINE_KEY: key };
    await using pty = openPty(["--engine", redis.url], { cwd: rig.path, program, env });
    await pty.until(() => has(pty, /^ {2}connected to redis:/), "a connection");
    await redis.kill();
    await pty.until(() => has(pty, /^ {2}reconnecting for 0:0\d to redis:/), "no connection");
    expect(has(pty, /⚠ Redis does not answer: waiting for it/)).toBe(true);
    await redis.start();
    await pty.until(() => has(pty, /^ {2}connected to redis:/), "a connection again");
    pty.type("\x03");
    expect(await pty.exited).toBe(0);
    expectGivenBack(pty, /^ℹ \S+ 0 done • /);
  }, 60_000);

  test("in a pipe it prints lines", async () => {
    await using redis = await startRedis();
    await using rig = newRig();
    const worker = Bun.spawn([executable, "worker", "--engine", redis.url, "-w", "1", "--once"], {
      cwd: rig.path,
      env: { ...process.env, NO_COLOR: "1", PIPELOOM_ENGINE_KEY: key },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    rig.pipeline(`
      const one = task({ name: "one", run: () => 1 });
      export default pipeline({ name: "p", tasks: () => one() });
    `);
    const run = Bun.spawn(
      [executable, "run", "pipeline.ts", "--db", "test.db", "--engine", redis.url, "-q"],
      { cwd: rig.path, env: { ...process.env, PIPELOOM_ENGINE_KEY: key }, stdin: "ignore" },
    );
    expect(await run.exited).toBe(0);
    expect(await ended(worker)).toMatchObject({
      code: 0,
      out: "",
      err: "1 thread; waits for runs\nworks for the run of p\nthe run of p is over\n",
    });
  }, 60_000);
});
