// Assignments on their way to a worker, as one text. Pure.

import { JSON } from "../../base/globals.ts";
import type { TaskId } from "../ids.ts";
import type { Assignment } from "../messages.ts";
import {
  numberAt,
  separator,
  StringTable,
  truncated,
  wantsResultAt,
  wantsResultCode,
} from "./packed-text.ts";
import { addPosition, noPositions, positionAt } from "./packed-positions.ts";

type Extra = Pick<
  Assignment,
  "label" | "needs" | "cursor" | "retries" | "timeoutMs" | "readyAt" | "isBare"
>;
type Head = {
  readonly strings: readonly string[];
  /** Per task: id, task, name, attempt, wantsResult. */
  readonly numbers: readonly number[];
  /** By the task's index in the list; few tasks have any. */
  readonly extras: readonly (readonly [index: number, extra: Extra])[];
  /** See packed-positions.ts; null where each is the id. */
  readonly positions: readonly number[] | null;
};
const numbersPerTask = 5;

export function packAssignments(assignments: readonly Assignment[]): string {
  const strings = new StringTable();
  const numbers: number[] = [];
  const extras: [number, Extra][] = [];
  let positions: number[] | null = null;
  /** The first one is for the head. */
  const pieces = [""];
  for (const [index, assignment] of assignments.entries()) {
    const { id, task, name, attempt, wantsResult } = assignment;
    numbers.push(
      id,
      strings.indexOf(task),
      strings.indexOf(name),
      attempt,
      wantsResultCode(wantsResult),
    );
    pieces.push(assignment.input);
    if (assignment.position !== undefined) positions ??= noPositions(index);
    if (positions !== null) addPosition(positions, assignment.position);
    const extra = extraOf(assignment);
    if (extra !== undefined) extras.push([index, extra]);
  }
  const head: Head = { strings: strings.list, numbers, extras, positions };
  pieces[0] = JSON.stringify(head);
  return pieces.join(separator);
}

/** Undefined for most tasks. */
function extraOf({
  label,
  needs,
  cursor,
  retries,
  timeoutMs,
  readyAt,
  isBare,
}: Assignment): Extra | undefined {
  if (
    cursor === undefined &&
    retries === undefined &&
    timeoutMs === undefined &&
    readyAt === undefined &&
    isBare === undefined &&
    label === undefined &&
    needs === undefined
  ) {
    return undefined;
  }
  return {
    ...(label === undefined ? undefined : { label }),
    ...(needs === undefined ? undefined : { needs }),
    ...(cursor === undefined ? undefined : { cursor }),
    ...(retries === undefined ? undefined : { retries }),
    ...(timeoutMs === undefined ? undefined : { timeoutMs }),
    ...(readyAt === undefined ? undefined : { readyAt }),
    ...(isBare === undefined ? undefined : { isBare }),
  };
}

export function unpackAssignments(text: string): Assignment[] {
  const [head = "", ...inputs] = text.split(separator);
  const { strings, numbers, extras, positions } = JSON.parse(head) as Head;
  const assignments: Assignment[] = [];
  for (let i = 0, task = 0; i < numbers.length; i += numbersPerTask, task++) {
    assignments.push({
      id: numberAt(numbers, i) as TaskId,
      task: strings[numberAt(numbers, i + 1)] ?? truncated(),
      name: strings[numberAt(numbers, i + 2)] ?? truncated(),
      attempt: numberAt(numbers, i + 3),
      input: inputs[task] ?? truncated(),
      wantsResult: wantsResultAt(numbers, i + 4),
      position: positionAt(positions, task),
    });
  }
  for (const [index, extra] of extras) {
    assignments[index] = { ...(assignments[index] ?? truncated()), ...extra };
  }
  return assignments;
}
