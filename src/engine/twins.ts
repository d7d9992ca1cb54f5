// Equal calls of a run that is continued: which of the earlier tasks is which task of the plan.
//
// Tasks have equal keys where their definitions and inputs are equal. Where the earlier ones are not alike (one has another
// result than the next, or is not done), or are perhaps another call's, a task that took the position of another would give its
// dependents another input than before: they would run again, and store their rows twice. Such a task waits until all that can
// be planned is planned. Then it takes, in this order:
//
// 1. The one that was called at its position of the plan and has ended, unless what reads the task says that this is another's.
//    In a run with the same plan and the same lists, that is the right one.
// 2. The one whose result its dependents have read: a list or the plan has changed since, and the positions have moved.
// 3. The one that was called at its position, or else the first that is left and is no other task's: a task with the same input
//    that waits for others, or was skipped, is planned at its position, or it may be of an item of a list that is not known yet, or
//    that has failed. A list is waited for while anything runs. If none is left, it is new.

import { systemClock } from "../base/clock.ts";
import type { Graph } from "../plan/graph.ts";
import { isInItem } from "../plan/positions.ts";
import type { TaskVertex, Vertex } from "../plan/vertex.ts";
import type { RestoredTask } from "../protocol/messages.ts";
import type { Identities } from "./identities.ts";
import { type Candidate, maxCandidates, Readers, startingAt } from "./readers.ts";
import type { Which } from "./restored-tasks.ts";

/** More do not wait: those of a stream would fill memory. More than can be in flight, which may all be new. */
const maxHeld = 20_000;
/** How long they wait for the next node of an asynchronous stream. */
const maxPauseMs = 1_000;

export type TwinsGraph = Pick<Graph, "liveTasks" | "isCountable" | "isOfKnownList" | "hasLostList">;

type TwinsDeps = {
  readonly identities: Identities;
  readonly graph: TwinsGraph;
  /** It is known which of the earlier tasks of its key the task is. */
  found(vertex: TaskVertex, which: Which | null | undefined): void;
};

/** What may come while the tasks wait. */
type Outlook = {
  /** More will be planned by itself: only those are found that are sure. */
  readonly isEarly: boolean;
  /** Something runs, or will, whose end may lead to more of the plan. */
  readonly isBusy: boolean;
};

export class Twins {
  readonly #deps: TwinsDeps;
  /** By key, in the order in which they became ready. */
  readonly #held = new Map<string, Set<TaskVertex>>();
  readonly #keys = new Map<TaskVertex, string>();
  /** Those that have not been looked at. */
  #fresh: TaskVertex[] = [];
  /** Keys of tasks that wait: another task has taken one of theirs. */
  readonly #taken = new Set<string>();
  readonly #readers: Readers;
  /** The earlier tasks of each key that were not taken. */
  readonly #candidates = new Map<string, readonly Candidate[]>();
  /** Tasks that were skipped in this session and done in an earlier one. */
  readonly #skipped = new KeyPositions();
  #lastHeldAt = 0;
  /** All that are held wait for lists, and no task has become ready since. */
  #awaitsLists = false;

  constructor(deps: TwinsDeps) {
    this.#deps = deps;
    const { identities } = deps;
    const candidates = (vertex: Vertex): readonly Candidate[] => {
      const key = vertex.kind === "task" ? this.#keys.get(vertex) : undefined;
      return key === undefined ? [] : this.#candidatesOf(key);
    };
    this.#readers = new Readers({ identities, candidates });
  }

  get size(): number {
    return this.#keys.size;
  }

  get isFull(): boolean {
    return this.size >= maxHeld;
  }

  /** Until when they wait for an asynchronous stream, which may have others; undefined where none waits. */
  get waitsUntil(): number | undefined {
    return this.size === 0 ? undefined : this.#lastHeldAt + maxPauseMs;
  }

