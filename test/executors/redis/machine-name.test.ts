import { afterAll, describe, expect, test } from "bun:test";

import { EngineConnection, nameKey } from "../../../src/executors/redis/engine-connection.ts";
import { MachineName } from "../../../src/executors/redis/machine/machine-name.ts";
import { hasRedis, type RedisServer, startRedis } from "../../support/redis-server.ts";

const server: RedisServer | undefined = hasRedis ? await startRedis() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

describe.skipIf(server === undefined)("the names of machines", () => {
  test("workers of one host have numbers, and a number that is given up is taken again", async () => {
    const connection = await EngineConnection.open(server?.url ?? "");
    try {
      const names = [];
      for (let i = 0; i < 3; i++) names.push(await MachineName.take(connection, "web1"));
      expect(names.map(({ text }) => text)).toEqual(["web1", "web1/2", "web1/3"]);
      expect((await MachineName.take(connection, "web2")).text).toBe("web2");
      names[1]?.giveUp();
      expect((await MachineName.take(connection, "web1")).text).toBe("web1/2");
    } finally {
      connection.close();
    }
  });

  test("the engine forgets a name that nobody keeps, and not one that is kept", async () => {
    const connection = await EngineConnection.open(server?.url ?? "");
    try {
      const name = await MachineName.take(connection, "web3");
      const { commands } = connection;
      await commands.del(nameKey("web3"));
      name.keep();
      expect(await commands.ttl(nameKey("web3"))).toBeGreaterThan(0);
    } finally {
      connection.close();
    }
  });
});
