// What is wrong with the author's `tasks`.

import { shownValue } from "../base/describe-value.ts";
import { JSON } from "../base/globals.ts";
import { NotJsonError } from "../base/json.ts";

/** A mistake of the pipeline's author. The message names what is wrong, and where. */
export class PlanError extends Error {
  override readonly name = "PlanError";
}

/** Runs `make`, and names `what` in the error where a value is not JSON. */
export function asPlanError<Result>(what: string, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    throw new PlanError(`${what}: ${error.explain("inputs")}`);
  }
}

export const unknownPool = (task: string, pool: string): string =>
  `task "${task}" names the pool "${pool}", which the pipeline does not declare; add it, e.g. pools: { ${/^\w+$/.test(pool) ? pool : JSON.stringify(pool)}: 4 }`;

export const nothingReturned = (index: number): string =>
  `each: item ${index}: the function returned nothing; return the task that it calls, or null where there is none`;

export function notANode(value: unknown): string {
  return `\`tasks\` must yield nodes (created by calling a task), not ${whatIs(value)}`;
}

function whatIs(value: unknown): string {
  if (typeof value === "function" && "taskName" in value) {
    return `the task "${String(value.taskName)}" itself; call it to make a node`;
  }
  if (typeof value !== "object" || value === null) return shownValue(value);
  return Array.isArray(value) ? "a list" : `an object with ${membersOf(value)}`;
}

const maxMembers = 5;

function membersOf(value: object): string {
  const names = Object.keys(value);
  if (names.length === 0) return "no members";
  const more = names.length > maxMembers ? ", …" : "";
  return names.slice(0, maxMembers).join(", ") + more;
}

export const tooManyTags = (task: string, on: string, most: number): string =>
  `task "${task}" is the first with on: ${JSON.stringify(on)}, and the tasks of a run may ask for ${most} different sets of tags: each has a queue of its own; use \`on\` for what a kind of machine has`;
