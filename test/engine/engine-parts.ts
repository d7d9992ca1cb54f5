// The engine's parts without threads and without a writer: what a part needs, and what it said.

import type { TaskNode } from "../../src/api/node.ts";
import { Backlog } from "../../src/engine/backlog.ts";
import { Identities } from "../../src/engine/identities.ts";
import { InFlight } from "../../src/engine/in-flight.ts";
import { Inputs } from "../../src/engine/inputs.ts";
import { Life } from "../../src/engine/life.ts";
import { Schedule } from "../../src/engine/schedule.ts";
import { TaskTimes } from "../../src/engine/task-times.ts";
import { StoredResults } from "../../src/engine/stored-results.ts";
import { Graph } from "../../src/plan/graph.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import type { Failure } from "../../src/base/failure.ts";
import type { RunStarted } from "../../src/protocol/events.ts";
import { runId, type TaskId, workerId } from "../../src/protocol/ids.ts";
import type { MainRecord } from "../../src/protocol/writer-records.ts";

export const started: RunStarted = {
  type: "run-started",
  run: runId(1),
  pipeline: "p",
  file: null,
  db: ":memory:",
  journal: "memory",
  workers: 1,
  concurrency: 1,
  at: 0,
  resumed: false,
  alreadyDone: 0,
};

export const worker = workerId(0);
export const failure: Failure = { name: "E", message: "why" };

export class EngineParts {
  readonly life = new Life();
  readonly inFlight = new InFlight();
  readonly inputs = new Inputs("short", true, undefined);
  readonly identities = new Identities(undefined, () => undefined);
  readonly times = new TaskTimes(true, (name) => name);
  readonly schedule = new Schedule(new Map([["one", { limit: 1, perMs: null }]]));
  readonly backlog = new Backlog({
    schedule: this.schedule,
    inFlight: this.inFlight,
    keepsResults: true,
  });
  readonly stored = new StoredResults((ids) => this.asked.push(...ids));
  readonly graph = new Graph(
    {
      planned: (vertex) => this.times.planned(vertex),
      ready: (vertex) => this.onReady(vertex),
      readLate: (vertex) => this.stored.add(vertex),
      skipped: (vertex) => this.skipped.push(vertex),
      fanOutFailed: () => undefined,
    },
    new Map([["one", {}]]),
  );
  /** Long results that were asked for. */
  readonly asked: TaskId[] = [];
  readonly skipped: TaskVertex[] = [];
  readonly records: MainRecord[] = [];
  readonly lines: string[] = [];
  /** Timeouts that are watched. */
  readonly watched = new Map<TaskId, number>();
  readonly timeouts = {
    watch: (id: TaskId, ms: number): void => void this.watched.set(id, ms),
    forget: (id: TaskId): void => void this.watched.delete(id),
  };
  onReady: (vertex: TaskVertex) => void = (vertex) => this.schedule.add(vertex);
  readonly record = (records: readonly MainRecord[]): void => void this.records.push(...records);
  readonly print = (level: string, line: string): void => void this.lines.push(`${level}: ${line}`);

  /** What most parts need. */
  get deps() {
    const { life, inFlight, inputs, identities, times, schedule, backlog, stored } = this;
    const { graph, timeouts, record, print } = this;
    return {
      life,
      inFlight,
      inputs,
      identities,
      times,
      schedule,
      backlog,
      stored,
      graph,
      timeouts,
      record,
      print,
    };
  }

  /** The vertex that a node became. */
  plan(node: TaskNode): TaskVertex {
    this.graph.add(node);
    return node.planned as TaskVertex;
  }

  /** As if a worker had it. */
  dispatched(node: TaskNode): TaskVertex {
    const vertex = this.plan(node);
    this.schedule.take(0, true);
    this.identities.identify(vertex);
    vertex.workerId = worker;
    this.inFlight.add(vertex);
    return vertex;
  }
}
