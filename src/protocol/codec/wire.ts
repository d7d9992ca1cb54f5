// The two frequent messages as text: assignments on their way to a Worker, and done tasks on their way to the writer.
// What tasks have in common is said once, numbers are one flat list, and the strings that differ stand behind the JSON,
// joined: JSON.parse is slow at short strings, and objects repeat their keys. Pure.

import { JSON } from "../../base/globals.ts";
import type { TaskId } from "../ids.ts";
import type { Assignment } from "../messages.ts";

/** Ends a section; JSON text never has it. */
const sectionEnd = "\0";
/** Between the texts of a section: keys, inputs and results, which are JSON text or hashes, never have it. */
const between = "\u001f";

/** Gives each distinct string a number. */
class Strings {
  readonly list: string[] = [];
  readonly #indexes = new Map<string, number>();
  #last = "";
  #lastIndex = -1;

  /** Most strings are the one before. */
  indexOf(text: string): number {
    if (this.#lastIndex >= 0 && text === this.#last) return this.#lastIndex;
    let index = this.#indexes.get(text);
    if (index === undefined) {
      index = this.list.length;
      this.list.push(text);
      this.#indexes.set(text, index);
    }
    this.#last = text;
    this.#lastIndex = index;
    return index;
  }
}

type Numbers = readonly number[];
const at = (numbers: Numbers, index: number): number => numbers[index] ?? cutShort();

function cutShort(): never {
  throw new Error("Internal error: a text of assignments or of done tasks is cut short");
}

// ── assignments ────────────────────────────────────────────────────────────────────────────────────────

type Extra = Pick<Assignment, "cursor" | "retries" | "timeoutMs">;
type AssignmentHead = {
  readonly strings: readonly string[];
  /** Per task: id, task, name, attempt, wantsResult. */
  readonly numbers: Numbers;
  /** By the task's position; few have any. */
  readonly extras: readonly (readonly [index: number, extra: Extra])[];
};
const assignmentWidth = 5;

export function packAssignments(assignments: readonly Assignment[]): string {
  const strings = new Strings();
  const numbers: number[] = [];
  const extras: [number, Extra][] = [];
  const inputs: string[] = [];
  for (const [index, assignment] of assignments.entries()) {
    const { id, task, name, attempt, wantsResult, cursor, retries, timeoutMs } = assignment;
    numbers.push(id, strings.indexOf(task), strings.indexOf(name), attempt, wantsResult ? 1 : 0);
    inputs.push(assignment.input);
    if (cursor !== undefined || retries !== undefined || timeoutMs !== undefined) {
      extras.push([
        index,
        {
          ...(cursor === undefined ? undefined : { cursor }),
          ...(retries === undefined ? undefined : { retries }),
          ...(timeoutMs === undefined ? undefined : { timeoutMs }),
        },
      ]);
    }
  }
  const head: AssignmentHead = { strings: strings.list, numbers, extras };
  return JSON.stringify(head) + sectionEnd + inputs.join(between);
}

export function unpackAssignments(text: string): Assignment[] {
  const [head = "", inputs = ""] = text.split(sectionEnd);
  const { strings, numbers, extras } = JSON.parse(head) as AssignmentHead;
  const inputList = inputs.split(between);
  const assignments: Assignment[] = [];
  for (let i = 0, task = 0; i < numbers.length; i += assignmentWidth, task++) {
    assignments.push({
      id: at(numbers, i) as TaskId,
      task: strings[at(numbers, i + 1)] ?? cutShort(),
      name: strings[at(numbers, i + 2)] ?? cutShort(),
      attempt: at(numbers, i + 3),
      input: inputList[task] ?? cutShort(),
      wantsResult: at(numbers, i + 4) === 1,
    });
  }
  for (const [index, extra] of extras) {
    const assignment = assignments[index];
    if (assignment !== undefined) assignments[index] = { ...assignment, ...extra };
  }
  return assignments;
}

// ── done tasks ─────────────────────────────────────────────────────────────────────────────────────────

/** A `finished` record of a task that is done and reported nothing on its way. */
export type PlainDone = {
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

/** Tells a post of done tasks from one of records, which begins with a bracket. */
export const doneMark = "!";

type DoneHead = {
  readonly strings: readonly string[];
  readonly base: number;
  /** Per task: id, name, attempt, startedAt - base, at - startedAt, wantsResult. */
  readonly numbers: Numbers;
};
const doneWidth = 6;

/** Gathers done tasks until they are posted. */
export class DonePacker {
  #strings = new Strings();
  #numbers: number[] = [];
  #keys: string[] = [];
  #results: string[] = [];
  #base = 0;

  get size(): number {
    return this.#keys.length;
  }

  add(done: PlainDone): void {
    const { id, name, key, attempt, startedAt, result, wantsResult } = done;
    if (this.#keys.length === 0) this.#base = startedAt;
    this.#numbers.push(
      id,
      this.#strings.indexOf(name),
      attempt,
      startedAt - this.#base,
      done.at - startedAt,
      wantsResult ? 1 : 0,
    );
    this.#keys.push(key);
    this.#results.push(result);
  }

  /** The post; nothing is left afterwards. */
  take(): string {
    const head: DoneHead = {
      strings: this.#strings.list,
      base: this.#base,
      numbers: this.#numbers,
    };
    const text =
      doneMark +
      JSON.stringify(head) +
      sectionEnd +
      this.#keys.join(between) +
      sectionEnd +
      this.#results.join(between);
    this.#strings = new Strings();
    this.#numbers = [];
    this.#keys = [];
    this.#results = [];
    return text;
  }
}

/** Calls `done` for each task, in order; says how many there were. */
export function unpackDone(post: string, done: (task: PlainDone) => void): number {
  const [head = "", keys = "", results = ""] = post.slice(doneMark.length).split(sectionEnd);
  const { strings, base, numbers } = JSON.parse(head) as DoneHead;
  const keyList = keys.split(between);
  const resultList = results.split(between);
  for (let i = 0, task = 0; i < numbers.length; i += doneWidth, task++) {
    const startedAt = base + at(numbers, i + 3);
    done({
      id: at(numbers, i) as TaskId,
      name: strings[at(numbers, i + 1)] ?? cutShort(),
      key: keyList[task] ?? cutShort(),
      attempt: at(numbers, i + 2),
      startedAt,
      at: startedAt + at(numbers, i + 4),
      result: resultList[task] ?? cutShort(),
      wantsResult: at(numbers, i + 5) === 1,
    });
  }
  return keyList.length;
}
