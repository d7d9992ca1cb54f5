// The nodes that `tasks` yields: all at once from a list, or one by one from a generator, as there is room.

import { Promise } from "../base/globals.ts";
import { failureLine, toFailure } from "../base/failure.ts";
import { isNode } from "../api/node.ts";
import { thrownAt } from "../base/thrown-at.ts";
import type { Pipeline, Work } from "../api/pipeline.ts";
import { goOnLater } from "./current-graph.ts";
import { PlanError } from "./plan-error.ts";

/** @throws PlanError with file and line, for whatever the author's `tasks` throws */
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

type Nodes =
  | { readonly kind: "all"; readonly nodes: readonly unknown[] }
  | { readonly kind: "stream"; readonly stream: NodeStream };

/** Values that are not nodes are passed on: the graph's error says what they are. */
export function nodesOf(work: Work): Nodes {
  if (isNode(work)) return { kind: "all", nodes: [work] };
  if (Array.isArray(work)) return { kind: "all", nodes: work };
  if (typeof work === "object" && work !== null) {
    if (Symbol.asyncIterator in work) {
      const iterator = iteratorOf(() => work[Symbol.asyncIterator]());
      return { kind: "stream", stream: new NodeStream(inContext(iterator)) };
    }
    if (Symbol.iterator in work) {
      const iterator = iteratorOf(() => work[Symbol.iterator]());
      return { kind: "stream", stream: new NodeStream(iterator) };
    }
  }
  return { kind: "all", nodes: [work] };
}

/** @throws PlanError where the author's iterator is none */
function iteratorOf<Made extends object>(make: () => Made): Made {
  try {
    const iterator = make();
    if (typeof Reflect.get(iterator, "next") === "function") return iterator;
  } catch (thrown) {
    throw new PlanError(`\`tasks\` cannot be iterated: ${failureLine(toFailure(thrown))}`, {
      cause: thrown,
    });
  }
  throw new PlanError("`tasks` cannot be iterated: its iterator has no method `next`");
}

/** An asynchronous generator creates nodes when its step goes on, after the call of `next` has returned. */
const inContext = (iterator: AsyncIterator<unknown>): AsyncIterator<unknown> => ({
  next: () => goOnLater(() => iterator.next()),
  return: async () => iterator.return?.() ?? { done: true, value: undefined },
});

type Step = IteratorResult<unknown, unknown>;

export class NodeStream {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  #pending: Promise<unknown[]> | undefined;
  isDone = false;

  constructor(iterator: Iterator<unknown> | AsyncIterator<unknown>) {
    this.#iterator = iterator;
  }

  /** An asynchronous step has not come back yet. Until then, `pull` yields nothing. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** The node of the pending step; an empty list at the end of the stream. */
  async pending(): Promise<unknown[]> {
    return this.#pending ?? [];
  }

  /**
   * The next node of a synchronous iterator. Undefined when the stream is done, or when a step is pending: then `arrived`
   * is called with the step's node (undefined at the end of the stream), or `failed` with its error.
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

  /** No more nodes are wanted. Runs the generator's `finally`. */
  close(): void {
    if (this.isDone) return;
    this.isDone = true;
    // An error of the generator's `finally` is dropped: the run does not depend on it any more.
    try {
      const closing: unknown = this.#iterator.return?.();
      if (closing instanceof Promise) closing.catch(() => undefined);
    } catch {}
  }
}
