// A run in simulated time: the real graph, schedule and task times, with slots that are always busy where a task is ready.

import type { TaskNode } from "../../src/api/node.ts";
import { InFlight } from "../../src/engine/in-flight.ts";
import { Schedule } from "../../src/engine/schedule.ts";
import { TaskTimes } from "../../src/engine/task-times.ts";
import { Graph } from "../../src/plan/graph.ts";
import { doneUnread, type TaskVertex } from "../../src/plan/vertex.ts";
import type { Learned, SessionDurations } from "../../src/protocol/learned.ts";
import { taskId } from "../../src/protocol/ids.ts";

export type Plan = {
  readonly nodes: readonly TaskNode[];
  readonly slots: number;
  /** Of a task, in ms. */
  readonly durationOf: (vertex: TaskVertex) => number;
  readonly learned: Learned | undefined;
  /** What a slot takes for each task beside its duration. */
  readonly overheadMs?: number;
};

export type Sample = {
  readonly at: number;
  readonly remainingMs: number | undefined;
  /** Tasks that have ended. */
  readonly ended: number;
};

export type Simulated = {
  readonly totalMs: number;
  readonly samples: readonly Sample[];
  readonly started: readonly string[];
  readonly session: SessionDurations | undefined;
};

const sampleEveryMs = 500;

export function simulateRun({
  nodes,
  slots,
  durationOf,
  learned,
  overheadMs = 0,
}: Plan): Simulated {
  const times = new TaskTimes(true, (name) => name);
  const schedule = new Schedule(new Map());
  if (learned !== undefined) {
    times.learn(learned);
    if (times.isMixed) schedule.longFirst((vertex) => times.classOf(vertex));
  }
  const graph = new Graph(
    {
      planned: (vertex) => times.planned(vertex),
      ready: (vertex) => schedule.add(vertex),
      readLate: () => undefined,
      skipped: () => undefined,
      fanOutFailed: () => undefined,
    },
    new Map(),
  );
  graph.addAll(nodes, () => true);
  const inFlight = new InFlight();
  const ends: { readonly at: number; readonly vertex: TaskVertex }[] = [];
  const samples: Sample[] = [];
  const started: string[] = [];
  let [now, nextSample, nextId] = [0, 0, 1];
  const start = (): void => {
    while (ends.length < slots) {
      const vertex = schedule.take(now, true);
      if (vertex === undefined) return;
      vertex.id = taskId(nextId++);
      vertex.startedAt = now;
      vertex.input = undefined;
      inFlight.add(vertex);
      started.push(vertex.name);
      ends.push({ at: now + durationOf(vertex) + overheadMs, vertex });
    }
  };
  const progress = () => ({ slots, expected: 0, elapsedMs: now });
  for (start(); ends.length > 0; start()) {
    ends.sort((a, b) => a.at - b.at);
    const next = ends.shift();
    if (next === undefined) break;
    for (; nextSample < next.at; nextSample += sampleEveryMs) {
      now = nextSample;
      const remainingMs = times.remainingMs(progress(), inFlight, now);
      samples.push({ at: now, remainingMs, ended: started.length - ends.length - 1 });
    }
    now = next.at;
    const { vertex } = next;
    if (vertex.id !== 0) inFlight.delete(vertex.id);
    times.ran(vertex, Math.round(now - overheadMs - (vertex.startedAt ?? 0)));
    graph.finish(vertex, doneUnread);
  }
  return { totalMs: now, samples, started, session: times.session(progress(), true) };
}

/** What the next run learns of these sessions, as the store computes it of equal runs. */
export function learnedOf(session: SessionDurations | undefined): Learned | undefined {
  if (session === undefined) return undefined;
  return {
    stretch: session.stretch ?? 1,
    definitions: session.definitions.map(({ task, tasks, totalMs, counts }) => ({
      task,
      runs: 1,
      tasks,
      meanMs: totalMs / tasks,
      p95Ms: totalMs / tasks,
      counts,
    })),
  };
}
