// Networks that are cut without a word, between the run, its Redis and its workers.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

import type { Control } from "../support/control.ts";
import { gates, Machines, until } from "../support/machines.ts";
import { canMakeNetworks, NetworkNamespace } from "../support/network-namespace.ts";
import { hasRedis } from "../support/redis-server.ts";
import { ended, type Rig } from "../support/rig.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

// Silence is noticed after some seconds.
setDefaultTimeout(90_000);

async function finishAll(control: Control): Promise<never> {
  for (;;) (await control.next("gate")).finish();
}

/** Tasks that need nothing but files: each says that it has begun, and waits for the file that is named after it. */
const holds = `
  import { appendFileSync, existsSync } from "node:fs";
  const hold = task({ name: "hold", async run({ i }, ctx) {
    await ctx.insert("seen", [{ i, attempt: ctx.attempt }]);
    appendFileSync("begun", i + " in attempt " + ctx.attempt + ";");
    while (!existsSync("end-" + i)) await Bun.sleep(20);
    return i;
  } });
  export default pipeline({
    name: "p",
    schema: "CREATE TABLE IF NOT EXISTS seen (i INTEGER, attempt INTEGER)",
    tasks: () => [hold({ i: 1 }), hold({ i: 2 })],
  });
`;

async function untilBegun(rig: Rig, what: string): Promise<void> {
  const file = rig.file("begun");
  while (!existsSync(file) || !readFileSync(file, "utf8").includes(what)) await Bun.sleep(20);
}

/** The run writes the database: it is asked until it says so. */
async function untilRunning(rig: Rig, i: number): Promise<void> {
  const sql = `SELECT 1 FROM task_runs WHERE status = 'running' AND input LIKE '%${i}%'`;
  while (rig.rows(sql).length === 0) await Bun.sleep(20);
}

const seen = "SELECT COUNT(*) AS n, COUNT(DISTINCT i) AS d FROM seen";

describe.skipIf(!hasRedis)("a network that goes silent", () => {
  test.each(["worker", "run"])(
    "connections of the %s that lead nowhere are opened again",
    async (who) => {
      await using machines = await Machines.open();
      using proxy = await TcpProxy.open(machines.redis.port);
      const { rig } = machines;
      const { control } = rig;
      rig.pipeline(gates);
      const by = (name: string): string | undefined =>
        name === who ? `redis://127.0.0.1:${proxy.port}` : undefined;
      machines.start(["worker", "-w", "1"], undefined, [], by("worker"));
      const args = ["run", "pipeline.ts", "--db", "test.db"];
      const run = machines.start(args, undefined, [], by("run"));
      const gate = await control.next("gate");
      proxy.silence();
      gate.finish();
      void finishAll(control);
      const { code, err } = await ended(run);
      expect({ code, err }).toMatchObject({ code: 0 });
      expect(rig.rows(seen)).toEqual([{ n: 2, d: 2 }]);
    },
  );

  test.skipIf(!canMakeNetworks())(
    "a worker whose cable is pulled and plugged in again has no say in what it had",
    async () => {
      using network = new NetworkNamespace();
      const listen = ["--bind", "127.0.0.1", network.here, "--protected-mode", "no"];
      await using machines = await Machines.open(...listen);
      const { rig, redis } = machines;
      rig.pipeline(holds);
      const url = `redis://${network.here}:${redis.port}`;
      const apart = machines.start(["worker", "-w", "1"], undefined, network.enter, url);
      const run = machines.run();
      await untilBegun(rig, "1 in attempt 1;");
      await untilRunning(rig, 1);
      network.pull();
      machines.worker("-w", "2");
      await untilBegun(rig, "2 in attempt 1;");
      await untilBegun(rig, "1 in attempt 2;");
      // It ends in both places. What the first one has done is on its way for as long as the cable is out.
      rig.write("end-1", "");
      network.plug();
      await until(apart, "had given this machine up");
      rig.write("end-2", "");
      expect(await ended(run)).toMatchObject({ code: 0 });
      expect(rig.rows("SELECT i, attempt FROM seen ORDER BY i")).toEqual([
        { i: 1, attempt: 2 },
        { i: 2, attempt: 1 },
      ]);
    },
  );

  test("a task that blocks its thread for longer than any lock or silence may last is left alone", async () => {
    await using machines = await Machines.open();
    machines.rig.pipeline(`
      const block = task({ name: "block", run: (_, ctx) => {
        Bun.sleepSync(12_000);
        return ctx.attempt;
      } });
      export default pipeline({ name: "p", tasks: () => block() });
    `);
    machines.worker("-w", "1");
    const { code, err } = await ended(machines.run());
    expect({ code, err }).toEqual({ code: 0, err: expect.not.stringContaining("silent") });
    expect(machines.rig.rows("SELECT attempt, result FROM task_runs")).toEqual([
      { attempt: 1, result: "1" },
    ]);
  });
});
