// Which ready task goes to which worker, and which tasks are in flight.

import { systemClock } from "../base/clock.ts";
import type { TextGarbage } from "../base/text-garbage.ts";
import type { WorkerId, TaskId } from "../protocol/ids.ts";
import { type Assignment, leastWaitMs } from "../protocol/messages.ts";
import type { TagSet } from "../protocol/tags.ts";
import type { Graph } from "../plan/graph.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import type { Backlog } from "./backlog.ts";
import type { Identities } from "./identities.ts";
import type { InFlight } from "./in-flight.ts";
import type { Life } from "./life.ts";
import type { ReuseAsks } from "./reuse-asks.ts";
import type { Which } from "./restored-tasks.ts";
import type { Schedule } from "./schedule.ts";
import { retriesOf } from "./task-records.ts";
import type { WaitTimes } from "./wait-times.ts";
import type { TimeoutWatch } from "./timeout-watch.ts";
import type { RivalsGraph } from "./rival-calls.ts";
import { Twins } from "./twins.ts";

/**
 * Tasks that are dispatched and not committed. With more of them, the writer is behind, and nothing is dispatched. Half as
 * many save 13 MB, but the workers wait for commits: 400,000 no-op tasks take 15 % longer.
 */
const maxInFlight = 8192;
/** Characters of their inputs and results: with more, only as many tasks are dispatched as can run at once. */
export const maxInFlightChars = 1024 * 1024;
/** Characters of the inputs of one batch, unless the worker has more idle slots: messages of several MB are garbage. */
const maxBatchChars = 256 * 1024;
/** An input of fewer characters is not counted as garbage: short texts leave no more garbage than the collector expects. */
export const leastGarbageChars = 1024;

type DispatcherDeps = {
  readonly life: Life;
  readonly graph: RivalsGraph & Pick<Graph, "settleWantsResult">;
  readonly schedule: Schedule;
  readonly inFlight: InFlight;
  readonly identities: Identities;
  readonly backlog: Backlog;
  readonly timeouts: Pick<TimeoutWatch, "forget">;
  readonly waits: WaitTimes;
  readonly garbage: Pick<TextGarbage, "add">;
  /** Makes more tasks ready, if there are any. */
  topUp(): void;
  /** True where an earlier session has ended the task: its outcome has been applied. */
  applyRestored(vertex: TaskVertex, which?: Which | null): boolean;
  /** Undefined where no task has `reuse`. */
  readonly reuse?: Pick<ReuseAsks, "take" | "size"> | undefined;
};

