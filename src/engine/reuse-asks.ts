// Tasks with `reuse` that have not begun, and wait for the writer to say whether an earlier run has a result for them. They are
// asked for many at a time, once the writer knows the code of this session.

import { systemClock } from "../base/clock.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { ReuseAsk } from "../protocol/reuse.ts";
import type { Graph } from "../plan/graph.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import type { Backlog } from "./backlog.ts";
import type { Identities } from "./identities.ts";
import type { Inputs } from "./inputs.ts";
import type { Life } from "./life.ts";
import type { Schedule } from "./schedule.ts";

/** Tasks of one message: the writer answers in one turn. */
const maxAsked = 1000;

type ReuseAsksDeps = {
  readonly life: Life;
  readonly graph: Pick<Graph, "settleWantsResult">;
  readonly identities: Identities;
  readonly schedule: Pick<Schedule, "add">;
  readonly backlog: Pick<Backlog, "wants">;
  readonly inputs: Pick<Inputs, "recorded">;
  /** False: no result is taken, but this run's are recorded for later ones. */
  readonly takes: boolean;
  ask(tasks: readonly ReuseAsk[]): void;
  /** There may be more to dispatch. */
  advance(): void;
};

export class ReuseAsks {
  readonly #deps: ReuseAsksDeps;
  #waiting: TaskVertex[] = [];
  readonly #asked = new Map<TaskId, TaskVertex>();
  /** The writer knows the code. */
  #isOpen = false;
  #isSoon = false;

  constructor(deps: ReuseAsksDeps) {
    this.#deps = deps;
  }

  /** Tasks that wait for an answer. */
  get size(): number {
    return this.#waiting.length + this.#asked.size;
  }

  /** The writer has been asked and has not answered. */
  get isAsked(): boolean {
    return this.#asked.size > 0;
  }

  /** False for a task that is to be run without asking: it has begun, or runs again because its code or the user says so. */
  take(vertex: TaskVertex): boolean {
    const { identities, graph } = this.#deps;
    if (vertex.definition.reuse === undefined) return false;
    if (vertex.input !== undefined) identities.identify(vertex);
    const hasBegun = vertex.attempt > 0 || vertex.cursor !== undefined;
    if (hasBegun || vertex.isAgain || identities.isOutdated(vertex)) return false;
    graph.settleWantsResult(vertex);
    this.#waiting.push(vertex);
    this.#askSoon();
    return true;
  }

  /** The writer has the code of this session. */
  open(): void {
    this.#isOpen = true;
    this.#askSoon();
  }

  #askSoon(): void {
    if (this.#isSoon || !this.#isOpen) return;
    this.#isSoon = true;
    systemClock.soon(() => {
      this.#isSoon = false;
      this.#askNow();
    });
  }

  #askNow(): void {
    const { life, schedule, takes } = this.#deps;
    // A run that ends early starts nothing: what waits stays as it is.
    if (!life.mayDispatch || this.#waiting.length === 0) return;
    if (takes) {
      const next = this.#waiting.splice(0, maxAsked);
      for (const vertex of next) this.#asked.set(vertex.id as TaskId, vertex);
      this.#deps.ask(next.map((vertex) => this.#askFor(vertex)));
      if (this.#waiting.length > 0) this.#askSoon();
      return;
    }
    for (const vertex of this.#waiting) schedule.add(vertex);
    this.#waiting = [];
    this.#deps.advance();
  }

  #askFor(vertex: TaskVertex): ReuseAsk {
    const { identities, backlog, inputs } = this.#deps;
    const { id, name, definition, inputText } = vertex;
    const key = identities.keyOf(definition.name, inputText);
    const wantsResult = backlog.wants(vertex.wantsResult);
    return { id: id as TaskId, name, key, wantsResult, ...inputs.recorded(vertex) };
  }

  /** These tasks are to be run. */
  notReused(ids: readonly TaskId[]): void {
    for (const id of ids) {
      const vertex = this.release(id);
      if (vertex !== undefined) this.#deps.schedule.add(vertex);
    }
  }

  /** The task has its answer. Undefined where nobody has asked for it. */
  release(id: TaskId): TaskVertex | undefined {
    const vertex = this.#asked.get(id);
    this.#asked.delete(id);
    return vertex;
  }
}
