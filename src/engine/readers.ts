// What has read a result tells whose it is: the dependent's key, with that result in its input, is in the file.

import { fill } from "../plan/template.ts";
import { resultText, type TaskVertex, type Vertex } from "../plan/vertex.ts";
import type { Identities } from "./identities.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { Which } from "./restored-tasks.ts";

/** An earlier task. `result`: JSON text; undefined where it is long and in the file. */
export type Candidate = Which & { readonly result: string | undefined };

type ReadersDeps = {
  readonly identities: Identities;
  /** Which of the earlier tasks a task may be that waits; none of a task that does not. */
  candidates(vertex: Vertex): readonly Candidate[];
};

/** Of more tasks of one key, none is looked at: to compare each with each would take too long. */
export const maxCandidates = 2_000;
/** Dependents of dependents that are looked at. */
const maxDepth = 4;
/** In a run: a second or two. Then nothing can be told. */
const maxComparisons = 3_000_000;

/** Results of tasks that wait, to be tried. `first`: the task whose result is looked for. */
type Guess = { readonly given: ReadonlyMap<Vertex, string>; readonly first: TaskId };

export class Readers {
  readonly #deps: ReadersDeps;
  #comparisons = 0;

  constructor(deps: ReadersDeps) {
    this.#deps = deps;
  }

  /** Whether a dependent of the task is in the file with this one's result in its input; undefined where that cannot be told. */
  haveRead(vertex: TaskVertex, { id, result }: Candidate): boolean | undefined {
    if (result === undefined) return undefined;
    return this.#isRead(vertex, { given: new Map([[vertex, result]]), first: id }, 0);
  }

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
    // Two of them in one input are looked for together. More would take too long.
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
    const candidates = this.#deps.candidates(other);
    // Those of one item are neighbours.
    const from = candidates.findIndex(({ id }) => id === guess.first) + 1;
    let isInFile: boolean | undefined;
    for (const { result } of startingAt(candidates, from)) {
      if (result === undefined || this.#comparisons > maxComparisons) continue;
      const given = new Map(guess.given).set(other, result);
      const told = this.#isInFile(dependent, { ...guess, given }, depth);
      if (told === true) return true;
      isInFile ??= told;
    }
    return isInFile;
  }
}

/** All items, from the one at `from` on. */
export function* startingAt<Item>(items: readonly Item[], from: number): Generator<Item> {
  yield* items.slice(from);
  yield* items.slice(0, from);
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
