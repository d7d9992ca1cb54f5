import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";

import { SlowWatch, slowFromMs } from "../../src/engine/slow-watch.ts";
import type { LearnedTask } from "../../src/protocol/learned.ts";
import type { TaskSlow } from "../../src/protocol/events.ts";
import type { TaskId } from "../../src/protocol/ids.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import { useFakeTime, useRealTime } from "../support/fake-time.ts";
import { node } from "../support/nodes.ts";
import { EngineParts } from "./engine-parts.ts";

beforeEach(useFakeTime);
afterEach(useRealTime);

const learned = (task: string, more: Partial<LearnedTask> = {}): LearnedTask => ({
  task,
  runs: 4,
  tasks: 40,
  meanMs: 1500,
  p95Ms: 2000,
  counts: [],
  ...more,
});

class Rig extends EngineParts {
  readonly said: TaskSlow[] = [];
  readonly watch = new SlowWatch({
    times: this.times,
    inFlight: this.inFlight,
    inputs: this.inputs,
    onEvents: (events) => void this.said.push(...events),
  });

  constructor(...definitions: readonly LearnedTask[]) {
    super();
    if (definitions.length > 0) this.times.learn({ definitions, stretch: 1 });
    this.watch.begin();
  }

  started(name: string): TaskVertex {
    const vertex = this.dispatched(node(name, { at: this.said.length, name }));
    vertex.startedAt = Date.now();
    return vertex;
  }

  ended(vertex: TaskVertex, durationMs: number): void {
    const { id, name } = vertex;
    this.inFlight.delete(id as TaskId);
    const times = { startedAt: 0, at: durationMs };
    const event = { type: "task-finished", name, attempt: 1, status: "done", ...times } as const;
    this.watch.finished(vertex, { ...event, id: id as TaskId });
  }
}

describe("from when on a task is slow", () => {
  const cases: readonly (readonly [string, Partial<LearnedTask>, number | undefined])[] = [
    ["twice the p95", { p95Ms: 2000 }, 4000],
    ["a second at least: a short task may wait for the machine", { p95Ms: 3 }, 1000],
    ["too few tasks", { tasks: 19 }, undefined],
    ["just enough tasks", { tasks: 20 }, 4000],
  ];
  for (const [what, more, from] of cases) {
    test(what, () => expect(slowFromMs(learned("load", more))).toBe(from));
  }
});

test("a running task is said to be slow while it runs, once", () => {
  const rig = new Rig(learned("load"));
  const load = rig.started("load");
  rig.started("other");
  jest.advanceTimersByTime(3900);
  expect(rig.said).toEqual([]);
  jest.advanceTimersByTime(1100);
  expect(rig.said).toMatchObject([
    {
      type: "task-slow",
      id: Number(load.id),
      task: "load",
      isRunning: true,
      p95Ms: 2000,
      runs: 4,
      input: '{"at":0,"name":"load"}',
    },
  ]);
  expect(rig.said[0]?.durationMs).toBeWithin(4000, 5001);
  jest.advanceTimersByTime(60_000);
  rig.ended(load, 65_000);
  rig.watch.flush();
  expect(rig.said).toHaveLength(1);
  rig.watch.end();
});

test("a task that ended between two looks is said after the events of its commit; each definition for itself", () => {
  const rig = new Rig(learned("load"), learned("save", { p95Ms: 500 }));
  rig.ended(rig.started("load"), 4000);
  rig.ended(rig.started("load"), 9000);
  rig.ended(rig.started("save"), 999);
  expect(rig.said).toEqual([]);
  rig.watch.flush();
  expect(rig.said).toMatchObject([{ task: "load", durationMs: 4000, isRunning: false }]);
  rig.ended(rig.started("save"), 1000);
  rig.watch.flush();
  expect(rig.said.map(({ task }) => task)).toEqual(["load", "save"]);
  rig.watch.end();
});

test("without earlier runs there is no timer, and nothing is slow", () => {
  const rig = new Rig();
  rig.ended(rig.started("load"), 1e9);
  rig.watch.flush();
  expect([rig.said, jest.getTimerCount()]).toEqual([[], 0]);
});

test("no timer is left when the run ends", () => {
  const rig = new Rig(learned("load"));
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(5000);
  rig.watch.end();
  expect(jest.getTimerCount()).toBe(0);
});
