// What a run hears on Redis.

import { expect, setDefaultTimeout, test } from "bun:test";

import { beatsKey, EngineConnection } from "../../../src/executors/redis/engine-connection.ts";
import { EngineKey } from "../../../src/executors/redis/engine-key.ts";
import { packFrame } from "../../../src/executors/redis/frame-codec.ts";
import { isBeat } from "../../../src/executors/redis/link.ts";
import { RunPresence } from "../../../src/executors/redis/run-presence.ts";
import { hasRedis, startRedis } from "../../support/redis-server.ts";

// A run hears beats once a second.
setDefaultTimeout(30_000);

const key = EngineKey.from("a key of the tests, long enough");

test("a beat is a frame that nobody waits for", () => {
  expect(isBeat({ seq: 0, ack: 3, messages: [] })).toBe(true);
  expect(isBeat({ seq: 0, ack: 3, again: true, messages: [] })).toBe(false);
  expect(isBeat({ seq: 1, ack: 3, messages: ["m"] })).toBe(false);
});

test.skipIf(!hasRedis)(
  "beats of machines are heard, each once, and leave nothing in Redis",
  async () => {
    await using redis = await startRedis();
    const [ofRun, ofMachine] = [
      await EngineConnection.open(redis.url),
      await EngineConnection.open(redis.url),
    ];
    const presence = new RunPresence({
      connection: ofRun,
      key,
      version: "1",
      pipeline: "p",
      runName: "n",
      bundle: undefined,
    });
    const beats = beatsKey(presence.session);
    const add = async (machine: string): Promise<unknown> => {
      const name = { session: presence.session, machine, life: 1 };
      const fields = packFrame("to run", name, { seq: 0, ack: 0, messages: [] }, key, 1);
      return ofMachine.commands.call("XADD", beats, "NOMKSTREAM", "*", ...fields);
    };
    // The run is not there yet.
    expect(await add("m.0")).toBeNull();
    const heard: string[] = [];
    const { promise: bothHeard, resolve } = Promise.withResolvers<void>();
    presence.start({
      frame: ({ name }) => {
        if (heard.push(name.machine) === 3) resolve();
      },
      handled: () => undefined,
      ownTick: () => undefined,
      beat: () => undefined,
      reconnected: () => undefined,
      trouble: () => undefined,
    });
    while ((await add("m.1")) === null);
    await add("m.2");
    while (!heard.includes("m.2")) await new Promise((go) => setImmediate(go));
    await add("m.3");
    await bothHeard;
    expect(heard).toEqual(["m.1", "m.2", "m.3"]);
    presence.stop();
    while ((await ofMachine.commands.exists(beats)) > 0);
    expect(await add("m.4")).toBeNull();
    ofMachine.close();
  },
);
