// The vertices of a graph: a task, or a fan-out (`each`), and the states that they go through. Pure.

import type { EachNode } from "../api/node.ts";
import type { AnyTaskDefinition } from "../api/task-definition.ts";
import type { Failure } from "../base/failure.ts";
import { assertNever } from "../base/unreachable.ts";
import type { TaskId, WorkerId } from "../protocol/ids.ts";
import { titleOf } from "../protocol/label.ts";
import type { RetryPolicy } from "../protocol/messages.ts";
import type { TagSet } from "../protocol/tags.ts";
import type { WantsResult } from "../protocol/wants-result.ts";
import type { Place } from "./definition-graph.ts";
import type { Template } from "./template.ts";

type Skip = {
  readonly status: "skipped";
  readonly because: string;
  readonly failure: Failure;
};

/** How a vertex ended. `result` is JSON text; undefined where nobody reads it, or while it stays in the file. */
export type VertexOutcome =
  | { readonly status: "done"; readonly result: string | undefined }
  /** `label`: what tells the task from others of its name, for messages. */
  | { readonly status: "error" | "cancelled"; readonly failure: Failure; readonly label?: string }
  | Skip;

/**
 * `open`: it waits for others, or is ready, or runs; the scheduler and the in-flight table know which.
 * `doomed`: a dependency did not succeed, so the vertex is skipped as soon as its other dependencies have ended.
 */
type VertexState =
  { readonly status: "open" } | { readonly status: "doomed"; readonly skip: Skip } | VertexOutcome;

/** Shared by all open vertices: no object per task. */
export const open: VertexState = { status: "open" };
/** Shared by all that are done and whose result is not kept. */
export const doneUnread: VertexOutcome = { status: "done", result: undefined };

type VertexBase = {
  /** The planner that made it. A node may be planned by one run after another, and each run has a planner of its own. */
  readonly owner: object;
  state: VertexState;
  /** How many dependencies have not ended. */
  waiting: number;
  /** Emptied when the vertex ends, so that finished work can be collected. */
  dependents: Vertex[];
  /**
   * `no` is final once `Graph.settleWantsResult` was called: before a task is dispatched, and before a fan-out unfolds.
   */
  wantsResult: WantsResult;
  /** Of a continued run: it runs from its beginning, or has done so, and what depends on it follows. */
  isAgain: boolean;
  readonly optional: boolean;
  /** How many tasks come before it, in the longest line of them; at most `maxStage`. For the items of a fan-out: before it. */
  stage: number;
  /** In the graph that is stored. */
  readonly place: Place;
};

/** Planned, then identified (`id` and `inputText` instead of `input`), then run. One flat object: there may be millions. */
export type TaskVertex = VertexBase & {
  readonly kind: "task";
  readonly definition: AnyTaskDefinition;
  readonly name: string;
  /** The node's own label. Empty where the node has a name of its own, which says enough. */
  readonly label: string | undefined;
  readonly pool: string | undefined;
  readonly priority: number;
  readonly on: TagSet;
  readonly retries: RetryPolicy | undefined;
  readonly timeoutMs: number | undefined;
  /** Undefined once the task is identified, and once it has ended. */
  input: Template<Vertex> | undefined;
  /** Those of the option `after`; undefined once the task is identified. */
  after: readonly Vertex[] | undefined;
  /** See protocol/needs.ts. Undefined before the task is identified, and where it waits for nothing. */
  needs: string | undefined;
  /** 0 before the task is identified. */
  id: TaskId | 0;
  /** See positions.ts. */
  readonly position: number;
  /** JSON text; empty before the task is identified, and once it has ended. */
  inputText: string;
  /** Attempts that have ended. The one in flight is `attempt + 1`. */
  attempt: number;
  /** Of these, attempts that ended because another task ended the thread. */
  interruptions: number;
  /** Start of the attempt in flight, epoch ms. */
  startedAt: number | undefined;
  /** JSON text. */
  cursor: string | undefined;
  /** Order among the ready tasks of one priority and stage. */
  order: number;
  /** When it last became ready, as `Schedule.now`. */
  readyAt: number;
  /** The worker that has the task, while it is in flight. */
  workerId: WorkerId | undefined;
};