  /** False where the task can take any of the earlier ones of its key, if there is one. */
  hold(vertex: TaskVertex): boolean {
    const { identities } = this.#deps;
    const key = identities.readyKey(vertex);
    if (!identities.isUnsure(key, vertex.position)) {
      if (this.#held.has(key)) this.#taken.add(key);
      return false;
    }
    const same = this.#held.get(key);
    if (same === undefined) this.#held.set(key, new Set([vertex]));
    else same.add(vertex);
    this.#keys.set(vertex, key);
    this.#fresh.push(vertex);
    this.#lastHeldAt = systemClock.now();
    return true;
  }

  /** The task will not run in this session. What it has yielded in an earlier one is still its own. */
  skipped({ definition, input, position }: TaskVertex): void {
    const { identities } = this.#deps;
    if (typeof input !== "string" || identities.restored.isEmpty) return;
    const key = identities.keyOf(definition.name, input);
    if (identities.restored.at(key, position) !== undefined) this.#skipped.add(key, position);
  }

  /**
   * To be called when nothing more can be planned before something else happens. What is found may lead to what tells the others
   * apart: so one rule at a time, and the most certain first.
   * @returns whether any was found
   */
  settle({ isEarly, isBusy }: Outlook): boolean {
    const awaitsLists = isBusy && !this.#deps.graph.isCountable;
    if (awaitsLists && this.#awaitsLists && this.#fresh.length + this.#taken.size === 0)
      return false;
    this.#awaitsLists = false;
    this.#candidates.clear();
    const fresh = this.#fresh;
    this.#fresh = [];
    if (this.#find(fresh, (vertex, key) => this.#sure(vertex, key)) || this.#freeLast())
      return true;
    if (isEarly) return false;
    const all = [...this.#keys.keys()];
    return (
      this.#find(all, (vertex, key) => this.#sure(vertex, key)) ||
      this.#findByReaders() ||
      this.#find(all, (vertex, key) => this.#deps.identities.restored.at(key, vertex.position)) ||
      this.#freeRest(awaitsLists)
    );
  }

  /** @returns whether any was found */
  #find(
    vertices: readonly TaskVertex[],
    which: (vertex: TaskVertex, key: string) => Which | undefined,
  ): boolean {
    let isAny = false;
    for (const vertex of vertices) {
      const key = this.#keys.get(vertex);
      const found = key === undefined ? undefined : which(vertex, key);
      if (found === undefined) continue;
      this.#free(vertex, found);
      isAny = true;
    }
    return isAny;
  }

  #free(vertex: TaskVertex, which: Which | null | undefined): void {
    const key = this.#keys.get(vertex) ?? "";
    this.#keys.delete(vertex);
    const same = this.#held.get(key);
    same?.delete(vertex);
    if (same?.size === 0) this.#held.delete(key);
    else this.#taken.add(key);
    this.#candidates.delete(key);
    this.#deps.found(vertex, which);
  }

  /** The one that was called at the task's position and has ended, unless its readers say otherwise. */
  #sure(vertex: TaskVertex, key: string): Which | undefined {
    const own = this.#deps.identities.restored.at(key, vertex.position);
    if (own === undefined || !isFinal(own, vertex)) return undefined;
    // What reads an optional task that has failed is given null.
    const result = own.status === "done" ? (own.result ?? undefined) : "null";
    return this.#readers.haveRead(vertex, { ...own, result }) === false ? undefined : own;
  }

  /** They are new where no earlier task of their key is left. */
  #freeLast(): boolean {
    const { restored } = this.#deps.identities;
    let isAny = false;
    for (const key of this.#taken) {
      if (restored.has(key)) continue;
      for (const vertex of this.#held.get(key)?.values().toArray() ?? [])
        this.#free(vertex, undefined);
      isAny = true;
    }
    this.#taken.clear();
    return isAny;
  }

  /**
   * They take what is left of their keys, in order.
   * @param awaitsLists where this may be what a list plans that is not known yet, they wait for it
   */
  #freeRest(awaitsLists: boolean): boolean {
    const waiting = this.#waitingPositions();
    let isAny = false;
    for (const [key, same] of this.#held.entries().toArray()) {
      if (awaitsLists && this.#mayBeInList(key, waiting)) continue;
      const isShared =
        same.size > 1 ||
        this.#deps.identities.isUnlike(key) ||
        this.#leftOf(key, waiting).take(2).toArray().length > 1;
      const left = this.#leftOf(key, waiting).filter(
        (which) => !isShared || !this.#isOfLostList(key, which),
      );
      for (const vertex of same.values().toArray()) this.#free(vertex, left.next().value ?? null);
      isAny = true;
    }
    this.#awaitsLists = this.size > 0;
    return isAny;
  }

