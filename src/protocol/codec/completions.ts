// Tasks that are done, on their way to the writer, as one text. Pure.

import { JSON } from "../../base/globals.ts";
import type { TaskId } from "../ids.ts";
import type { WantsResult } from "../wants-result.ts";
import {
  numberAt,
  separator,
  StringTable,
  truncated,
  wantsResultAt,
  wantsResultCode,
} from "./packed-text.ts";

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
};

/** First character of a message of completions. A message of records begins with a bracket. */
export const completionsMark = "!";

type Head = {
  readonly strings: readonly string[];
  readonly base: number;
  /** Per task: id, name, attempt, startedAt - base, at - startedAt, wantsResult. */
  readonly numbers: readonly number[];
  /** By the task's position in the list: most tasks are short, and did not wait. */
  readonly costs: readonly (readonly [index: number, cost: Cost])[];
};
type Cost = Pick<Completion, "cpuMs" | "waitedMs">;
const numbersPerTask = 6;
const noCost: Cost = { waitedMs: 0 };

/** Collects completions until they are sent. */
export class CompletionPacker {
  #strings = new StringTable();
  #numbers: number[] = [];
  #costs: [number, Cost][] = [];
  #keys: string[] = [];
  #results: string[] = [];
  #base = 0;

  get size(): number {
    return this.#keys.length;
  }

  add(completion: Completion): void {
    const { id, name, key, attempt, startedAt, at, result, wantsResult } = completion;
    const { cpuMs, waitedMs } = completion;
    if (this.#keys.length === 0) this.#base = startedAt;
    if (waitedMs !== 0 || cpuMs !== undefined) {
      this.#costs.push([this.#keys.length, { cpuMs, waitedMs }]);
    }
    this.#numbers.push(
      id,
      this.#strings.indexOf(name),
      attempt,
      startedAt - this.#base,
      at - startedAt,
      wantsResultCode(wantsResult),
    );
    this.#keys.push(key);
    this.#results.push(result);
  }

  /** The message's text. The packer is empty afterwards. */
  take(): string {
    const head: Head = {
      strings: this.#strings.list,
      base: this.#base,
      numbers: this.#numbers,
      costs: this.#costs,
    };
    const pieces = [completionsMark + JSON.stringify(head), ...this.#keys, ...this.#results];
    this.#strings = new StringTable();
    this.#numbers = [];
    this.#costs = [];
    this.#keys = [];
    this.#results = [];
    return pieces.join(separator);
  }
}

/** Calls `completed` for each task, in order. Returns the number of tasks. */
export function unpackCompletions(
  text: string,
  completed: (completion: Completion) => void,
): number {
  const [head = "", ...pieces] = text.split(separator);
  const { strings, base, numbers, costs } = JSON.parse(head.slice(completionsMark.length)) as Head;
  const tasks = pieces.length / 2;
  let next = 0;
  let nextCost = costs[0]?.[0];
  for (let i = 0, task = 0; i < numbers.length; i += numbersPerTask, task++) {
    const startedAt = base + numberAt(numbers, i + 3);
    let cost = noCost;
    if (task === nextCost) {
      cost = costs[next]?.[1] ?? truncated();
      nextCost = costs[++next]?.[0];
    }
    completed({
      id: numberAt(numbers, i) as TaskId,
      name: strings[numberAt(numbers, i + 1)] ?? truncated(),
      key: pieces[task] ?? truncated(),
      attempt: numberAt(numbers, i + 2),
      startedAt,
      at: startedAt + numberAt(numbers, i + 4),
      result: pieces[tasks + task] ?? truncated(),
      wantsResult: wantsResultAt(numbers, i + 5),
      cpuMs: cost.cpuMs,
      waitedMs: cost.waitedMs,
    });
  }
  return tasks;
}