export class Dispatcher {
  readonly #deps: DispatcherDeps;
  /** How many tasks can run at once. */
  slots = 1;
  /** Tasks that were ready before the run began, when it was not known which tasks an earlier session had ended. */
  #early: TaskVertex[] = [];
  /** Tasks that are ready, and wait for others that tell them apart. */
  readonly twins: Twins;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.twins = new Twins({
      identities: deps.identities,
      graph: deps.graph,
      found: (vertex, which) => this.#addKnown(vertex, which),
    });
  }

  /** Tasks that could be dispatched now, or once the run has begun. */
  get ready(): number {
    const { schedule, reuse } = this.#deps;
    return schedule.ready + this.#early.length + (reuse === undefined ? 0 : reuse.size);
  }

  /** The task is ready. A task that an earlier session has ended needs no worker. */
  add(vertex: TaskVertex): void {
    const { life, identities } = this.#deps;
    if (life.stage === "opening") this.#early.push(vertex);
    else if (identities.restored.isEmpty) this.#addNew(vertex);
    else if (!this.twins.hold(vertex)) this.#addKnown(vertex);
  }

  #addKnown(vertex: TaskVertex, which?: Which | null): void {
    if (!this.#deps.applyRestored(vertex, which)) this.#addNew(vertex);
  }

  /** An earlier run may have its result. */
  #addNew(vertex: TaskVertex): void {
    const { reuse, schedule } = this.#deps;
    if (reuse === undefined || !reuse.take(vertex)) schedule.add(vertex);
  }

  /** The run has begun. */
  begin(): void {
    const early = this.#early;
    this.#early = [];
    for (const vertex of early) this.add(vertex);
  }

  /**
   * Up to `most` tasks for a worker.
   * @param idle how many of the worker's slots are idle: tasks of named pools are for idle slots only
   * @param on see ExecutorsEvents
   */
  take(workerId: WorkerId, most: number, idle: number, on?: TagSet): Assignment[] {
    const { life, schedule, garbage } = this.#deps;
    const assignments: Assignment[] = [];
    const taken: TaskVertex[] = [];
    const now = systemClock.now();
    schedule.setNow(now);
    let chars = 0;
    while (life.mayDispatch && assignments.length < most && this.#hasRoom) {
      if (chars >= maxBatchChars && assignments.length >= idle) break;
      if (schedule.readyOn(on) < most) this.#deps.topUp();
      const vertex = schedule.take(now, assignments.length < idle, on);
      if (vertex === undefined) break;
      const assignment = this.#prepare(vertex, now);
      assignments.push(assignment);
      chars += assignment.input.length;
      if (assignment.input.length >= leastGarbageChars) garbage.add(assignment.input.length);
      vertex.workerId = workerId;
      this.#deps.inFlight.add(vertex);
      taken.push(vertex);
    }
    if (life.stop === undefined) return assignments;
    // The plan failed during a top up: nothing new starts.
    for (const vertex of taken) this.putBack(vertex);
    return [];
  }

  get #hasRoom(): boolean {
    const { inFlight, backlog } = this.#deps;
    const { size } = inFlight;
    return size < maxInFlight && (backlog.inFlightChars < maxInFlightChars || size < this.slots);
  }

  /** These tasks wait in another worker now. */
  moved(ids: readonly TaskId[], workerId: WorkerId): void {
    for (const id of ids) {
      const vertex = this.#deps.inFlight.get(id);
      if (vertex !== undefined) vertex.workerId = workerId;
    }
  }

  /** The attempt's end is committed. Undefined where the task is not in flight. */
  release(id: TaskId): TaskVertex | undefined {
    const { inFlight, timeouts, schedule } = this.#deps;
    const vertex = inFlight.get(id);
    if (vertex === undefined) return undefined;
    inFlight.delete(id);
    if (vertex.timeoutMs !== undefined) timeouts.forget(id);
    schedule.leave(vertex);
    return vertex;
  }

  /** No worker has begun the attempt, or its worker is lost: the task is ready again, in its old place. */
  putBack(vertex: TaskVertex): void {
    const { inFlight, timeouts, schedule } = this.#deps;
    const id = vertex.id as TaskId;
    inFlight.delete(id);
    timeouts.forget(id);
    vertex.startedAt = undefined;
    schedule.putBack(vertex);
  }

  putBackAll(ids: readonly TaskId[]): void {
    for (const id of ids) {
      const vertex = this.#deps.inFlight.get(id);
      if (vertex !== undefined) this.putBack(vertex);
    }
  }

  #prepare(vertex: TaskVertex, now: number): Assignment {
    const { identities, graph, backlog, schedule, waits } = this.#deps;
    if (vertex.input !== undefined) identities.identify(vertex);
    graph.settleWantsResult(vertex);
    const { id, inputText, definition, name, label, needs, cursor, timeoutMs, wantsResult } =
      vertex;
    const isOwnPolicy = vertex.retries !== undefined || vertex.interruptions > 0;
    const assignment: { -readonly [Key in keyof Assignment]: Assignment[Key] } = {
      id: id as TaskId,
      task: definition.name,
      name,
      attempt: vertex.attempt + 1,
      input: inputText,
      wantsResult: backlog.wants(wantsResult),
    };
    if (vertex.position !== id) assignment.position = vertex.position;
    if (label !== undefined && label !== "") assignment.label = label;
    if (needs !== undefined) assignment.needs = needs;
    if (cursor !== undefined) assignment.cursor = cursor;
    if (isOwnPolicy) assignment.retries = retriesOf(vertex);
    if (timeoutMs !== undefined) assignment.timeoutMs = timeoutMs;
    const begunBefore = identities.takeBegunBefore(vertex);
    if (begunBefore !== undefined) assignment.begunBefore = begunBefore;
    const waitedMs = now - vertex.readyAt;
    if (waitedMs >= leastWaitMs && vertex.attempt === 0) {
      assignment.readyAt = systemClock.wall() - Math.round(waitedMs);
      waits.add(vertex, schedule.waitedFor(vertex), waitedMs);
    }
    if (definition.bareCalls?.has(vertex) === true) assignment.isBare = true;
    return assignment;
  }
}
