// Tasks that are done, on their way to the writer, as one text. Pure.

import { JSON } from "../../base/globals.ts";
import type { TaskId } from "../ids.ts";
import type { WantsResult } from "../wants-result.ts";
import { numberAt, separator, truncated, wantsResultOf, wantsResultCode } from "./packed-text.ts";
import { addPosition, noPositions, positionAt } from "./packed-positions.ts";

/** The `finished` record of a task that is done, has no next attempt and reported no progress: the common case. */
export type Completion = {
  readonly id: TaskId;
  readonly name: string;
  readonly key: string;
  readonly attempt: number;
  readonly startedAt: number;
  readonly at: number;
  /** JSON text. */
  readonly result: string;
  readonly wantsResult: WantsResult;
  /** Absent where it was not measured. */
  readonly cpuMs?: number | undefined;
  /** Absent where it is not known: it is not the first attempt. */
  readonly waitedMs?: number | undefined;
  /** As it is stored; undefined where it is not. */
  readonly input: string | undefined;
  /** The author's. */
  readonly label: string | undefined;
  /** See needs.ts; undefined where the task waited for nothing. */
  readonly needs: string | undefined;
  /** See PlannedItem. */
  readonly position: number | undefined;
};

/** First character of a message of completions. A message of records begins with a bracket. */
export const completionsMark = "!";

/** What most tasks of a message have in common. */
type Kind = readonly [name: string, attempt: number, wantsResult: number];

type Head = {
  readonly kinds: readonly Kind[];
  readonly base: number;
  /** Per task: id, kind, startedAt - base, at - startedAt. */
  readonly numbers: readonly number[];
  /** By the task's index in the list: most tasks are short, and did not wait. */
  readonly costs: readonly (readonly [index: number, cost: Cost])[];
  /** The strings of a task: key, result, and perhaps input. */
  readonly perTask: 2 | 3;
  /** Per task: the author's label, or null; null where there are none. */
  readonly labels: readonly (string | null)[] | null;
  /** By the task's index in the list. */
  readonly needs: readonly (readonly [index: number, needs: string])[];
  /** See packed-positions.ts; null where each is the id. */
  readonly positions: readonly number[] | null;
};
type Cost = Pick<Completion, "cpuMs" | "waitedMs">;
const numbersPerTask = 4;
const noCost: Cost = { waitedMs: 0 };

/** Gives each distinct kind an index. Most equal the previous one. */
class Kinds {
  readonly list: Kind[] = [];
  #last: Kind | undefined;
  #lastIndex = -1;

  indexOf(name: string, attempt: number, wantsResult: number): number {
    const last = this.#last;
    if (last?.[0] === name && last[1] === attempt && last[2] === wantsResult)
      return this.#lastIndex;
    const isEqual = (kind: Kind): boolean =>
      kind[0] === name && kind[1] === attempt && kind[2] === wantsResult;
    // Tasks of many names may follow each other: then a kind is listed twice, which costs less than to find it.
    let index = this.list.slice(-searched).findLastIndex(isEqual);
    if (index === -1) index = this.list.push([name, attempt, wantsResult]) - 1;
    else index += Math.max(0, this.list.length - searched);
    this.#last = this.list[index];
    this.#lastIndex = index;
    return index;
  }
}

/** How many of the last kinds are compared. */
const searched = 8;

/** Collects completions until they are sent. */
export class CompletionPacker {
  #kinds = new Kinds();
  #numbers: number[] = [];
  #costs: [number, Cost][] = [];
  /** The first one is for the head. */
  #pieces = [""];
  #perTask: 2 | 3 = 2;
  #labels: (string | null)[] | null = null;
  #needs: [number, string][] = [];
  #positions: number[] | null = null;
  #size = 0;
  #base = 0;

  get size(): number {
    return this.#size;
  }

