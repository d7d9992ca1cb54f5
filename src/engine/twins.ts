// Equal calls of a run that is continued: which of the earlier tasks is which task of the plan.
//
// Tasks have equal keys where their names and inputs are equal. Their ids are in the order in which they became ready, and
// that may be another order in each session: in nested fan-outs, the list that comes first unfolds first. Where the tasks are
// alike, any of them will do. Where one has another result than the next, or is not done, a task that took the place of
// another would give its dependents another input than before: they would run again, and store their rows twice.
//
// What has read a result tells whose it is: the dependent's key, with that result in its input, is in the file. So such tasks
// wait until all that can be planned is planned, and then each takes the result with which its dependents are found. The
// others, whose dependents have not run yet, take the rest.

import type { TaskId } from "../protocol/ids.ts";
import { fill } from "../plan/template.ts";
import { resultText, type TaskVertex, type Vertex } from "../plan/vertex.ts";
import type { Identities } from "./identities.ts";

/** Of more tasks of one key, each takes the first: to compare each with each would take too long. */
const maxCandidates = 2_000;
/** So many wait at most: those of a stream would fill memory. */
const maxHeld = 1_000;
/** Dependents of dependents that are looked at. */
const maxDepth = 4;
/** In a run: a second or two. Then each takes the first. */
const maxComparisons = 3_000_000;

type TwinsDeps = {
  readonly identities: Identities;
  /** The task is known now: which of the done tasks it is, or undefined: the first of its key that is left. */
  found(vertex: TaskVertex, which: TaskId | undefined): void;
};

export class Twins {
  readonly #deps: TwinsDeps;
  /** By key, in the order in which they became ready. */
  #held = new Map<string, TaskVertex[]>();
  #size = 0;
  /** Of those that are being settled: the key of each, and the earlier tasks of each key. */
  #keys = new Map<Vertex, string>();
  #candidates = new Map<string, readonly Done[]>();
  #comparisons = 0;

  constructor(deps: TwinsDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= maxHeld;
  }

  /** False where any of the earlier tasks will do. */
  hold(vertex: TaskVertex): boolean {
    const key = this.#deps.identities.unlikeKey(vertex);
    if (key === undefined) return false;
    this.#hold(key, vertex);
    return true;
  }

  #hold(key: string, vertex: TaskVertex): void {
    const same = this.#held.get(key);
    if (same === undefined) this.#held.set(key, [vertex]);
    else same.push(vertex);
    this.#size++;
  }

  /**
   * To be called when nothing more can be planned before. Those that are found may lead to what tells the others apart, so
   * these wait on. If none is found, each takes what is left.
   */
  settle(): void {
    const held = this.#held;
    this.#held = new Map();
    this.#size = 0;
    for (const [key, same] of held) {
      this.#candidates.set(key, this.#deps.identities.restored.doneOf(key, maxCandidates));
      for (const vertex of same) this.#keys.set(vertex, key);
    }
    const found = [...held].flatMap(([key, same]) => this.#matches(key, same));
    this.#keys.clear();
    this.#candidates.clear();
    const isFound = new Set(found.map(([vertex]) => vertex));
    for (const [vertex, id] of found) this.#deps.found(vertex, id);
    for (const [key, same] of held) {
      for (const vertex of same) {
        if (isFound.has(vertex)) continue;
        if (found.length > 0) this.#hold(key, vertex);
        else this.#deps.found(vertex, undefined);
      }
    }
  }

  #matches(key: string, same: readonly TaskVertex[]): readonly (readonly [TaskVertex, TaskId])[] {
    const candidates = this.#candidates.get(key) ?? [];
    const taken = new Set<Done>();
    const found: (readonly [TaskVertex, TaskId])[] = [];
    // The tasks of one item are neighbours: the next one is likely to be where the last one was.
    let from = 0;
    for (const vertex of same) {
      if (vertex.dependents.length === 0) continue;
      for (const [candidate, at] of startingAt(candidates, from)) {
        if (taken.has(candidate) || candidate.result === undefined) continue;
        const given = new Map([[vertex, candidate.result]]);
        if (this.#isRead(vertex, { given, at }, 0) !== true) continue;
        found.push([vertex, candidate.id]);
        taken.add(candidate);
        from = at + 1;
        break;
      }
    }
    return found;
  }

  /** Whether a dependent of the vertex is in the file with this result in its input; undefined where that cannot be told. */
  #isRead(vertex: TaskVertex, guess: Guess, depth: number): boolean | undefined {
    let isRead: boolean | undefined;
    for (const dependent of vertex.dependents) {
      const told = dependent.kind === "task" ? this.#isInFile(dependent, guess, depth) : undefined;
      if (told === true) return true;
      isRead ??= told;
    }
    return isRead;
  }

  #isInFile(dependent: TaskVertex, guess: Guess, depth: number): boolean | undefined {
    const { input } = dependent;
    if (input === undefined || typeof input === "string") return undefined;
    const unknown = unknownIn(input, guess.given);
    // Two twins in one input are looked for together. More would take too long.
    if (unknown.length > 1) return undefined;
    const [other] = unknown;
    if (other !== undefined) return this.#isInFileWith(other, dependent, guess, depth);
    if (++this.#comparisons > maxComparisons) return undefined;
    const { identities } = this.#deps;
    const text = fill(input, (piece: Vertex) => guess.given.get(piece) ?? resultText(piece));
    const key = identities.keyOf(dependent.definition.name, text);
    if (!identities.restored.has(key)) return false;
    const [done] = identities.restored.doneOf(key, maxCandidates);
    if (done?.result === undefined || depth === maxDepth) return true;
    // It may have no other input, and be found with each of the results: then what reads its own result tells.
    const given = new Map(guess.given).set(dependent, done.result);
    return this.#isRead(dependent, { ...guess, given }, depth + 1) ?? true;
  }

  #isInFileWith(
    other: Vertex,
    dependent: TaskVertex,
    guess: Guess,
    depth: number,
  ): boolean | undefined {
    const candidates = this.#candidates.get(this.#keys.get(other) ?? "") ?? [];
    let isInFile: boolean | undefined;
    for (const [candidate] of startingAt(candidates, guess.at + 1)) {
      if (candidate.result === undefined || this.#comparisons > maxComparisons) continue;
      const given = new Map(guess.given).set(other, candidate.result);
      const told = this.#isInFile(dependent, { ...guess, given }, depth);
      if (told === true) return true;
      isInFile ??= told;
    }
    return isInFile;
  }
}

type Done = ReturnType<Identities["restored"]["doneOf"]>[number];

/** Results of twins that are tried, and the place of the first of them among the candidates. */
type Guess = { readonly given: ReadonlyMap<Vertex, string>; readonly at: number };

function* startingAt<Item>(
  items: readonly Item[],
  from: number,
): Generator<readonly [Item, number]> {
  for (let step = 0; step < items.length; step++) {
    const at = (from + step) % items.length;
    yield [items[at] as Item, at];
  }
}

/** Parts of the input whose result is not known yet. */
function unknownIn(
  input: readonly (string | Vertex)[],
  given: ReadonlyMap<Vertex, string>,
): readonly Vertex[] {
  const unknown = new Set<Vertex>();
  for (const piece of input) {
    if (typeof piece !== "string" && !given.has(piece) && !isKnown(piece)) unknown.add(piece);
  }
  return [...unknown];
}

function isKnown({ state }: Vertex): boolean {
  if (state.status === "done") return state.result !== undefined;
  return state.status === "error" || state.status === "skipped";
}
