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
//    that has failed, or of a call that is planned at its position and whose input is not known yet. Lists and inputs are waited
//    for while anything runs. If none is left, it is new.
//
// The failure of an optional task is final for the call that has failed: one that may not have been that call runs.

import { systemClock } from "../base/clock.ts";
import { isInItem } from "../plan/positions.ts";
import type { TaskVertex, Vertex } from "../plan/vertex.ts";
import type { RestoredTask } from "../protocol/messages.ts";
import type { Identities } from "./identities.ts";
import { type Candidate, maxCandidates, Readers, startingAt } from "./readers.ts";
import type { Which } from "./restored-tasks.ts";
import { type Awaited, inputOf, RivalCalls, type RivalsGraph } from "./rival-calls.ts";

/** More do not wait: those of a stream would fill memory. More than can be in flight, which may all be new. */
const maxHeld = 20_000;
/** How long they wait for the next node of an asynchronous stream. */
const maxPauseMs = 1_000;

type TwinsDeps = {
  readonly identities: Identities;
  readonly graph: RivalsGraph;
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
  readonly #rivals: RivalCalls;
  #lastHeldAt = 0;
  /** What all that are held wait for, until something of it comes. Undefined: some wait for nothing, or were not looked at. */
  #awaited: ReadonlySet<Awaited> | undefined;

  constructor(deps: TwinsDeps) {
    this.#deps = deps;
    const { identities } = deps;
    this.#rivals = new RivalCalls(deps);
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
    this.#hasCome(vertex);
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
  skipped(vertex: TaskVertex): void {
    if (this.#deps.identities.restored.isEmpty) return;
    this.#hasCome(vertex);
    this.#rivals.skipped(vertex);
  }

  /** The input of the task is known, or will never be. */
  #hasCome(vertex: TaskVertex): void {
    if (this.#awaited?.has(inputOf(vertex)) === true) this.#awaited = undefined;
  }

  /**
   * To be called when nothing more can be planned before something else happens. What is found may lead to what tells the others
   * apart: so one rule at a time, and the most certain first.
   * @returns whether any was found
   */
  settle({ isEarly, isBusy }: Outlook): boolean {
    if (isBusy && this.#isAwaiting && this.#fresh.length + this.#taken.size === 0) return false;
    this.#awaited = undefined;
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
      this.#freeRest(isBusy)
    );
  }

  get #isAwaiting(): boolean {
    if (this.#awaited === undefined) return false;
    return !this.#awaited.has("lists") || !this.#deps.graph.isCountable;
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

  /** They take what is left of their keys, in order: first those that wait for nothing, because that may tell of the others. */
  #freeRest(isBusy: boolean): boolean {
    this.#rivals.look(new Set(this.#keys.keys().map(({ definition }) => definition)));
    const held = [...this.#held];
    const awaited = held.map(([key, same]) => this.#rivals.awaitedFor(key, definitionOf(same)));
    const sure = held.filter((_, at) => awaited[at] === undefined);
    const free = sure.length > 0 || isBusy ? sure : held;
    for (const [key, same] of free) this.#freeKey(key, same);
    this.#awaited = new Set(awaited.filter((each) => each !== undefined));
    return free.length > 0;
  }

  #freeKey(key: string, same: ReadonlySet<TaskVertex>): void {
    const rivals = this.#rivals;
    const isShared =
      same.size > 1 ||
      this.#deps.identities.isUnlike(key) ||
      rivals.leftOf(key).take(2).toArray().length > 1;
    // What is left is looked through once for all that are alike: there may be many.
    const alike = Map.groupBy(
      same,
      ({ optional, position }) => `${optional} ${isInItem(position)}`,
    );
    for (const [first, ...more] of alike.values()) {
      if (first === undefined) continue;
      const left = rivals.leftOf(key).flatMap((earlier): Which[] => {
        const owner = rivals.ownerOf(key, earlier, { vertex: first, isShared });
        if (owner === "another call") return [];
        return [owner === "either" ? { ...earlier, isDoubtful: true } : earlier];
      });
      for (const vertex of [first, ...more]) this.#free(vertex, left.next().value ?? null);
    }
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

/** Tasks of one key have one definition. */
const definitionOf = ([first]: Iterable<TaskVertex>): string => first?.definition.name ?? "";

/** The failure of an optional task is final. */
const isFinal = ({ status, isOutdated }: RestoredTask, { optional }: TaskVertex): boolean =>
  status === "done" || (status === "failed" && optional && isOutdated !== true);
