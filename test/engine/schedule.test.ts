// The schedule against a model that looks at everything, each time.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Graph } from "../../src/plan/graph.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import { type PoolLimits, Schedule } from "../../src/engine/schedule.ts";
import { node } from "../support/nodes.ts";

const pools: PoolLimits = new Map([
  ["one", { limit: 1, perMs: null }],
  ["two", { limit: 2, perMs: null }],
  ["rate", { limit: 2, perMs: 100 }],
]);

const ready: TaskVertex[] = [];
const graph = new Graph(
  {
    planned: () => undefined,
    ready: (planned) => ready.push(planned),
    readLate: () => undefined,
    skipped: () => undefined,
    fanOutFailed: () => undefined,
  },
  new Map(pools),
);

function vertex(name: string, priority = 0, pool?: string, stage = 0): TaskVertex {
  ready.length = 0;
  graph.add(node(name, undefined, { priority, ...(pool === undefined ? {} : { pool }) }));
  const [planned] = ready;
  if (planned === undefined) throw new Error("not ready");
  return { ...planned, stage };
}

function tagged(name: string, on: string, pool?: string): TaskVertex {
  return { ...vertex(name, 0, pool), on };
}

function takeAll(schedule: Schedule, now = 0): string[] {
  const names: string[] = [];
  for (let next = schedule.take(now, true); next !== undefined; next = schedule.take(now, true)) {
    names.push(next.name);
  }
  return names;
}

describe("what comes first", () => {
  test("priority, then order", () => {
    const schedule = new Schedule(pools);
    for (const [name, priority] of [
      ["a", 0],
      ["b", 5],
      ["c", -1],
      ["d", 5],
      ["e", 0],
    ] as const) {
      schedule.add(vertex(name, priority));
    }
    expect(schedule.ready).toBe(5);
    expect(takeAll(schedule)).toEqual(["b", "d", "a", "e", "c"]);
    expect(schedule.ready).toBe(0);
  });

  test("also across pools", () => {
    const schedule = new Schedule(pools);
    schedule.add(vertex("a", 0, "two"));
    schedule.add(vertex("b"));
    schedule.add(vertex("c", 1, "one"));
    schedule.add(vertex("d", 0, "two"));
    expect(takeAll(schedule)).toEqual(["c", "a", "b", "d"]);
  });

  test("priority, then stage, then order: an item goes on before another one begins", () => {
    const schedule = new Schedule(pools);
    for (const [name, priority, stage] of [
      ["load 2", 0, 0],
      ["transform 1", 0, 1],
      ["urgent load", 1, 0],
      ["save 0", 0, 2],
      ["transform 0", 0, 1],
      ["load 3", 0, 0],
    ] as const) {
      schedule.add(vertex(name, priority, undefined, stage));
    }
    expect(takeAll(schedule)).toEqual([
      "urgent load",
      "save 0",
      "transform 1",
      "transform 0",
      "load 2",
      "load 3",
    ]);
  });

  test("the stage counts across pools, before the order", () => {
    const schedule = new Schedule(pools);
    schedule.add(vertex("a", 0, "two", 1));
    schedule.add(vertex("b", 0, undefined, 2));
    schedule.add(vertex("c", 0, "one", 2));
    expect(takeAll(schedule)).toEqual(["b", "c", "a"]);
  });

  test("several that go back keep their places, in whatever order they come", () => {
    const schedule = new Schedule(pools);
    const [a, b] = [vertex("a", 0, "two"), vertex("b", 0, "two")];
    for (const each of [a, b, vertex("c", 0, "two")]) schedule.add(each);
    expect([schedule.take(0, true), schedule.take(0, true)]).toEqual([a, b]);
    schedule.putBack(a);
    schedule.putBack(b);
    expect(takeAll(schedule)).toEqual(["a", "b"]);
    schedule.putBack(b);
    schedule.putBack(a);
    expect(takeAll(schedule)).toEqual(["a", "b"]);
  });
});

describe("tags", () => {
  test("who asks for some gets only tasks of exactly these; who does not ask gets any", () => {
    const schedule = new Schedule(pools);
    schedule.add(tagged("a", "gpu"));
    schedule.add(vertex("b"));
    schedule.add(tagged("c", "big,gpu"));
    expect(["gpu", "big,gpu", "big", "", undefined].map((on) => schedule.readyOn(on))).toEqual([
      1, 1, 0, 1, 3,
    ]);
    expect(schedule.take(0, true, "big")).toBeUndefined();
    expect(schedule.take(0, true, "")?.name).toBe("b");
    expect(schedule.take(0, true, "")).toBeUndefined();
    expect(takeAll(schedule)).toEqual(["a", "c"]);
    expect(schedule.readyOn("gpu")).toBe(0);
  });

  test("a task that waits for a tag does not keep others of its limit back", () => {
    const schedule = new Schedule(pools);
    schedule.add(tagged("a", "gpu", "one"));
    schedule.add(vertex("b", 0, "one"));
    const other = schedule.take(0, true, "");
    expect(other?.name).toBe("b");
    expect(schedule.take(0, true, "gpu")).toBeUndefined();
    if (other !== undefined) schedule.leave(other);
    expect(schedule.take(0, true, "gpu")?.name).toBe("a");
  });
});

