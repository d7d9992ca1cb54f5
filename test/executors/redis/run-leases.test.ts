import { expect, spyOn, test } from "bun:test";

import { systemClock } from "../../../src/base/clock.ts";
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

const machineOf = (send: (message: ToMachine) => void) => ({
  slots: 1,
  places: 6,
  isShared: false,
  mayRun: () => true,
  send,
});

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
  const machine = machineOf((message) => {
    const ids = message.type === "more" ? unpackAssignments(message.text).map(({ id }) => id) : [];
    sent.push([message.type, "lease" in message ? message.lease : "", ...ids].join(" "));
  }) as unknown as RemoteMachine;
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

test("where another run waits for the machine, a lease of the shortest tasks ends after 1 s", () => {
  let nowMs = 0;
  const now = spyOn(systemClock, "now").mockImplementation(() => nowMs);
  const sent: string[] = [];
  let last = 0;
  const machine = machineOf(({ type }) => void sent.push(type));
  const remote = machine as unknown as RemoteMachine;
  const leases = opened(
    { add: () => undefined, remove: () => undefined },
    {
      machines: () => [remote],
      take: () => [assignment(++last)],
      readyOn: () => 1,
      returned: () => undefined,
    },
  );
  const again = (atMs: number): string | undefined => {
    nowMs = atMs;
    leases.ended(remote, 1, 0.001);
    leases.dispatch(1);
    return sent.at(-1);
  };
  try {
    leases.dispatch(1);
    leases.claim(remote, 1);
    expect([again(999), again(2_000)]).toEqual(["more", "more"]);
    machine.isShared = true;
    expect(again(2_001)).toBe("closed");
  } finally {
    leases.stop();
    now.mockRestore();
  }
});

test("a machine that has fewer places than before, for another run, gets fewer leases", () => {
  const closed: number[] = [];
  const added: string[] = [];
  let last = 0;
  const machine = machineOf((message) => {
    if (message.type === "closed") closed.push(message.lease);
  });
  const remote = machine as unknown as RemoteMachine;
  const leases = opened(
    {
      add: (jobs: { readonly id: string }[]) => void added.push(...jobs.map(({ id }) => id)),
      remove: () => undefined,
    },
    {
      machines: () => [remote],
      take: () => [assignment(++last)],
      readyOn: () => 9,
      returned: () => undefined,
    },
  );
  const worked = (lease: number): void => {
    leases.ended(remote, lease, 0.001);
    leases.dispatch(9);
  };
  leases.dispatch(9);
  leases.claim(remote, 1);
  worked(1);
  expect(added).toEqual(["s.1", "s.2", "s.3", "s.4", "s.5", "s.6"]);
  for (const lease of [2, 3, 4, 5, 6]) leases.claim(remote, lease);
  machine.places = 1;
  for (const lease of [1, 2, 3, 4, 5, 6]) worked(lease);
  // One is kept, and none was added to the queue before those of the other run.
  expect([closed, added.length]).toEqual([[1, 2, 3, 4, 5], 6]);
  leases.stop();
});
