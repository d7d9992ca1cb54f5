import { describe, expect, test } from "bun:test";

import { maxReadyChars } from "../../src/engine/backlog.ts";
import { Dispatcher, leastGarbageChars, maxInFlightChars } from "../../src/engine/dispatcher.ts";
import { WaitTimes } from "../../src/engine/wait-times.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import { taskId, workerId } from "../../src/protocol/ids.ts";
import { taskKey } from "../../src/protocol/task-key.ts";
import { node } from "../support/nodes.ts";
import { pageOf } from "../support/restored.ts";
import { EngineParts, started, worker } from "./engine-parts.ts";

class Rig extends EngineParts {
  topUps = 0;
  /** Ended by an earlier session. */
  readonly restored = new Set<TaskVertex>();
  onTopUp = (): void => undefined;
  readonly waits = new WaitTimes();
  readonly garbage: number[] = [];
  readonly dispatcher = new Dispatcher({
    ...this.deps,
    waits: this.waits,
    garbage: { add: (chars) => void this.garbage.push(chars) },
    topUp: () => {
      this.topUps++;
      this.onTopUp();
    },
    applyRestored: (vertex) => this.restored.has(vertex),
  });

  constructor() {
    super();
    this.onReady = (vertex) => this.dispatcher.add(vertex);
  }

  begun(slots = 1): this {
    this.dispatcher.slots = slots;
    this.life.begin(started);
    this.dispatcher.begin();
    return this;
  }

  ids = (most: number, idle = most): number[] =>
    this.dispatcher.take(worker, most, idle).map(({ id }) => Number(id));
}

test("tasks that are ready before the run has begun wait for it, in their order", () => {
  const rig = new Rig();
  for (const name of ["a", "b"]) rig.plan(node(name));
  expect([rig.dispatcher.ready, rig.schedule.ready, rig.ids(2)]).toEqual([2, 0, []]);
  rig.begun();
  expect(rig.dispatcher.take(worker, 2, 2).map(({ name }) => name)).toEqual(["a", "b"]);
});

test("a task that an earlier session has ended is not dispatched", () => {
  const rig = new Rig();
  const known = {
    position: 7,
    key: "k",
    status: "open",
    attempt: 0,
    result: null,
    cursor: null,
  } as const;
  rig.identities.restored.addPage(pageOf({ id: taskId(1), ...known }));
  const [done, open] = [rig.plan(node("done")), rig.plan(node("open"))];
  rig.restored.add(done);
  rig.begun();
  expect(rig.dispatcher.take(worker, 9, 9).map(({ name }) => name)).toEqual([open.name]);
});

test("since when a task was ready, if it has waited long, and at its first attempt only", () => {
  const rig = new Rig().begun();
  rig.schedule.setNow(performance.now() - 5_000);
  const [first, again] = [rig.plan(node("first")), rig.plan(node("again"))];
  rig.identities.identify(again);
  again.attempt = 1;
  const before = Date.now() - 5_000;
  const [one, two] = rig.dispatcher.take(worker, 2, 2);
  expect([one?.name, two?.name]).toEqual([first.name, again.name]);
  expect(Math.abs((one?.readyAt ?? 0) - before)).toBeLessThan(4_000);
  expect(two?.readyAt).toBeUndefined();
});

test("an assignment says what the worker needs, and no more", () => {
  const rig = new Rig().begun();
  rig.schedule.setNow(Number.MAX_SAFE_INTEGER);
  rig.plan(node("a", { i: 1 }));
  const [assignment] = rig.dispatcher.take(worker, 1, 1);
  expect(assignment as unknown).toEqual({
    id: 1,
    task: "a",
    name: "a",
    attempt: 1,
    input: '{"i":1}',
    wantsResult: "no",
  });
});

test("an interrupted attempt uses up no retry", () => {
  const rig = new Rig().begun();
  const vertex = rig.plan(node("a"));
  rig.identities.identify(vertex);
  vertex.interruptions = 2;
  const [assignment] = rig.dispatcher.take(worker, 1, 1);
  expect(assignment?.retries?.limit).toBe(2);
});