  add(completion: Completion): void {
    const { id, name, key, attempt, startedAt, at, result, wantsResult, input, label } = completion;
    const { cpuMs, waitedMs, needs, position } = completion;
    if (this.#size === 0) this.#base = startedAt;
    if (waitedMs !== 0 || cpuMs !== undefined) this.#costs.push([this.#size, { cpuMs, waitedMs }]);
    const kind = this.#kinds.indexOf(name, attempt, wantsResultCode(wantsResult));
    this.#numbers.push(id, kind, startedAt - this.#base, at - startedAt);
    if (input !== undefined && this.#perTask === 2) this.#addInputs();
    if (this.#perTask === 2) this.#pieces.push(key, result);
    // Empty for a task without: JSON text is never empty.
    else this.#pieces.push(key, result, input ?? "");
    if (label !== undefined) this.#labels ??= Array.from({ length: this.#size }, () => null);
    this.#labels?.push(label ?? null);
    if (needs !== undefined) this.#needs.push([this.#size, needs]);
    if (position !== undefined) this.#positions ??= noPositions(this.#size);
    if (this.#positions !== null) addPosition(this.#positions, position);
    this.#size++;
  }

  /** A worker stores the inputs of all its tasks, or of none: this is the first. */
  #addInputs(): void {
    this.#perTask = 3;
    const before = this.#pieces;
    this.#pieces = [""];
    for (let at = 1; at < before.length; at += 2)
      this.#pieces.push(...before.slice(at, at + 2), "");
  }

  /** The message's text. The packer is empty afterwards. */
  take(): string {
    const head: Head = {
      kinds: this.#kinds.list,
      base: this.#base,
      numbers: this.#numbers,
      costs: this.#costs,
      perTask: this.#perTask,
      labels: this.#labels,
      needs: this.#needs,
      positions: this.#positions,
    };
    const pieces = this.#pieces;
    pieces[0] = completionsMark + JSON.stringify(head);
    this.#kinds = new Kinds();
    this.#numbers = [];
    this.#costs = [];
    this.#pieces = [""];
    this.#perTask = 2;
    this.#labels = null;
    this.#needs = [];
    this.#positions = null;
    this.#size = 0;
    return pieces.join(separator);
  }
}

/** The tasks of a message, and nothing else of it. */
export function completedIds(text: string): TaskId[] {
  const end = text.indexOf(separator);
  if (end === -1) return truncated();
  const { numbers } = JSON.parse(text.slice(completionsMark.length, end)) as Head;
  const ids: TaskId[] = [];
  for (let i = 0; i < numbers.length; i += numbersPerTask) ids.push(numberAt(numbers, i) as TaskId);
  return ids;
}

/** Calls `completed` for each task, in order. Returns the number of tasks. */
export function unpackCompletions(
  text: string,
  completed: (completion: Completion) => void,
): number {
  const pieces = text.split(separator);
  const json = (pieces[0] ?? truncated()).slice(completionsMark.length);
  const { kinds, base, numbers, costs, perTask, labels, needs, positions } = JSON.parse(
    json,
  ) as Head;
  let task = 0;
  let next = 0;
  let nextCost = costs[0]?.[0];
  const needed = needs.length === 0 ? undefined : new Map(needs);
  for (let i = 0, piece = 1; i < numbers.length; i += numbersPerTask, piece += perTask, task++) {
    const kind = kinds[numberAt(numbers, i + 1)] ?? truncated();
    const startedAt = base + numberAt(numbers, i + 2);
    let cost = noCost;
    if (task === nextCost) {
      cost = costs[next]?.[1] ?? truncated();
      nextCost = costs[++next]?.[0];
    }
    completed({
      id: numberAt(numbers, i) as TaskId,
      name: kind[0],
      key: pieces[piece] ?? truncated(),
      attempt: kind[1],
      startedAt,
      at: startedAt + numberAt(numbers, i + 3),
      result: pieces[piece + 1] ?? truncated(),
      wantsResult: wantsResultOf(kind[2]),
      cpuMs: cost.cpuMs,
      waitedMs: cost.waitedMs,
      // Empty: the task has none.
      input: perTask === 3 ? (pieces[piece + 2] ?? truncated()) || undefined : undefined,
      label: labels?.[task] ?? undefined,
      needs: needed?.get(task),
      position: positionAt(positions, task),
    });
  }
  return task;
}
