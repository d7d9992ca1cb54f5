import { describe, expect, test } from "bun:test";

import { maxReadyChars } from "../../src/engine/backlog.ts";
import type { Stop } from "../../src/engine/life.ts";
import { Outcomes } from "../../src/engine/outcomes.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import type { RunEvent, TaskFinished } from "../../src/protocol/events.ts";
import { type TaskId, taskId } from "../../src/protocol/ids.ts";
import { taskKey } from "../../src/protocol/task-key.ts";
import type { RestoredTask } from "../../src/protocol/messages.ts";
import { node } from "../support/nodes.ts";
import { pageOf } from "../support/restored.ts";
import { EngineParts, failure, started } from "./engine-parts.ts";

class Rig extends EngineParts {
  readonly stops: Stop[] = [];
  readonly told: TaskFinished[] = [];
  readonly events: RunEvent[] = [];
  readonly outcomes: Outcomes;

  constructor(failFast = false) {
    super();
    this.outcomes = new Outcomes({
      ...this.deps,
      failFast,
      slow: { finished: () => undefined },
      release: (id) => {
        const vertex = this.inFlight.get(id);
        this.inFlight.delete(id);
        return vertex;
      },
      endEarly: (stop) => void this.stops.push(stop),
      taskFinished: (event) => void this.told.push(event),
      onEvents: (events) => void this.events.push(...events),
      rerun: () => "pipeloom run",
    });
  }

  finished(vertex: TaskVertex, more: Partial<TaskFinished> = {}): void {
    const { id, name } = vertex;
    const event = { type: "task-finished", id: id as TaskId, name, attempt: 1 } as const;
    this.outcomes.apply({ ...event, status: "done", startedAt: 0, at: 1, ...more });
  }

  /** What an earlier session knew of a task without an input. */
  known(name: string, more: Partial<RestoredTask>): void {
    const task = {
      id: taskId(7),
      position: 7,
      key: taskKey(name, "null"),
      status: "done",
    } as const;
    this.identities.restored.addPage(
      pageOf({ ...task, attempt: 1, result: "null", cursor: null, ...more }),
    );
  }
}

describe("a committed outcome", () => {
  test("done: what waits for it is ready, and is given the result", () => {
    const rig = new Rig();
    const first = node("first");
    const vertex = rig.dispatched(first);
    rig.plan(node("second", { first }));
    expect(rig.schedule.ready).toBe(0);
    rig.finished(vertex, { result: "42" });
    const second = rig.schedule.take(0, true) as TaskVertex;
    rig.identities.identify(second);
    expect(second.inputText).toBe('{"first":42}');
    expect(rig.told.map(({ name }) => name)).toEqual(["first"]);
  });

  test("done, and the result stayed in the file: it is asked for before what waits for it is ready", () => {
    const rig = new Rig();
    const first = node("first");
    const vertex = rig.dispatched(first);
    rig.plan(node("second", { first }));
    rig.finished(vertex);
    expect([rig.schedule.ready, rig.stored.size, rig.graph.live]).toEqual([0, 1, 2]);
    rig.stored.askMore();
    rig.outcomes.applyStored([[vertex.id as TaskId, '"long"']]);
    expect([rig.schedule.ready, rig.stored.size, rig.graph.live]).toEqual([1, 0, 1]);
  });

  test("done with a long result while the ready tasks hold enough text: the result is dropped, and asked for later", () => {
    const rig = new Rig();
    const sources = ["a", "b", "c"].map((name) => node(name));
    const vertices = sources.map((source) => rig.dispatched(source));
    for (const source of sources) rig.plan(node("reads", { source }));
    const result = JSON.stringify("x".repeat(maxReadyChars));
    for (const vertex of vertices) rig.finished(vertex, { result });
    expect([rig.schedule.ready, rig.stored.size]).toEqual([1, 2]);
    rig.stored.askMore();
    expect(rig.asked.map(Number)).toEqual([2, 3]);
  });

  test("error: what waits for it is skipped, and the run has failed", () => {
    const rig = new Rig();
    const first = node("first");
    const vertex = rig.dispatched(first);
    rig.plan(node("second", { first }));
    rig.finished(vertex, { status: "error", failure });
    expect(rig.skipped.map(({ name }) => name)).toEqual(["second"]);
    expect([rig.outcomes.status, rig.stops]).toEqual(["error", []]);
  });

  test("error of an optional task fails nothing; of another it ends a run that fails fast", () => {
    const rig = new Rig(true);
    const optional = rig.dispatched(node("a", {}, { optional: true }));
    rig.finished(optional, { status: "error", failure });
    expect([rig.outcomes.status, rig.stops]).toEqual(["done", []]);
    rig.finished(rig.dispatched(node("b")), { status: "error", failure });
    expect([rig.outcomes.status, rig.stops.length]).toEqual(["error", 1]);
  });

  test("error without a failure is a bug", () => {
    const rig = new Rig();
    const vertex = rig.dispatched(node("a"));
    expect(() => rig.finished(vertex, { status: "error" })).toThrow("Internal error");
  });

  test("retrying: the task waits for the difference of the two times, whatever the clock says", () => {
    const rig = new Rig();
    const { id, name } = rig.dispatched(node("a"));
    const event = { type: "task-retrying", id: id as TaskId, name, attempt: 1, failure } as const;
    const before = performance.now();
    rig.outcomes.apply({ ...event, at: 1_000_000, retryAt: 1_000_050 });
    const after = performance.now();
    expect([rig.schedule.delayed, rig.inFlight.size]).toEqual([1, 0]);
    const wakesAt = rig.schedule.wakesAt(0) ?? 0;
    expect(wakesAt).toBeWithin(before + 50, after + 50.001);
  });

  test("started: the timeout is watched from now on", () => {
    const rig = new Rig();
    const { id, name } = rig.dispatched(node("a", {}, undefined, { timeoutMs: 30 }));
    rig.outcomes.apply({ type: "task-started", id: id as TaskId, name, attempt: 1, at: 5 });
    expect([...rig.watched.values()]).toEqual([30]);
  });
});

