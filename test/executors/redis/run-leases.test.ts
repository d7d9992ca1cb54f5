import { expect, test } from "bun:test";

import type { EngineLine } from "../../../src/executors/redis/engine-connection.ts";
import { EngineKey } from "../../../src/executors/redis/engine-key.ts";
import { RunLeases } from "../../../src/executors/redis/run-leases.ts";
import { tagSetOf } from "../../../src/protocol/tags.ts";
import { assignment } from "../../support/assignment.ts";

test("tasks that were set aside are ready until a machine has them, or they are taken back", () => {
  const [gpu, big] = [tagSetOf(["gpu"]), tagSetOf(["big"])];
  const connection = {
    isReady: true,
    queue: () => ({ add: () => undefined, remove: () => undefined }),
  } as unknown as EngineLine;
  const leases = new RunLeases(
    {
      connection,
      key: EngineKey.from("a key of sixteen characters"),
      version: "1",
      session: "s",
      mostTasks: undefined,
    },
    { machines: () => [], take: () => [], readyOn: () => 5, returned: () => undefined },
  );
  leases.open(gpu);
  leases.setAside([assignment(1), assignment(2)], gpu);
  leases.setAside([assignment(3)], gpu);
  // Nobody has the tag: they wait, and that is said of them too.
  leases.dispatch(0);
  expect([leases.readyOn(gpu), leases.readyOn(big), leases.isIdle]).toEqual([8, 5, false]);
  expect(leases.takeBackAll().map(Number)).toEqual([1, 2, 3]);
  expect([leases.readyOn(gpu), leases.isIdle]).toEqual([5, true]);
});
