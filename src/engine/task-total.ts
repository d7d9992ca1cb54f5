// The number of tasks, as far as it is known. Sent when it changes, at most every 100 ms.

import { shownValue } from "../base/describe-value.ts";
import { systemClock } from "../base/clock.ts";
import type { Pipeline } from "../api/pipeline.ts";
import type { Graph } from "../plan/graph.ts";
import { PlanError } from "../plan/plan-error.ts";

const everyMs = 100;

export class TaskTotal {
  readonly #send: (total: number, complete: boolean) => void;
  #sent = { total: -1, complete: false, at: 0 };
  /** Number of tasks that the author announces for the stream (`total`). */
  #promised: number | undefined;

  constructor(send: (total: number, complete: boolean) => void) {
    this.#send = send;
  }

  /** @throws PlanError where `total` is not an integer of at least 0 */
  promise(total: Pipeline["total"], params: Record<string, unknown>): void {
    const value = typeof total === "function" ? total({ params }) : total;
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new PlanError(`\`total\` must be an integer of at least 0, not ${shownValue(value)}`);
    }
    this.#promised = value;
  }

  /** How many tasks will come that are not planned yet. */
  expected(graph: Graph, streaming: boolean): number {
    return this.#known(graph, streaming) - graph.tasks;
  }

  #known(graph: Graph, streaming: boolean): number {
    const promised = streaming ? (this.#promised ?? 0) : 0;
    return Math.max(graph.tasks + graph.expected, promised);
  }

  /** @param streaming more nodes may come */
  tell(graph: Graph, streaming: boolean): void {
    const promised = streaming ? this.#promised : undefined;
    const total = this.#known(graph, streaming);
    const complete = promised === undefined ? !streaming && graph.isCountable : total === promised;
    if (total === this.#sent.total && complete === this.#sent.complete) return;
    const now = systemClock.now();
    if (!complete && now - this.#sent.at < everyMs) return;
    this.#sent = { total, complete, at: now };
    this.#send(total, complete);
  }
}
