// Sends the graph of the run to the writer: when it is known, when it has grown, and at the end. Never for a single task.

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import type { Graph } from "../plan/graph.ts";

/** Interval between two graphs, where there is a new definition, fan-out or edge. */
const everyMs = 1000;
/** Where only the counts have changed. */
const countsEveryMs = 5000;

type GraphRecordDeps = {
  readonly graph: Pick<Graph, "definitions" | "tasks">;
  /** False with `--no-store-task-status`: no graph is sent. */
  readonly isKept: boolean;
  /** A definition's name as it is in the file. */
  readonly nameOf: (definition: string) => string;
  send(graph: string): void;
};

export class GraphRecord {
  readonly #deps: GraphRecordDeps;
  #sent: { readonly changes: number; readonly tasks: number; readonly at: number } | undefined;

  constructor(deps: GraphRecordDeps) {
    this.#deps = deps;
  }

  /** After anything has changed. The first time, it is sent at once. */
  tell(): void {
    const { graph, isKept } = this.#deps;
    const { changes, tasks, at } = this.#sent ?? none;
    if (!isKept || graph.tasks === tasks) return;
    const waitMs = graph.definitions.changes === changes ? countsEveryMs : everyMs;
    if (systemClock.now() - at >= waitMs) this.flush();
  }

  /** Sends what has not been sent yet. */
  flush(): void {
    const { graph, isKept } = this.#deps;
    const { definitions, tasks } = graph;
    const { changes } = definitions;
    if (!isKept || (this.#sent?.changes === changes && this.#sent.tasks === tasks)) return;
    this.#sent = { changes, tasks, at: systemClock.now() };
    this.#deps.send(JSON.stringify(definitions.graph(this.#deps.nameOf)));
  }
}

const none = { changes: 0, tasks: 0, at: Number.NEGATIVE_INFINITY };
