// A graph whose tasks the test finishes by hand.

import type { AnyNode } from "../../src/api/node.ts";
import type { Failure } from "../../src/base/failure.ts";
import { Graph } from "../../src/plan/graph.ts";
import { PlanError } from "../../src/plan/plan-error.ts";
import { fill } from "../../src/plan/template.ts";
import { resultText, type TaskVertex, type VertexOutcome } from "../../src/plan/vertex.ts";

const failure: Failure = { name: "Error", message: "boom" };
export const failed: VertexOutcome = { status: "error", failure };
export const done = (value: unknown): VertexOutcome => ({
  status: "done",
  result: JSON.stringify(value),
});

export class Hand {
  readonly ready: TaskVertex[] = [];
  /** Done, and to be finished again with their results. */
  readonly readLate: TaskVertex[] = [];
  readonly skipped: { readonly name: string; readonly why: string }[] = [];
  readonly fanOutFailures: string[] = [];
  readonly graph: Graph;

  constructor() {
    this.graph = new Graph(
      {
        planned: () => undefined,
        ready: (vertex) => this.ready.push(vertex),
        readLate: (vertex) => this.readLate.push(vertex),
        skipped: (vertex, { message }) => this.skipped.push({ name: vertex.name, why: message }),
        fanOutFailed: ({ message }) => this.fanOutFailures.push(message),
      },
      new Map(),
    );
  }

  /** Names of the tasks that are ready and have not ended. */
  get names(): string[] {
    return this.ready.map((vertex) => vertex.name);
  }

  /** The input that the engine would dispatch. */
  input(vertex: TaskVertex): unknown {
    this.graph.settleWantsResult(vertex);
    return JSON.parse(fill(vertex.input ?? "null", resultText));
  }

  /** Dispatches a task; it does not end yet. */
  dispatch(name: string): TaskVertex {
    const vertex = this.ready.find((each) => each.name === name);
    if (vertex === undefined) throw new Error(`"${name}" is not ready`);
    this.graph.settleWantsResult(vertex);
    return vertex;
  }

  /** Plans a pipeline that returns these nodes. */
  addAll(...nodes: AnyNode[]): void {
    this.graph.addAll(nodes, () => true);
  }

  finish(name: string, outcome: VertexOutcome): void {
    const index = this.ready.findIndex((vertex) => vertex.name === name);
    const [vertex] = this.ready.splice(index, 1);
    if (index === -1 || vertex === undefined) throw new Error(`"${name}" is not ready`);
    this.graph.settleWantsResult(vertex);
    this.graph.finish(vertex, outcome);
  }

  unfoldAll(): void {
    while (this.graph.canUnfold) this.graph.unfold();
  }
}

/** The message of the PlanError that `act` throws. */
export function planError(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof PlanError) return error.message;
    throw error;
  }
  throw new Error("no error was thrown");
}
