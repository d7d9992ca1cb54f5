// A Redis with a password: it is shown and stored nowhere, and the commands to go on say that something is left out.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import type { JobView } from "../../src/page/contract-actions.ts";
import { engineKey as key, Machines, until } from "../support/machines.ts";
import { run as runProgram } from "../support/program.ts";
import { hasRedis } from "../support/redis-server.ts";
import { ended } from "../support/rig.ts";

// Each test starts several programs.
setDefaultTimeout(60_000);

const password = "s3cret-of-redis";
const inVariable = ["env", `PIPELOOM_ENGINE_PASSWORD=${password}`];

describe.skipIf(!hasRedis)("a password", () => {
  test("the commands to go on name the engine without it, and run with the variable", async () => {
    await using machines = await Machines.open("--requirepass", password);
    const { rig, redis } = machines;
    const { port } = redis;
    const url = `redis://:${password}@127.0.0.1:${port}`;
    rig.pipeline(`
      const wrong = task({ name: "wrong", run() { throw new Error("no way"); } });
      export default pipeline({
        name: "p",
        tasks: () => wrong(),
        onFinish: ({ rerun }) => console.log("hook: " + rerun),
      });
    `);
    machines.start(["worker", "-w", "1"], key, inVariable);
    const words = ["run", "pipeline.ts", "--db", "test.db"];
    const cut = await ended(machines.start(words, key, [], url));
    const shown = `--engine 'redis://***@127.0.0.1:${port}'`;
    expect(cut.err).toContain(
      `next: pipeloom run pipeline.ts ${shown} --db test.db --rerun failed --resume 1`,
    );
    expect(cut.out + cut.err).toContain(
      `hook: pipeloom run ${rig.file("pipeline.ts")} ${shown} --db`,
    );
    // As it was copied.
    const copied = await ended(machines.start(words, key, [], `redis://***@127.0.0.1:${port}`));
    expect(copied).toMatchObject({
      code: 2,
      err: expect.stringContaining("PIPELOOM_ENGINE_PASSWORD"),
    });
    // Without it.
    expect((await ended(machines.start(words))).err).toContain("set PIPELOOM_ENGINE_PASSWORD");
    // Nothing is left out of the command of the next one.
    const whole = await ended(machines.start([...words, "--rerun", "failed"], key, inVariable));
    expect(whole.err).toContain(
      `next: pipeloom run pipeline.ts --engine ${redis.url} --db test.db --rerun failed --resume 1`,
    );
    for (const { out, err } of [cut, copied, whole]) expect(out + err).not.toContain(password);
    expect(JSON.stringify(rig.rows("SELECT * FROM pipeline_runs"))).not.toContain(password);
    expect(await Bun.file(rig.file("test.db")).text()).not.toContain(password);
  });

  test("backfill gives its runs the engine, and shows it without the password", async () => {
    await using machines = await Machines.open("--requirepass", password);
    const { rig, redis } = machines;
    rig.pipeline(`
      const load = task({ name: "load", run(_, ctx) {
        if (ctx.run.scheduledFor.startsWith("2024-02-28")) throw new Error("no such day");
      } });
      export default pipeline({
        name: "days",
        schedule: { cron: "30 2 * * *", tz: "UTC" },
        tasks: () => load(),
      });
    `);
    machines.start(["worker", "-w", "1"], key, inVariable);
    const range = ["--from", "2024-02-28", "--to", "2024-02-29"];
    const words = ["backfill", "pipeline.ts", "--db", "test.db", ...range];
    const url = `redis://:${password}@127.0.0.1:${redis.port}`;
    const { code, out, err } = await ended(machines.start(words, key, [], url));
    const shown = `--engine 'redis://***@127.0.0.1:${redis.port}'`;
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(`pipeloom run pipeline.ts ${shown} --db test.db --scheduled-for 2024`);
    expect(err).not.toContain(password);
    expect(rig.rows("SELECT engine, status FROM pipeline_runs ORDER BY id")).toEqual([
      { engine: redis.url, status: "error" },
      { engine: redis.url, status: "done" },
    ]);
    expect((await ended(machines.start([...words, "-w", "2"]))).err).toContain(
      "threads of this machine",
    );
  });

  test("the page of a run with --ui has the secrets of its engine: it runs again there", async () => {
    await using machines = await Machines.open("--requirepass", password);
    const { rig, redis } = machines;
    rig.pipeline(`
      const wrong = task({ name: "wrong", run() { throw new Error("no way"); } });
      export default pipeline({ name: "p", tasks: () => wrong() });
    `);
    machines.start(["worker", "-w", "1"], key, inVariable);
    // No browser can be opened: the address is printed.
    const run = machines.start(["run", "pipeline.ts", "--ui", "--db", "test.db"], key, [
      ...inVariable,
      "PATH=/nowhere",
      "CI=true",
    ]);
    // The page may begin later than the run ends.
    const said = await until(run, "token=", "the page stays open");
    const [address = ""] = /http:\S+token=\S+/.exec(said) ?? [];
    const { origin } = new URL(address);
    const entered = await fetch(address, { redirect: "manual" });
    const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
    const headers = { cookie, origin, "content-type": "application/json" };
    const body = JSON.stringify({ task: null, isDownstream: false });
    const started = await fetch(`${origin}/actions/runs/1/rerun`, {
      method: "POST",
      headers,
      body,
    });
    expect(await started.json()).toMatchObject({
      command: expect.stringContaining(` --engine ${redis.url} --rerun failed`) as string,
    });
    const look = async (): Promise<JobView> =>
      (await (await fetch(`${origin}/data/jobs/1`, { headers })).json()) as JobView;
    while ((await look()).job.ended === null) await Bun.sleep(20);
    expect((await look()).output).toContain("no way");
  });

  test("`rerun` of a program's run names the engine too", async () => {
    await using machines = await Machines.open("--requirepass", password);
    const { rig, redis } = machines;
    const paths = { pipeloom: [join(import.meta.dir, "../../src/index.ts")] };
    rig.write("tsconfig.json", JSON.stringify({ compilerOptions: { paths } }));
    rig.pipeline(`
      const wrong = task({ name: "wrong", run() { throw new Error("no way"); } });
      export default pipeline({ name: "p", tasks: () => wrong() });
    `);
    machines.start(["worker", "-w", "1"], key, inVariable);
    rig.write(
      "program.ts",
      `import { runPipeline } from "pipeloom";
       const engine = "redis://:${password}@127.0.0.1:${redis.port}";
       const { rerun } = await runPipeline("pipeline.ts", { engine, db: "test.db" });
       console.log(rerun);`,
    );
    const program = [process.execPath, "program.ts"];
    const { code, out } = await runProgram(program, rig.path, { PIPELOOM_ENGINE_KEY: key });
    expect({ code, out }).toEqual({
      code: 0,
      out: `pipeloom run ${rig.file("pipeline.ts")} --engine 'redis://***@127.0.0.1:${redis.port}' --db ${rig.file("test.db")} --rerun failed --resume 1\n`,
    });
  });
});