describe("named limits", () => {
  test("hold; what is full does not keep others back", () => {
    const schedule = new Schedule(pools);
    const held = vertex("a", 9, "one");
    schedule.add(held);
    schedule.add(vertex("b", 9, "one"));
    schedule.add(vertex("c"));
    expect(takeAll(schedule)).toEqual(["a", "c"]);
    expect(schedule.wakesAt(0)).toBeUndefined();
    schedule.leave(held);
    expect(takeAll(schedule)).toEqual(["b"]);
  });

  test("tasks of a named limit are not handed out ahead of time", () => {
    const schedule = new Schedule(pools);
    schedule.add(vertex("a", 9, "one"));
    schedule.add(vertex("b"));
    expect(schedule.take(0, false)?.name).toBe("b");
    expect(schedule.take(0, false)).toBeUndefined();
    expect(schedule.take(0, true)?.name).toBe("a");
  });

  test("a rate: so many starts in any stretch of time", () => {
    const schedule = new Schedule(pools);
    for (const name of ["a", "b", "c", "d", "e"]) schedule.add(vertex(name, 0, "rate"));
    expect(schedule.take(1000, true)?.name).toBe("a");
    expect(schedule.take(1030, true)?.name).toBe("b");
    expect(schedule.take(1099, true)).toBeUndefined();
    expect(schedule.wakesAt(1099)).toBe(1100);
    expect(schedule.take(1100, true)?.name).toBe("c");
    expect(schedule.take(1129, true)).toBeUndefined();
    expect(schedule.take(1130, true)?.name).toBe("d");
    expect(schedule.wakesAt(1130)).toBe(1200);
  });
});

test("retries come back when they are due, the earliest first", () => {
  const schedule = new Schedule(pools);
  for (const at of [30, 10, 20, 50, 40]) schedule.addAt(vertex(`at ${at}`), at);
  expect(schedule.delayed).toBe(5);
  expect(schedule.wakesAt(0)).toBe(10);
  expect(takeAll(schedule, 9)).toEqual([]);
  expect(takeAll(schedule, 30)).toEqual(["at 10", "at 20", "at 30"]);
  expect(takeAll(schedule, 100)).toEqual(["at 40", "at 50"]);
  expect(schedule.wakesAt(100)).toBeUndefined();
});

test("what could start now, were there a thread for it, needs no waking", () => {
  const schedule = new Schedule(pools);
  schedule.add(vertex("a", 0, "one"));
  schedule.add(vertex("b", 0, "rate"));
  expect(schedule.wakesAt(1000)).toBeUndefined();
});

test("a retry that is due while every thread is busy needs no waking either: it is ready", () => {
  const schedule = new Schedule(pools);
  schedule.addAt(vertex("a"), 10);
  expect(schedule.wakesAt(20)).toBeUndefined();
  expect([schedule.ready, schedule.delayed]).toEqual([1, 0]);
});

test("retries that are due at the same time come back in the order they had", () => {
  const schedule = new Schedule(pools);
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) schedule.add(vertex(name));
  for (let next = schedule.take(0, true); next !== undefined; next = schedule.take(0, true)) {
    schedule.addAt(next, 10);
  }
  expect(takeAll(schedule, 10)).toEqual(names);
});

test("a long queue, taken and refilled, stays in order", () => {
  const schedule = new Schedule(pools);
  let added = 0;
  let taken = 0;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 500; i++) schedule.add(vertex(String(added++)));
    for (let i = 0; i < 400; i++) expect(schedule.take(0, true)?.name).toBe(String(taken++));
  }
  expect(schedule.ready).toBe(added - taken);
});

// ── the model ──────────────────────────────────────────────────────────────────────────────────────────

type Entry = {
  readonly vertex: TaskVertex;
  order: number;
  /** When a retry is due. */
  at: number;
  where: "delayed" | "ready" | "running" | "over";
};

class Model {
  readonly entries: Entry[] = [];
  readonly starts: number[] = [];
  #order = 0;

  enterReady(entry: Entry): void {
    entry.where = "ready";
    entry.order = this.#order++;
  }

