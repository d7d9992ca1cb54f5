// The reaper process: no program outlives pipeloom's process, however that process ends.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { markName } from "../../../src/base/process-mark.ts";
import { repository } from "../../support/program.ts";
import { runPipeline } from "../../../src/run-pipeline.ts";
import { executable, newRig, type Rig } from "../../support/rig.ts";

setDefaultTimeout(60_000);

const isLinux = process.platform === "linux";
const script = readFileSync(join(repository, "src/worker/programs/program-reaper.sh"), "utf8");

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not seen: ${what}`);
    await Bun.sleep(2);
  }
}

/** The number that a program writes to a file. */
async function numberIn(rig: Rig, name: string): Promise<number> {
  const text = (): string =>
    existsSync(rig.file(name)) ? readFileSync(rig.file(name), "utf8") : "";
  await until(name, () => text().endsWith("\n"));
  return Number(text());
}

/** Fields of proc_pid_stat(5) from the third on; undefined if the process is gone. */
function statOf(pid: number | string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

const hasEnded = (pid: number): boolean => /^[ZX]/.test(statOf(pid)?.[0] ?? "X");

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Reapers that this process has started and that run. */
const reapersOf = (pid: number): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid))
    .filter((name) => commandOf(name).includes("\0pipeloom-reaper\0"))
    .map(Number);

const shells = ["sh", "dash", "bash --posix", "busybox sh", "zsh --emulate sh"].filter(
  (shell) => Bun.which(shell.split(" ")[0] ?? "") !== null,
);

class Programs implements Disposable {
  readonly #started: Bun.Subprocess[] = [];

  /** A process group of its own. */
  start(
    env: Record<string, string> = {},
    command: readonly string[] = ["sleep", "300"],
  ): Bun.Subprocess {
    const started = Bun.spawn([...command], {
      detached: true,
      env: { PATH: process.env["PATH"], ...env },
    });
    this.#started.push(started);
    return started;
  }

  [Symbol.dispose](): void {
    for (const started of this.#started) started.kill("SIGKILL");
  }
}

/** As in /proc. */
const stat = (start: number): string => `(a b) S ${`${start} `.repeat(20)}\n`;

/** Runs the reaper over these lines. */
async function reaper(
  shell: readonly string[],
  lines: readonly string[],
  mark = "",
  commands = script,
): Promise<void> {
  const child = Bun.spawn([...shell, "-c", commands, "pipeloom-reaper", mark], {
    stdio: [new Blob([`${lines.join("\n")}\n`]), "pipe", "pipe"],
    env: { PATH: process.env["PATH"] },
  });
  expect([await child.exited, await child.stdout.text(), await child.stderr.text()]).toEqual([
    0,
    "",
    "",
  ]);
}

describe.skipIf(!isLinux)("the reaper's script", () => {
  test.each(shells)("%s", async (shell) => {
    using programs = new Programs();
    const [ends, stays, before] = [programs.start(), programs.start(), programs.start()];
    const mark = `${markName}=1 a-boot ${crypto.randomUUID()}`;
    const [marked, other] = [mark, `${mark}0`].map((entry) =>
      programs.start({ [markName]: entry.slice(markName.length + 1) }),
    );
    await reaper(
      shell.split(" "),
      [
        `+${before.pid}`,
        `+${stays.pid}`,
        `+${stays.pid}`,
        "",
        `+${ends.pid}`,
        `-${stays.pid}`,
        "-99999999",
      ],
      mark,
    );
    const codes = await Promise.all([ends.exited, before.exited, marked?.exited]);
    expect(codes).toEqual([137, 137, 137]);
    expect([stays.exitCode, stays.signalCode]).toEqual([null, null]);
    expect([other?.exitCode, other?.signalCode]).toEqual([null, null]);
  });

  test("ends nothing after a run that has ended everything itself", async () => {
    using programs = new Programs();
    const mark = `${markName}=1 a-boot ${crypto.randomUUID()}`;
    const stays = programs.start({ [markName]: mark.slice(markName.length + 1) });
    await reaper(["sh"], ["="], mark);
    expect([stays.exitCode, stays.signalCode]).toEqual([null, null]);
    await reaper(["sh"], ["=", `+${stays.pid}`], mark);
    expect(await stays.exited).toBe(137);
  });

  test("asks ps for start times where there is no /proc", async () => {
    using programs = new Programs();
    const [ends, stays] = [programs.start(), programs.start()];
    const commands = script.replace("-e /proc/self/stat", "-e /no/such/file");
    expect(commands).not.toBe(script);
    await reaper(["sh"], [`+${ends.pid}`, `+${stays.pid}`, `-${stays.pid}`], "", commands);
    expect(await ends.exited).toBe(137);
    expect([stays.exitCode, stays.signalCode]).toEqual([null, null]);
  });

  test("ends a group whose leader is gone", async () => {
    using programs = new Programs();
    await using rig = newRig();
    const line = `sleep 300 & echo $! > "${rig.file("member")}"`;
    const leader = programs.start({}, ["sh", "-c", line]);
    await leader.exited;
    const member = await numberIn(rig, "member");
    expect(hasEnded(member)).toBe(false);
    await reaper(["sh"], [`+${leader.pid}`]);
    await until("the end of the group", () => hasEnded(member));
  });

  test.skipIf(Bun.which("mkfifo") === null)(
    "leaves alone a process that has got the id of another",
    async () => {
      await using rig = newRig();
      using programs = new Programs();
      // Start times as the test wants them.
      const commands = script.replace('"/proc/$1/stat"', `"${rig.path}/$1"`);
      expect(commands).not.toBe(script);
      const [same, other] = [programs.start(), programs.start()];
      for (const { pid } of [same, other]) rig.write(String(pid), stat(5));
      Bun.spawnSync(["mkfifo", rig.file("1234567")]);
      const child = Bun.spawn(["sh", "-c", commands, "pipeloom-reaper", ""], { stdin: "pipe" });
      await child.stdin.write(`+${same.pid}\n+${other.pid}\n+1234567\n-1234567\n`);
      await child.stdin.flush();
      // Returns when the reaper reads it: it has looked at the two by then.
      await Bun.spawn(["sh", "-c", `echo > "${rig.file("1234567")}"`]).exited;
      rig.write(String(other.pid), stat(6));
      await child.stdin.end();
      expect(await same.exited).toBe(137);
      await child.exited;
      expect([other.exitCode, other.signalCode]).toEqual([null, null]);
    },
  );

  test.skipIf(Bun.which("shellcheck") === null)("shellcheck has nothing to say", () => {
    const { stdout } = Bun.spawnSync([
      "shellcheck",
      "-s",
      "sh",
      join(repository, "src/worker/programs/program-reaper.sh"),
    ]);
    expect(stdout.toString()).toBe("");
  });
});

/** Two programs: one in its group, one that has left it. Both ignore SIGTERM and write their process id. */
const deaf = `
  import { sh } from "pipeloom";
  const a = sh({ name: "a", shell: true, command: "trap '' TERM; setsid sh -c 'echo $$ > own; exec sleep 300' & echo $$ > pid; sleep 300" });
  export default pipeline({ name: "p", tasks: () => a() });