/** A list in the pipeline file, or an expression that yields a list once its nodes are done. */
export type Source = { readonly list: readonly unknown[] } | { readonly text: Template<Vertex> };

export type Unfolding = {
  readonly phase: "unfolding";
  readonly list: readonly unknown[];
  /** Index of the next item. */
  next: number;
  /** Tasks that the unfolded items became, to estimate the rest. */
  tasks: number;
  /** The source is new, so each item is. `EachVertex.isAgain` may be so because of another item. */
  readonly isAgain: boolean;
};

/** `unfolded`: every item is planned. `empty`: there was no list, or no item in it, so `item` was never called. */
export type Items =
  | { readonly phase: "unknown"; readonly source: Source }
  | Unfolding
  | { readonly phase: "unfolded" | "empty" };

export type EachVertex = VertexBase & {
  readonly kind: "each";
  readonly item: EachNode["item"];
  /** See positions.ts. */
  readonly position: number;
  items: Items;
  /** How many fan-outs are around it. */
  readonly depth: number;
  /** Order among fan-outs of one depth. */
  readonly order: number;
  /** One template per item, kept only where the result is wanted. */
  results: Template<Vertex>[];
};

export type Vertex = TaskVertex | EachVertex;

export const isLive = ({ state: { status } }: Vertex): boolean =>
  status === "open" || status === "doomed";

export const placeOf = ({ place }: Vertex): Place => place;

/** For messages. */
export function describe(vertex: Vertex): string {
  if (vertex.kind === "each") return "a fan-out";
  const { name, id, state } = vertex;
  const label = "label" in state ? state.label : undefined;
  return `task "${titleOf(name, label)}"${id === 0 ? "" : ` #${id}`}`;
}

/** JSON text that a dependent reads: the result, or null for an optional vertex that did not succeed. */
export function resultText(vertex: Vertex): string {
  const { state } = vertex;
  switch (state.status) {
    case "done":
      if (state.result !== undefined) return state.result;
      throw new Error(`Internal error: the result of ${describe(vertex)} is read and was not kept`);
    case "error":
    case "skipped":
    case "doomed":
      return "null";
    case "open":
    case "cancelled":
      throw new Error(
        `Internal error: the result of ${describe(vertex)} is read, and it is ${state.status}`,
      );
    default:
      return assertNever(state);
  }
}

/** Longer lines of tasks are told apart no further. */
const maxStage = 1023;

/** Makes `vertex` wait for a dependency that is planned before it, and puts it at a later stage. */
export function follow(vertex: Vertex, dependency: Vertex): void {
  if (vertex.stage <= dependency.stage) vertex.stage = Math.min(dependency.stage + 1, maxStage);
  waitFor(vertex, dependency);
}

/** Makes `vertex` wait for a dependency that is open. To be called once for each dependency. */
export function waitFor(vertex: Vertex, dependency: Vertex): void {
  if (dependency.state.status === "open") {
    dependency.dependents.push(vertex);
    vertex.waiting++;
    return;
  }
  if (dependency.isAgain) vertex.isAgain = true;
  if (!allows(dependency)) doom(vertex, dependency);
}

/** Whether the dependents of a vertex may run. */
export function allows({ state, optional }: Vertex): boolean {
  switch (state.status) {
    case "done":
      return true;
    case "error":
    case "skipped":
    case "doomed":
      return optional;
    case "open":
    case "cancelled":
      return false;
    default:
      return assertNever(state);
  }
}

/** The first dependency that did not succeed is the one that is named. */
export function doom(vertex: Vertex, dependency: Vertex): void {
  if (vertex.state.status !== "open") return;
  const because = causeOf(dependency);
  const failure = { name: "Skipped", message: `skipped because ${because}` };
  vertex.state = { status: "doomed", skip: { status: "skipped", because, failure } };
}

/** Why the dependents of a vertex do not run: the first failure in a chain of skipped ones. */
function causeOf(vertex: Vertex): string {
  const { state } = vertex;
  if (state.status === "skipped") return state.because;
  if (state.status === "doomed") return state.skip.because;
  return vertex.kind === "each" && state.status === "error"
    ? state.failure.message
    : `${describe(vertex)} did not finish`;
}
