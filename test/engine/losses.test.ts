import { describe, expect, test } from "bun:test";

import { RetryAfter } from "../../src/api/retry-after.ts";
import type { AnyTaskDefinition } from "../../src/api/task-definition.ts";
import { Losses } from "../../src/engine/losses.ts";
import type { LostWorker } from "../../src/executors/executors.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import type { TaskId } from "../../src/protocol/ids.ts";
import { node } from "../support/nodes.ts";
import { EngineParts, failure, worker } from "./engine-parts.ts";

const idOf = ({ id }: TaskVertex): TaskId => id as TaskId;

const confused = (): boolean => {
  throw new Error("no idea");
};

class Rig extends EngineParts {
  where: "running" | "held" | "elsewhere" = "running";
  readonly killed: string[] = [];
  readonly detached: number[] = [];
  readonly back: string[] = [];
  readonly losses = new Losses({
    ...this.deps,
    executors: () => ({
      whereIs: () => this.where,
      kill: (id, why) => this.killed.push(`${id} ${why.name}`),
    }),
    detach: (lost) => this.detached.push(lost.sent),
    putBack: (vertex) => {
      this.back.push(vertex.name);
      this.inFlight.delete(vertex.id as TaskId);
    },
  });

  /** In flight in the worker. */
  tasks(...names: string[]): TaskVertex[] {
    return names.map((name) => this.dispatched(node(name, {}, undefined, { timeoutMs: 5 })));
  }

  /** Loses the worker while these ran, and resolves the loss. */
  lose(
    running: readonly TaskVertex[],
    unbegun: readonly TaskVertex[] = [],
    more: Partial<LostWorker> = {},
  ): void {
    const lost: LostWorker = {
      ...more,
      workerId: worker,
      running: running.map(idOf),
      unbegun: new Set(unbegun.map(idOf)),
      sent: 7,
      failure,
    };
    this.losses.lost(lost);
    expect([this.losses.unresolved, this.detached]).toEqual([1, [7]]);
    this.losses.resolve(worker);
    expect(this.losses.unresolved).toBe(0);
  }

  get said(): string[] {
    return this.records.map((record) =>
      record.type === "finished"
        ? `${record.name} ${record.outcome.status}`
        : `${"name" in record ? record.name : ""} ${record.type}`,
    );
  }
}

describe("a lost worker", () => {
  test("what it had not begun goes back; what ran has failed", () => {
    const rig = new Rig();
    const [ran, waited] = rig.tasks("ran", "waited") as [TaskVertex, TaskVertex];
    rig.lose([ran], [waited]);
    expect([rig.said, rig.back]).toEqual([["ran error"], ["waited"]]);
  });

  test("the task that ended the thread has said so: its neighbours were interrupted, and try again", () => {
    const rig = new Rig();
    const [culprit, neighbour] = rig.tasks("culprit", "neighbour") as [TaskVertex, TaskVertex];
    // Its end is committed by now.
    rig.inFlight.delete(culprit.id as TaskId);
    rig.lose([culprit, neighbour]);
    expect([rig.said, rig.back]).toEqual([
      ["neighbour interrupted", "neighbour log"],
      ["neighbour"],
    ]);
    expect([neighbour.attempt, neighbour.interruptions]).toEqual([1, 1]);
  });

  test("in a run that ends early, what ran was cancelled, and nothing is tried again", () => {
    const rig = new Rig();
    const [ran, waited] = rig.tasks("ran", "waited") as [TaskVertex, TaskVertex];
    rig.life.endEarly({ status: "cancelled", failure: null });
    rig.lose([ran], [waited]);
    expect([rig.said, rig.back]).toEqual([["ran cancelled"], ["waited"]]);
  });

  test("a retryOn that throws is told, and the attempt has failed for good", () => {
    const rig = new Rig();
    const retries = { limit: 3, delayMs: 0, factor: 1, jitter: false, maxDelayMs: 0 };
    rig.lose([rig.dispatched(node("a", {}, undefined, { retries, retryOn: confused }))]);
    expect(rig.lines).toEqual(['error: task "a": retryOn failed: no idea']);
    expect(rig.said).toEqual(["a error"]);
  });
});

test("an interrupted attempt uses up no retry of a task that loses its worker then", () => {
  const rig = new Rig();
  const retries = { limit: 1, delayMs: 0, factor: 1, jitter: false, maxDelayMs: 0 };
  const [again, last] = ["again", "last"].map((name) =>
    rig.dispatched(node(name, {}, undefined, { retries })),
  ) as [TaskVertex, TaskVertex];
  again.attempt = last.attempt = 1;
  again.interruptions = 1;
  rig.lose([again, last]);
  const retried = rig.records.flatMap((record) =>
    record.type === "finished" && "retryAt" in record.outcome ? record.name : [],
  );
  expect([rig.records.length, retried]).toEqual([2, ["again"]]);
});

test("`retries.after` says how long a task of a lost worker waits; a wrong answer is said", () => {
  const rig = new Rig();
  const retries = { limit: 3, delayMs: 0, factor: 1, jitter: false, maxDelayMs: 0 };
  const asking = (after: () => never): Partial<AnyTaskDefinition> => ({
    retries,
    retryAfter: new RetryAfter(after),
  });
  const answered = asking(() => 70_000 as never);
  rig.lose([
    rig.dispatched(node("a", {}, undefined, answered)),
    rig.dispatched(node("b", {}, undefined, asking(confused as () => never))),
  ]);
  const waits = rig.records.map((record) =>
    record.type === "finished" && record.outcome.status === "error"
      ? (record.outcome.retryAt ?? 0) - record.at
      : Number.NaN,
  );
  expect(waits.toSorted((a, b) => a - b)).toEqual([0, 70_000]);
  expect(rig.lines).toEqual([
    expect.stringMatching(/^warn: task "b": retries.after failed \(no idea\)/),
  ]);
});

describe("a task whose timeout and grace are over", () => {
  test("its thread is ended once, and only it has failed", () => {
    const rig = new Rig();
    const [slow, neighbour] = rig.tasks("slow", "neighbour") as [TaskVertex, TaskVertex];
    rig.losses.timedOut(slow.id as TaskId);
    rig.losses.timedOut(neighbour.id as TaskId);
    expect(rig.killed).toEqual(["0 TimeoutError"]);
    rig.lose([slow, neighbour]);
    expect([rig.said.toSorted(), rig.back]).toEqual([
      ["neighbour interrupted", "neighbour log", "slow error"],
      ["neighbour"],
    ]);
  });

  test("that is over because its machine is silent is no failure", () => {
    const rig = new Rig();
    const [task] = rig.tasks("task") as [TaskVertex];
    rig.losses.timedOut(idOf(task));
    rig.lose([task], [], { isMachineLost: true });
    expect([rig.said, rig.back]).toEqual([["task interrupted", "task log"], ["task"]]);
  });

  test("is looked at again where the writer keeps its worker waiting, and left alone where it has ended", () => {
    const rig = new Rig();
    const [task] = rig.tasks("task") as [TaskVertex];
    rig.where = "held";
    rig.losses.timedOut(task.id as TaskId);
    expect(rig.watched.size).toBe(1);
    rig.where = "elsewhere";
    rig.losses.timedOut(task.id as TaskId);
    expect(rig.killed).toEqual([]);
  });
});
