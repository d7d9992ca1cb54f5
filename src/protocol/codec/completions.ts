// Tasks that are done, on their way to the writer, as one text. Pure.

import { JSON } from "../../base/globals.ts";
import type { TaskId } from "../ids.ts";
import { numberAt, sectionEnd, separator, StringTable, truncated } from "./packed-text.ts";

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
  readonly wantsResult: boolean;
};

/** First character of a message of completions. A message of records begins with a bracket. */
export const completionsMark = "!";

type Head = {
  readonly strings: readonly string[];
  readonly base: number;
  /** Per task: id, name, attempt, startedAt - base, at - startedAt, wantsResult. */
  readonly numbers: readonly number[];
};
const numbersPerTask = 6;

/** Collects completions until they are sent. */
export class CompletionPacker {
  #strings = new StringTable();
  #numbers: number[] = [];
  #keys: string[] = [];
  #results: string[] = [];
  #base = 0;

  get size(): number {
    return this.#keys.length;
  }

  add(completion: Completion): void {
    const { id, name, key, attempt, startedAt, at, result, wantsResult } = completion;
    if (this.#keys.length === 0) this.#base = startedAt;
    this.#numbers.push(
      id,
      this.#strings.indexOf(name),
      attempt,
      startedAt - this.#base,
      at - startedAt,
      wantsResult ? 1 : 0,
    );
    this.#keys.push(key);
    this.#results.push(result);
  }

  /** The message's text. The packer is empty afterwards. */
  take(): string {
    const head: Head = { strings: this.#strings.list, base: this.#base, numbers: this.#numbers };
    const text =
      completionsMark +
      JSON.stringify(head) +
      sectionEnd +
      this.#keys.join(separator) +
      sectionEnd +
      this.#results.join(separator);
    this.#strings = new StringTable();
    this.#numbers = [];
    this.#keys = [];
    this.#results = [];
    return text;
  }
}

/** Calls `completed` for each task, in order. Returns the number of tasks. */
export function unpackCompletions(
  text: string,
  completed: (completion: Completion) => void,
): number {
  const [head = "", keys = "", results = ""] = text.slice(completionsMark.length).split(sectionEnd);
  const { strings, base, numbers } = JSON.parse(head) as Head;
  const keyList = keys.split(separator);
  const resultList = results.split(separator);
  for (let i = 0, task = 0; i < numbers.length; i += numbersPerTask, task++) {
    const startedAt = base + numberAt(numbers, i + 3);
    completed({
      id: numberAt(numbers, i) as TaskId,
      name: strings[numberAt(numbers, i + 1)] ?? truncated(),
      key: keyList[task] ?? truncated(),
      attempt: numberAt(numbers, i + 2),
      startedAt,
      at: startedAt + numberAt(numbers, i + 4),
      result: resultList[task] ?? truncated(),
      wantsResult: numberAt(numbers, i + 5) === 1,
    });
  }
  return keyList.length;
}