test("nor does one of an earlier session; a task that failed there has all of its retries, and no more", () => {
  const rig = new Rig();
  const known = { result: null, cursor: null, attempt: 2, interruptions: 2 };
  for (const [i, status] of (["open", "failed"] as const).entries()) {
    const [id, key] = [taskId(i + 1), taskKey(status, '{"i":1}')];
    rig.identities.restored.addPage(pageOf({ id, key, position: i + 1, status, ...known }));
  }
  rig.begun();
  const planned = ["open", "failed"].map((name) => rig.plan(node(name, { i: 1 })));
  for (const vertex of planned) rig.identities.identify(vertex);
  expect(planned.map(({ id, attempt, interruptions }) => [id, attempt, interruptions])).toEqual([
    [1, 2, 2],
    [2, 0, 0],
  ]);
});

test("tasks of a named pool go to idle slots only", () => {
  const rig = new Rig().begun();
  rig.plan(node("limited", {}, { pool: "one" }));
  expect(rig.ids(1, 0)).toEqual([]);
  expect(rig.ids(1, 1)).toEqual([1]);
});

describe("of inputs that are long", () => {
  const long = "x".repeat(maxInFlightChars / 4);

  test("only so many characters are in flight; more follow when some are released", () => {
    const rig = new Rig().begun();
    for (let i = 0; i < 10; i++) rig.plan(node("a", { long, i }));
    expect(rig.ids(10)).toEqual([1, 2, 3, 4]);
    expect(rig.ids(10)).toEqual([]);
    rig.dispatcher.release(taskId(1));
    expect(rig.ids(10)).toEqual([5]);
  });

  test("a result that someone reads may stay in the file while the ready tasks hold enough text", () => {
    const rig = new Rig().begun();
    const read = node("a");
    rig.plan(node("reads", { read }));
    rig.plan(node("b", "x".repeat(maxReadyChars)));
    expect(rig.dispatcher.take(worker, 1, 1)[0]?.wantsResult).toBe("perhaps");
  });

  test("the end of a batch comes early, but no slot stays idle", () => {
    const rig = new Rig().begun(7);
    for (let i = 0; i < 8; i++) rig.plan(node("a", { text: "x".repeat(256 * 1024), i }));
    expect([rig.ids(5, 0), rig.ids(5, 3)]).toEqual([[1], [2, 3, 4]]);
  });

  test("what becomes garbage is counted, without short inputs", () => {
    const rig = new Rig().begun();
    rig.plan(node("a", { short: "x".repeat(leastGarbageChars / 2) }));
    rig.plan(node("a", { long }));
    rig.ids(2);
    expect(rig.garbage).toEqual([JSON.stringify({ long }).length]);
  });

  test("as many as there are slots run all the same", () => {
    const rig = new Rig().begun(7);
    for (let i = 0; i < 10; i++) rig.plan(node("a", { long, i }));
    expect(rig.ids(10)).toHaveLength(7);
  });
});

test("a plan that fails during a top up: what was taken goes back", () => {
  const rig = new Rig().begun();
  for (const name of ["a", "b"]) rig.plan(node(name));
  rig.onTopUp = () => {
    if (rig.topUps === 2) rig.life.endEarly({ status: "error", failure: null });
  };
  expect(rig.ids(9)).toEqual([]);
  expect([rig.inFlight.size, rig.schedule.ready]).toEqual([0, 2]);
});

test("release ends what the task counts for; a second one finds nothing", () => {
  const rig = new Rig().begun();
  const vertex = rig.plan(node("a", {}, { pool: "one" }));
  const other = rig.plan(node("b", {}, { pool: "one" }));
  expect(rig.ids(2)).toEqual([1]);
  expect(rig.dispatcher.release(taskId(1))).toBe(vertex);
  expect(rig.dispatcher.release(taskId(1))).toBeUndefined();
  expect(rig.dispatcher.take(worker, 1, 1).map(({ name }) => name)).toEqual([other.name]);
});

test("a task that moved belongs to its new worker; one that is put back comes first again", () => {
  const rig = new Rig().begun();
  for (const name of ["a", "b", "c"]) rig.plan(node(name));
  const ids = rig.dispatcher.take(worker, 2, 2).map(({ id }) => id);
  rig.dispatcher.moved(ids, workerId(1));
  expect([...rig.inFlight].map((vertex) => Number(vertex.workerId))).toEqual([1, 1]);
  rig.dispatcher.putBackAll(ids);
  expect(rig.dispatcher.take(worker, 3, 3).map(({ name }) => name)).toEqual(["a", "b", "c"]);
});
