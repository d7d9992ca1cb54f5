// The nodes that the author's `tasks` has created: one that nothing reaches would not run, and is an error.

import { type AnyNode, nodeName } from "../api/node.ts";
import { PlanError } from "./plan-error.ts";

const minCompactAfter = 256;

export class CreatedNodes {
  readonly #isPlanned: (node: AnyNode) => boolean;
  /** All that are not planned, and those that were planned since the list was last compacted. */
  #nodes: AnyNode[] = [];
  #compactAfter = minCompactAfter;

  constructor(isPlanned: (node: AnyNode) => boolean) {
    this.#isPlanned = isPlanned;
  }

  add(node: AnyNode): void {
    this.#nodes.push(node);
    if (this.#nodes.length < this.#compactAfter) return;
    this.compact();
  }

  compact(): void {
    // A stream creates millions of nodes, and nearly all of them are planned by now.
    this.#nodes = this.#unreached();
    this.#compactAfter = Math.max(minCompactAfter, 2 * this.#nodes.length);
  }

  #unreached(): AnyNode[] {
    return this.#nodes.filter((node) => !this.#isPlanned(node));
  }

  /**
   * To be called once every fan-out is unfolded: no node is created after that.
   *
   * @param hasEmptyFanOut a fan-out had no items, and its function might have passed on any node: then nothing is thrown
   * @returns the warning for that case
   * @throws PlanError that names a node which nothing reaches
   */
  assertAllReached(hasEmptyFanOut: boolean): string | undefined {
    const [node, ...others] = this.#unreached();
    // A node keeps its vertex, and with it the result.
    this.#nodes = [];
    if (node === undefined) return undefined;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    const what = `task "${nodeName(node)}"`;
    if (hasEmptyFanOut) {
      return `${what} does not run${more}: nothing returned depends on it, and a fan-out that may pass it on has no items`;
    }
    throw new PlanError(
      `${what} was called in \`tasks\`, but nothing returned depends on it, so it would not run` +
        `${more}; return it, pass it to another task, or do not call it`,
    );
  }
}
