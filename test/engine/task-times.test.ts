// What is learned of earlier runs, and what they learn of this one.

import { describe, expect, test } from "bun:test";

import { TaskNode } from "../../src/api/node.ts";
import { Schedule } from "../../src/engine/schedule.ts";
import { TaskTimes } from "../../src/engine/task-times.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import type { LearnedTask } from "../../src/protocol/learned.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { Hand } from "../support/graph-hand.ts";
import { definition } from "../support/nodes.ts";
import { simulateRun } from "./forecast-rig.ts";

const progress = { slots: 1, expected: 0, elapsedMs: 10_000 };

const learned = (of: Readonly<Record<string, number>>, tasks = 10) => ({
  stretch: 1,
  definitions: Object.entries(of).map(([task, meanMs]): LearnedTask => ({
    task,
    runs: 1,
    tasks,
    meanMs,
    p95Ms: meanMs,
    counts: [],
  })),
});

/** Tasks that are ready, one of each of these definitions after the other. */
function readyOf(...names: readonly string[]): TaskVertex[] {
  const known = new Map<string, ReturnType<typeof definition>>();
  const hand = new Hand();
  for (const [i, name] of names.entries()) {
    const of = known.get(name) ?? definition(name);
    known.set(name, of);
    hand.graph.add(new TaskNode(of, i, {}));
  }
  return hand.ready;
}

const orderOf = (of: Readonly<Record<string, number>>, ...names: readonly string[]) => {
  const times = new TaskTimes(true, (name) => name);
  times.learn(learned(of));
  const schedule = new Schedule(new Map());
  if (times.isMixed) schedule.longFirst((vertex) => times.classOf(vertex));
  for (const vertex of readyOf(...names)) schedule.add(vertex);
  return names.map(() => schedule.take(0, true)?.name);
};

describe("the order", () => {
  test("long tasks first, equal ones as they are written", () => {
    const of = { short: 200, long: 5000, longer: 90_000 };
    expect(orderOf(of, "short", "long", "short", "longer", "long")).toEqual([
      "longer",
      "long",
      "long",
      "short",
      "short",
    ]);
  });

  test("a small difference does not change what the author has written", () => {
    expect(orderOf({ a: 520, b: 900 }, "a", "b", "a")).toEqual(["a", "b", "a"]);
  });

  test("tasks of a few ms stay as they are", () => {
    expect(orderOf({ a: 1, b: 60 }, "a", "b", "a")).toEqual(["a", "b", "a"]);
  });

  test("a new definition is taken to be as long as the others on average", () => {
    const of = { short: 200, long: 9000 };
    expect(orderOf(of, "short", "new", "long")).toEqual(["long", "new", "short"]);
  });

  test("the run does not end with one long task alone", () => {
    const [load, big] = [definition("load"), definition("big")];
    const run = (of: Readonly<Record<string, number>> | undefined) =>
      simulateRun({
        nodes: [
          ...Array.from({ length: 20 }, (_, i) => new TaskNode(load, i, {})),
          new TaskNode(big, 0, {}),
        ],
        slots: 2,
        durationOf: ({ name }) => (name === "big" ? 20_000 : 1000),
        learned: of === undefined ? undefined : learned(of),
      }).totalMs;
    expect([run(undefined), run({ load: 1000, big: 20_000 })]).toEqual([30_000, 20_000]);
  });
});

const ran = (times: TaskTimes, durations: readonly (number | undefined)[]): void => {
  for (const [i, vertex] of readyOf(...durations.map(() => "load")).entries()) {
    times.planned(vertex);
    times.ran(vertex, durations[i]);
  }
};

describe("what later runs learn", () => {
  test("tasks that are done, by definition; and the stretch of a whole session", () => {
    const times = new TaskTimes(true, (name) => `masked ${name}`);
    ran(times, [1000, 3000, undefined]);
    expect(times.session(progress, false)).toEqual({
      definitions: [
        {
          task: "masked load",
          tasks: 2,
          totalMs: 4000,
          counts: [
            [35, 1],
            [41, 1],
          ],
        },
      ],
      stretch: null,
    });
    expect(times.session(progress, true)?.stretch).toBeCloseTo(10_000 / 6000);
  });

  test("nothing, where no task is done, or nothing is kept of the run", () => {
    const times = new TaskTimes(true, (name) => name);
    ran(times, [undefined]);
    const unkept = new TaskTimes(false, (name) => name);
    ran(unkept, [1000]);
    expect([times.session(progress, true), unkept.session(progress, true)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

const inFlight = (...vertices: TaskVertex[]) => Object.assign(vertices, { size: vertices.length });

describe("the remaining time", () => {
  test("unknown where no earlier run says anything", () => {
    const times = new TaskTimes(true, (name) => name);
    for (const vertex of readyOf("load")) times.planned(vertex);
    expect(times.remainingMs(progress, inFlight(), 0)).toBeUndefined();
  });

  test("tasks that an earlier session has ended, or that were skipped, are not left", () => {
    const times = new TaskTimes(true, (name) => name);
    times.learn(learned({ load: 1000 }));
    const [a, b] = readyOf("load", "load");
    if (a === undefined || b === undefined) throw new Error("not ready");
    for (const vertex of [a, b]) times.planned(vertex);
    times.passed(a);
    expect(times.remainingMs({ ...progress, elapsedMs: 0 }, inFlight(), 0)).toBeCloseTo(1000);
    times.passed(b);
    expect(times.remainingMs(progress, inFlight(), 0)).toBeUndefined();
  });

  test("what a running task says of itself counts, until its next attempt", () => {
    const times = new TaskTimes(true, (name) => name);
    times.learn(learned({ load: 60_000 }));
    const [vertex] = readyOf("load");
    if (vertex === undefined) throw new Error("not ready");
    times.planned(vertex);
    Object.assign(vertex, { id: taskId(1), startedAt: 0 });
    const left = () => times.remainingMs({ ...progress, elapsedMs: 9000 }, inFlight(vertex), 9000);
    expect(left()).toBeCloseTo(51_000);
    times.progressed(taskId(1), 0.9);
    expect(left()).toBeCloseTo(1000);
    times.retried(taskId(1));
    expect(left()).toBeCloseTo(51_000);
  });
});
