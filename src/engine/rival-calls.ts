// Calls of a continued run that cannot take their earlier tasks now: they wait, were skipped, or are of lists that are not known.
// An equal call that is ready must leave those tasks to them.

import type { Graph } from "../plan/graph.ts";
import { isInItem } from "../plan/positions.ts";
import { fill } from "../plan/template.ts";
import { allows, resultText, type TaskVertex, type Vertex } from "../plan/vertex.ts";
import { unknownPosition } from "../protocol/ids.ts";
import type { Identities } from "./identities.ts";
import type { LeftTask } from "./restored-tasks.ts";

export type RivalsGraph = Pick<
  Graph,
  "liveTasks" | "isCountable" | "isOfKnownList" | "hasLostList"
>;

type RivalsDeps = { readonly identities: Identities; readonly graph: RivalsGraph };

/** What ready tasks wait for: the lists that are not known yet, or the input of a call. */
export type Awaited = "lists" | `${number} ${string}`;

export const inputOf = ({
  definition,
  position,
}: Pick<TaskVertex, "definition" | "position">): Awaited => awaitedInput(definition.name, position);

const awaitedInput = (name: string, position: number): Awaited => `${position} ${name}`;

/** `either`: the call takes the task, but not its failure. */
type Owner = "this call" | "another call" | "either";

type Asking = { readonly vertex: TaskVertex; readonly isShared: boolean };

export class RivalCalls {
  readonly #deps: RivalsDeps;
  #waiting: Calls;
  /** In this session. */
  readonly #skipped: Calls;

  constructor(deps: RivalsDeps) {
    this.#deps = deps;
    this.#waiting = new Calls(deps.identities);
    this.#skipped = new Calls(deps.identities);
  }

  /** The call will not run in this session. What it has yielded in an earlier one is still its own. */
  skipped(vertex: TaskVertex): void {
    this.#skipped.add(vertex);
  }

  /** To be called before the tasks of these definitions are asked about: looks which of their calls wait. */
  look(definitions: ReadonlySet<TaskVertex["definition"]>): void {
    this.#waiting = new Calls(this.#deps.identities);
    for (const vertex of this.#deps.graph.liveTasks())
      if (vertex.waiting > 0 && definitions.has(vertex.definition)) this.#waiting.add(vertex);
  }

  /** The earlier tasks of the key that were not taken and are of no call that waits or was skipped, as far as their keys are known. */
  leftOf(key: string): IteratorObject<LeftTask> {
    const left = this.#deps.identities.restored.leftOf(key);
    return left.filter(
      ({ position }) => !this.#waiting.has(key, position) && !this.#skipped.has(key, position),
    );
  }

  /** What must come before it is known whether one of the earlier tasks of the key is another call's. */
  awaitedFor(key: string, name: string): Awaited | undefined {
    const { isCountable } = this.#deps.graph;
    if (isCountable && !this.#waiting.hasUnknown(name)) return undefined;
    for (const task of this.leftOf(key)) {
      if (this.#canBeExchanged(key, task)) continue;
      if (!isCountable && this.#isOfUnknownList(task)) return "lists";
      if (this.#waiting.mayHave(name, task.position)) return awaitedInput(name, task.position);
    }
    return undefined;
  }

  /**
   * Whose an earlier task is, which was called at another position. Where only one call has the key, it is rather this one's, and
   * the plan has moved; but a failure would be final.
   * @param isShared several calls have the key
   */
  ownerOf(key: string, task: LeftTask, { vertex, isShared }: Asking): Owner {
    if (task.position === unknownPosition || this.#canBeExchanged(key, task)) return "this call";
    const { optional, position, definition } = vertex;
    const isOfLostList = this.#deps.graph.hasLostList && this.#isOfUnknownList(task);
    const isOfUnknown =
      isOfLostList ||
      this.#waiting.mayHave(definition.name, task.position) ||
      this.#skipped.mayHave(definition.name, task.position);
    if (task.status === "failed" && optional) {
      if (isShared) return "another call";
      return isOfUnknown ? "either" : "this call";
    }
    // A call outside of lists has not moved within one.
    const isAnothers = isShared ? isOfUnknown : isOfLostList && !isInItem(position);
    return isAnothers ? "another call" : "this call";
  }

  /**
   * Earlier tasks that have yielded the same can be exchanged, but for values: a task that is new has taken one from another, which
   * then yields a value of its own to what has read the earlier one.
   */
  #canBeExchanged(key: string, { status, result }: LeftTask): boolean {
    if (this.#deps.identities.isUnlike(key)) return false;
    return status === "open" || (status === "done" && result === "null");
  }

  /** The position is in an item, and in none of a list that is known. */
  #isOfUnknownList({ position }: LeftTask): boolean {
    return isInItem(position) && !this.#deps.graph.isOfKnownList(position);
  }
}

class Calls {
  readonly #identities: Identities;
  readonly #byKey = new Map<string, Set<number>>();
  /** By definition: an input is not known, so nor is the key. */
  readonly #unknown = new Map<string, Set<number>>();

  constructor(identities: Identities) {
    this.#identities = identities;
  }

  add({ definition: { name }, input, position }: TaskVertex): void {
    const text = knownText(input);
    if (text === undefined) return addTo(this.#unknown, name, position);
    const key = this.#identities.keyOf(name, text);
    if (this.#identities.restored.at(key, position) !== undefined)
      addTo(this.#byKey, key, position);
  }

  has(key: string, position: number): boolean {
    return this.#byKey.get(key)?.has(position) === true;
  }

  hasUnknown(name: string): boolean {
    return this.#unknown.has(name);
  }

  /** A call of this definition is at this position, and it is not known whether it has the key. */
  mayHave(name: string, position: number): boolean {
    return this.#unknown.get(name)?.has(position) === true;
  }
}

/** The text of an input in which no result is missing. That of a long fan-in is not put together for this. */
function knownText(input: TaskVertex["input"]): string | undefined {
  if (input === undefined || typeof input === "string") return input;
  const isKnown = input.length <= maxPieces && input.every(isKnownPiece);
  return isKnown ? fill(input, resultText) : undefined;
}

const maxPieces = 100;

function isKnownPiece(piece: string | Vertex): boolean {
  if (typeof piece === "string") return true;
  return piece.state.status === "done" ? piece.state.result !== undefined : allows(piece);
}

function addTo(sets: Map<string, Set<number>>, name: string, position: number): void {
  const same = sets.get(name);
  if (same === undefined) sets.set(name, new Set([position]));
  else same.add(position);
}