describe("a restored outcome", () => {
  test("done: it has ended; failed and optional: so too, and it is counted; open: it is to be run", () => {
    const rig = new Rig();
    rig.known("done", {});
    rig.known("failed", { status: "failed", result: JSON.stringify(failure) });
    rig.known("open", { status: "open" });
    const applied = [node("done"), node("failed", undefined, { optional: true }), node("open")].map(
      (each) => rig.outcomes.applyRestored(rig.plan(each)),
    );
    expect(applied).toEqual([true, true, false]);
    const end = {
      status: "done",
      failure: null,
      finishedAt: 0,
      queued: 0,
      interrupted: 0,
    } as const;
    expect(rig.outcomes.summary(started, end)).toMatchObject({ failed: 1, alreadyDone: 1 });
    expect(rig.told).toEqual([]);
  });

  test("a failure in the file with members of other types is announced without them", () => {
    const rig = new Rig();
    const odd = { name: "E", message: "why", stack: 5, code: [], cause: "none", errors: [1] };
    rig.known("failed", { status: "failed", result: JSON.stringify(odd) });
    rig.outcomes.applyRestored(rig.plan(node("failed", undefined, { optional: true })));
    const failures = rig.events.map((event) =>
      event.type === "task-finished" ? event.failure : event,
    );
    expect(failures).toEqual([{ name: "E", message: "why" }]);
  });

  test("a long result that is read is asked for, and its task is not counted as queued meanwhile", () => {
    const rig = new Rig();
    const big = node("big");
    const vertex = rig.plan(big);
    rig.plan(node("reads", { big }));
    rig.known("big", { result: null });
    expect(rig.outcomes.applyRestored(vertex)).toBe(true);
    expect([rig.outcomes.left.queued, rig.schedule.ready]).toEqual([1, 1]);
    rig.stored.askMore();
    expect(rig.asked.map(Number)).toEqual([7]);
    rig.outcomes.applyStored([[taskId(7), '"long"']]);
    expect(rig.schedule.ready).toBe(2);
  });
});

describe("a skipped task", () => {
  test("before the run has begun is recorded when it begins, with an id that follows", () => {
    const rig = new Rig();
    rig.outcomes.skipped(rig.plan(node("early")), failure);
    rig.known("x", {});
    rig.identities.begin();
    rig.life.begin(started);
    expect(rig.records).toEqual([]);
    rig.outcomes.begin();
    expect(rig.records).toMatchObject([{ type: "skipped", id: 8, name: "early" }]);
  });

  test("of a cancelled run is undecided: it stays queued", () => {
    const rig = new Rig();
    rig.life.begin(started);
    rig.life.endEarly({ status: "cancelled", failure: null });
    const [vertex] = [rig.dispatched(node("a"))];
    rig.graph.finish(vertex, { status: "cancelled", failure });
    rig.outcomes.skipped(vertex, failure);
    rig.outcomes.recordQueued();
    expect(rig.records).toMatchObject([{ type: "queued", name: "a" }]);
    expect(rig.outcomes.left.queued).toBe(1);
  });
});

test("what an earlier session planned and this one does not: both are skipped, and done ones are told", () => {
  const rig = new Rig();
  rig.known("gone", { status: "open", name: "gone" });
  rig.known("kept", {});
  rig.outcomes.dropUnplanned();
  expect(rig.records).toMatchObject([
    { type: "skipped", name: "gone" },
    { type: "left", ranges: [[7, 7]] },
  ]);
  expect(rig.lines).toEqual([expect.stringContaining("1 × kept")]);
});