  /** Where tasks are called that wait for others: the earlier ones of these positions are theirs. */
  #waitingPositions(): KeyPositions {
    const { identities, graph } = this.#deps;
    const definitions = new Set(this.#keys.keys().map(({ definition }) => definition));
    const positions = new KeyPositions();
    for (const { waiting, definition, input, position } of graph.liveTasks()) {
      // The key is known where no result is missing in the input.
      if (waiting === 0 || typeof input !== "string" || !definitions.has(definition)) continue;
      positions.add(identities.keyOf(definition.name, input), position);
    }
    return positions;
  }

  #mayBeInList(key: string, waiting: KeyPositions): boolean {
    const isUnlike = this.#deps.identities.isUnlike(key);
    return this.#leftOf(key, waiting).some(
      ({ position }) => isInItem(position) && (isUnlike || this.#isMissed(key, position)),
    );
  }

  /**
   * A list that has failed in this session may be known in the next one, and then has its items again. Only of keys of several
   * calls: the one call of its key is rather of a list that has moved in the plan.
   */
  #isOfLostList(key: string, { position }: Which): boolean {
    return this.#deps.graph.hasLostList && isInItem(position) && this.#isMissed(key, position);
  }

  /**
   * Earlier tasks that have yielded the same can be exchanged. But a task that is new has taken one from another, which then
   * yields a value of its own to what has read the earlier one.
   */
  #isMissed(key: string, position: number): boolean {
    const { identities, graph } = this.#deps;
    const earlier = identities.restored.at(key, position);
    const isValue = earlier?.status === "done" && earlier.result !== "null";
    return isValue && !graph.isOfKnownList(position);
  }

  /** The earlier tasks of the key that were not taken and are not those of tasks that wait, or were skipped. */
  #leftOf(key: string, waiting: KeyPositions): IteratorObject<Which> {
    const left = this.#deps.identities.restored.leftOf(key);
    return left.filter(
      ({ position }) => !waiting.has(key, position) && !this.#skipped.has(key, position),
    );
  }

  #findByReaders(): boolean {
    const found = [...this.#held].flatMap(([key, same]) => this.#readBy(key, same));
    for (const [vertex, which] of found) this.#free(vertex, which);
    return found.length > 0;
  }

  #readBy(key: string, same: Iterable<TaskVertex>): readonly (readonly [TaskVertex, Which])[] {
    const candidates = this.#candidatesOf(key);
    const taken = new Set<Candidate>();
    const found: (readonly [TaskVertex, Which])[] = [];
    // The tasks of one item are neighbours: the next one is likely to be where the last one was.
    let from = 0;
    for (const vertex of same) {
      if (vertex.dependents.length === 0) continue;
      for (const candidate of startingAt(candidates, from)) {
        if (taken.has(candidate) || this.#readers.haveRead(vertex, candidate) !== true) continue;
        found.push([vertex, candidate]);
        taken.add(candidate);
        from = candidates.indexOf(candidate) + 1;
        break;
      }
    }
    return found;
  }

  #candidatesOf(key: string): readonly Candidate[] {
    const known = this.#candidates.get(key);
    if (known !== undefined) return known;
    const candidates = this.#deps.identities.restored.doneOf(key, maxCandidates);
    this.#candidates.set(key, candidates);
    return candidates;
  }
}

/** The failure of an optional task is final. */
const isFinal = ({ status, isOutdated }: RestoredTask, { optional }: TaskVertex): boolean =>
  status === "done" || (status === "failed" && optional && isOutdated !== true);

class KeyPositions {
  readonly #byKey = new Map<string, Set<number>>();

  add(key: string, position: number): void {
    const same = this.#byKey.get(key);
    if (same === undefined) this.#byKey.set(key, new Set([position]));
    else same.add(position);
  }

  has(key: string, position: number): boolean {
    return this.#byKey.get(key)?.has(position) === true;
  }
}
