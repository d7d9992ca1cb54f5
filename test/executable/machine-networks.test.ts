// Networks that are cut without a word, between the run, its Redis and its workers.

import { describe, expect, setDefaultTimeout, test } from "bun:test";

import type { Control } from "../support/control.ts";
import { gates, Machines } from "../support/machines.ts";
import { hasRedis } from "../support/redis-server.ts";
import { ended } from "../support/rig.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

// Silence is noticed after some seconds.
setDefaultTimeout(90_000);

async function finishAll(control: Control): Promise<never> {
  for (;;) (await control.next("gate")).finish();
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
});