`;

const unshare = ["unshare", "--map-root-user", "--mount"];
const canMount = isLinux && Bun.spawnSync([...unshare, "true"]).exitCode === 0;

const kill = (pid: number): boolean => process.kill(pid, "SIGKILL");

describe.skipIf(!isLinux)("no program outlives its run", () => {
  test.each(["SIGKILL", "SIGSEGV", "SIGABRT"] as const)("that ends by %s", async (signal) => {
    await using rig = newRig();
    rig.pipeline(deaf);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    const pids = [await numberIn(rig, "pid"), await numberIn(rig, "own")];
    expect(pids.map(hasEnded)).toEqual([false, false]);
    child.kill(signal);
    await child.exited;
    await until("the end of both", () => pids.every(hasEnded));
  });

  test("when its reaper was killed before", async () => {
    await using rig = newRig();
    rig.pipeline(deaf);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    const pids = [await numberIn(rig, "pid"), await numberIn(rig, "own")];
    const [first = 0, ...more] = reapersOf(child.pid);
    expect(more).toEqual([]);
    kill(first);
    await until("another reaper", () => reapersOf(child.pid).some((pid) => pid !== first));
    child.kill("SIGKILL");
    await until("the end of both", () => pids.every(hasEnded));
  });

  test("killed with its reaper, the next run ends its programs before their tasks start again", async () => {
    await using rig = newRig();
    rig.pipeline(`
      import { sh } from "pipeloom";
      const a = sh({ name: "a", shell: true, command: "if [ -e pid ]; then grep -qs '^State:.[RSD]' /proc/$(cat pid)/status || echo ended > ended; exit; fi; echo $$ > pid; sleep 300" });
      export default pipeline({ name: "p", tasks: () => a() });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    const pid = await numberIn(rig, "pid");
    // Stopped, it does not see the end of the pipe.
    const [reaperPid = 0] = reapersOf(child.pid);
    process.kill(reaperPid, "SIGSTOP");
    child.kill("SIGKILL");
    await child.exited;
    kill(reaperPid);
    expect(hasEnded(pid)).toBe(false);
    const { code, err } = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
    expect(err).toContain(`ended 2 processes before their tasks start again (pid ${pid}, `);
    expect(code).toBe(0);
    expect(rig.list()).toContain("ended");
  });

  test.skipIf(!canMount)("where there is no shell, that is said", async () => {
    await using rig = newRig();
    rig.pipeline(`
      import { sh } from "pipeloom";
      const a = sh({ name: "a", command: [${JSON.stringify(Bun.which("true"))}] });
      export default pipeline({ name: "p", tasks: () => a() });
    `);
    const line =
      'mount --bind /dev/null "$(readlink -f /bin/sh)" && exec "$0" run pipeline.ts --db test.db';
    const child = Bun.spawn([...unshare, "sh", "-c", line, executable], {
      cwd: rig.path,
      stdio: ["ignore", "ignore", "pipe"],
    });
    expect(await child.stderr.text()).toContain(
      "a: if pipeloom is killed, its programs run on: /bin/sh, which would end them, cannot be started (E",
    );
    expect(await child.exited).toBe(0);
  });

  test("that is done: a daemon in a session of its own gets SIGTERM", async () => {
    await using rig = newRig();
    rig.pipeline(`
      import { sh } from "pipeloom";
      const a = sh({ name: "a", shell: true, command: "setsid sh -c 'trap \\"echo bye > bye; exit\\" TERM; echo $$ > pid; while :; do sleep 0.02; done' >/dev/null 2>&1 & while [ ! -s pid ]; do sleep 0.01; done" });
      export default pipeline({ name: "p", tasks: () => a() });
    `);
    const child = rig.spawn("run", "pipeline.ts", "--db", "test.db");
    expect(await child.exited).toBe(0);
    expect(hasEnded(await numberIn(rig, "pid"))).toBe(true);
    expect(rig.list()).toContain("bye");
    expect(reapersOf(child.pid)).toEqual([]);
  });

  test("in a program that uses the library: one reaper serves its runs, and ends with it", async () => {
    await using rig = newRig();
    rig.pipeline(`
      import { sh } from "pipeloom";
      const a = sh({ name: "a", command: "true" });
      export default pipeline({ name: "p", tasks: () => a() });
    `);
    // Other tests of this process have started some too.
    const before = new Set(reapersOf(process.pid));
    const reapers: number[][] = [];
    for (let i = 0; i < 2; i++) {
      await runPipeline(rig.file("pipeline.ts"), { db: rig.file(`${i}.db`) });
      reapers.push(reapersOf(process.pid).filter((pid) => !before.has(pid)));
    }
    expect(reapers[0]).toHaveLength(1);
    expect(reapers[1]).toEqual(reapers[0] ?? []);
  });
});
