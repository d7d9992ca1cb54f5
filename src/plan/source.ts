// Where the nodes come from: all at once from a list, or pulled one by one from a generator as there is room.

import { Promise } from "../base/globals.ts";
import { isNode } from "../api/node.ts";
import { thrownAt } from "../base/thrown-at.ts";
import type { Pipeline, Work } from "../api/pipeline.ts";
import { PlanError } from "./plan-error.ts";

/** @throws PlanError saying where, for whatever the author's `tasks` throws */
export async function workOf(pipeline: Pipeline, params: Record<string, unknown>): Promise<Work> {
  const { tasks, origin } = pipeline;
  if (typeof tasks !== "function") return tasks;
  try {
    return await tasks({ params });
  } catch (thrown) {
    if (thrown instanceof PlanError) throw thrown;
    throw new PlanError(thrownAt(thrown, origin ?? ""), { cause: thrown });
  }
}

/** Nodes that are all there are. */
export type AllNodes = { readonly kind: "all"; readonly nodes: readonly unknown[] };
export type NodeStream = { readonly kind: "stream"; readonly stream: Stream };

export function sourceOf(work: Work): AllNodes | NodeStream {
  if (isNode(work)) return { kind: "all", nodes: [work] };
  if (Array.isArray(work)) return { kind: "all", nodes: work };
  if (typeof work === "object" && work !== null) {
    if (Symbol.asyncIterator in work) {
      return { kind: "stream", stream: new Stream(work[Symbol.asyncIterator]()) };
    }
    if (Symbol.iterator in work) {
      return { kind: "stream", stream: new Stream(work[Symbol.iterator]()) };
    }
  }
  // The planner says what it is instead of a node.
  return { kind: "all", nodes: [work] };
}

type Step = IteratorResult<unknown, unknown>;

export class Stream {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  #pending: Promise<unknown[]> | undefined;
  isDone = false;

  constructor(iterator: Iterator<unknown> | AsyncIterator<unknown>) {
    this.#iterator = iterator;
  }

  /** A step is under way; `pull` again when its callback came. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** The node of the step that is under way, or none if that was the end. */
  async pending(): Promise<unknown[]> {
    return this.#pending ?? [];
  }

  /**
   * The next node, where the iterator has it at once. Otherwise undefined: then it is done, or a step is pending and
   * `arrived` is called with its node.
   */
  pull(
    arrived: (node: unknown) => void,
    failed: (error: unknown) => void,
  ): { node: unknown } | undefined {
    if (this.isDone || this.#pending !== undefined) return undefined;
    const step = this.#iterator.next();
    if (!("then" in step)) return this.#take(step);
    this.#pending = Promise.resolve(step).then((later: Step) => this.#later(later));
    this.#pending.then(
      (nodes) => arrived(nodes[0]),
      (error: unknown) => {
        this.#pending = undefined;
        this.isDone = true;
        failed(error);
      },
    );
    return undefined;
  }

  #later(step: Step): unknown[] {
    this.#pending = undefined;
    const taken = this.#take(step);
    return taken === undefined ? [] : [taken.node];
  }

  #take(step: Step): { node: unknown } | undefined {
    if (step.done !== true) return { node: step.value };
    this.isDone = true;
    return undefined;
  }

  /** Nothing more is wanted; lets the generator run its `finally`. */
  close(): void {
    if (this.isDone) return;
    this.isDone = true;
    // A generator that fails while it is being closed has nothing left to fail.
    try {
      const closing: unknown = this.#iterator.return?.();
      if (closing instanceof Promise) closing.catch(() => undefined);
    } catch {}
  }
}