  wake(now: number): void {
    const due = this.entries.filter(({ where, at }) => where === "delayed" && at <= now);
    for (const entry of due.toSorted((a, b) => a.at - b.at)) this.enterReady(entry);
  }

  running(pool: string): number {
    const inIt = this.entries.filter((entry) => entry.vertex.pool === pool);
    return inIt.filter(({ where }) => where === "running").length;
  }

  /** From when on a task of the pool may start, if nothing ends meanwhile. */
  opensAt(pool: string | undefined, now: number): number {
    const limit = pool === undefined ? undefined : pools.get(pool);
    if (pool === undefined || limit === undefined) return now;
    if (limit.perMs === null) return this.running(pool) < limit.limit ? now : Infinity;
    const oldest = this.starts.at(-limit.limit);
    return Math.max(now, oldest === undefined ? now : oldest + limit.perMs);
  }

  take(now: number, limited: boolean): Entry | undefined {
    this.wake(now);
    return this.entries
      .filter(({ where }) => where === "ready")
      .filter(({ vertex: { pool } }) => pool === undefined || limited)
      .filter(({ vertex: { pool } }) => this.opensAt(pool, now) <= now)
      .toSorted(
        (a, b) =>
          b.vertex.priority - a.vertex.priority ||
          b.vertex.stage - a.vertex.stage ||
          a.order - b.order,
      )[0];
  }

  /** When something may start that may not now. */
  wakesAt(now: number): number | undefined {
    const times = this.entries.flatMap(({ where, at, vertex: { pool } }) =>
      where === "delayed" ? [at] : where === "ready" ? [this.opensAt(pool, now)] : [],
    );
    const first = Math.min(...times.filter((at) => at > now));
    return first === Infinity ? undefined : first;
  }
}

type Step =
  | {
      readonly kind: "add";
      readonly priority: number;
      readonly pool: string | undefined;
      readonly stage: number;
    }
  | { readonly kind: "take"; readonly limited: boolean }
  | { readonly kind: "end" | "putBack"; readonly which: number }
  | { readonly kind: "retry"; readonly which: number; readonly delay: number }
  | { readonly kind: "wait"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    priority: fc.integer({ min: -1, max: 1 }),
    pool: fc.constantFrom(undefined, "one", "two", "rate"),
    stage: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({ kind: fc.constant("take" as const), limited: fc.boolean() }),
  fc.record({ kind: fc.constantFrom("end" as const, "putBack" as const), which: fc.nat(50) }),
  fc.record({ kind: fc.constant("retry" as const), which: fc.nat(50), delay: fc.nat(200) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(60) }),
);

test("property: takes what the model takes, and every limit holds at every instant", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const schedule = new Schedule(pools);
      const model = new Model();
      let now = 1000;
      let fraction = 0;
      const running = (which: number): Entry | undefined => {
        const all = model.entries.filter(({ where }) => where === "running");
        return all[which % Math.max(all.length, 1)];
      };
      for (const at of steps) {
        switch (at.kind) {
          case "add": {
            const entry: Entry = {
              vertex: vertex("task", at.priority, at.pool, at.stage),
              order: 0,
              at: 0,
              where: "ready",
            };
            model.entries.push(entry);
            model.enterReady(entry);
            schedule.add(entry.vertex);
            break;
          }
          case "take": {
            const wanted = model.take(now, at.limited);
            expect(schedule.take(now, at.limited)).toBe(wanted?.vertex);
            if (wanted === undefined) break;
            wanted.where = "running";
            if (wanted.vertex.pool === "rate") model.starts.push(now);
            for (const [name, { limit, perMs }] of pools) {
              if (perMs === null) expect(model.running(name)).toBeLessThanOrEqual(limit);
            }
            break;
          }
          case "end": {
            const entry = running(at.which);
            if (entry === undefined) break;
            entry.where = "over";
            schedule.leave(entry.vertex);
            break;
          }
          case "putBack": {
            const entry = running(at.which);
            if (entry === undefined) break;
            entry.where = "ready";
            schedule.putBack(entry.vertex);
            break;
          }
          case "retry": {
            const entry = running(at.which);
            if (entry === undefined) break;
            entry.where = "delayed";
            // No two are due at the same instant: which of them is first is left open.
            entry.at = now + at.delay + ++fraction / 1000;
            schedule.leave(entry.vertex);
            schedule.addAt(entry.vertex, entry.at);
            break;
          }
          case "wait":
            now += at.ms;
            break;
          default:
            at satisfies never;
        }
        expect(schedule.ready + schedule.delayed).toBe(
          model.entries.filter(({ where }) => where === "ready" || where === "delayed").length,
        );
        if (at.kind === "take") expect(schedule.wakesAt(now)).toBe(model.wakesAt(now));
      }
    }),
    { numRuns: 300 },
  );
});
