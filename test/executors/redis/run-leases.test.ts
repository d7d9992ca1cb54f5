import { expect, test } from "bun:test";

import type { EngineLine } from "../../../src/executors/redis/engine-connection.ts";
import { EngineKey } from "../../../src/executors/redis/engine-key.ts";
import type { ToMachine } from "../../../src/executors/redis/engine-messages.ts";
import type { RemoteMachine } from "../../../src/executors/redis/remote-machine.ts";
import { RunLeases } from "../../../src/executors/redis/run-leases.ts";
import { unpackAssignments } from "../../../src/protocol/codec/assignments.ts";
import { tagSetOf } from "../../../src/protocol/tags.ts";
import { assignment } from "../../support/assignment.ts";

function opened(queue: object, calls: ConstructorParameters<typeof RunLeases>[1]): RunLeases {
  const connection = { isReady: true, queue: () => queue } as unknown as EngineLine;
  const key = EngineKey.from("a key of sixteen characters");
  return new RunLeases(
    { connection, key, version: "1", session: "s", mostTasks: undefined },
    calls,
  );
}

test("tasks that were set aside are ready until a machine has them, or they are taken back", () => {
  const [gpu, big] = [tagSetOf(["gpu"]), tagSetOf(["big"])];
  const leases = opened(
    { add: () => undefined, remove: () => undefined },
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

test("a lease that waits in the queue goes to a machine that keeps one without tasks", () => {
  const removed: string[] = [];
  const sent: string[] = [];
  const ready = [assignment(1), assignment(2), assignment(3)];
  const machine = {
    slots: 1,
    mayRun: () => true,
    send: (message: ToMachine) => {
      const ids =
        message.type === "more" ? unpackAssignments(message.text).map(({ id }) => id) : [];
      sent.push([message.type, "lease" in message ? message.lease : "", ...ids].join(" "));
    },
  } as unknown as RemoteMachine;
  const leases = opened(
    { add: () => undefined, remove: (id: string) => void removed.push(id) },
    {
      machines: () => [machine],
      take: () => ready.splice(0, 1),
      readyOn: () => ready.length,
      returned: () => undefined,
    },
  );
  leases.dispatch(1);
  leases.claim(machine, 1);
  // Its tasks are short: from now on, the machine has room for more leases than this one.
  leases.ended(machine, 1, 0.1);
  leases.dispatch(2);
  expect(sent).toEqual(["granted 1", "more 1 2"]);
  leases.ended(machine, 1, 0.1);
  leases.dispatch(0);
  expect(sent.slice(2)).toEqual(["more 1 3"]);
  expect(removed).toEqual(["s.2"]);
  // Its job was taken at the same time.
  leases.claim(machine, 2);
  leases.ended(machine, 1, 0.1);
  expect([sent.at(-1), leases.isIdle]).toEqual(["refused 2", true]);
});
