// Copies a call's input, so that the author may change the object afterwards. Without the copy, one array that is refilled
// for each call would give every node the content of the last call.

import { isPlainObject } from "../base/json.ts";
import { isNode } from "./node.ts";

/** Deeper than an input may be. Deeper levels are not copied; the planner refuses such an input. */
const maxDepth = 1000;

/** Copies arrays and plain objects. Nodes are kept as they are, and so are values that are not JSON: the planner refuses them. */
export function ownCopy(input: unknown): unknown {
  return typeof input === "object" && input !== null ? copyOf(input, 0, undefined) : input;
}

/** From original to copy, because an object may hold itself. */
type Copies = Map<object, object>;

function copyOf(value: object, depth: number, known: Copies | undefined): object {
  if (depth > maxDepth) return value;
  if (Array.isArray(value)) return listCopy(value, depth, known);
  return isNode(value) || !isPlainObject(value) ? value : objectCopy(value, depth, known);
}

// The map is created for the first nested array or object only: most inputs have none.

function listCopy(list: readonly unknown[], depth: number, known: Copies | undefined): object {
  const copy = list.slice();
  known?.set(list, copy);
  let copies = known;
  for (let i = 0; i < copy.length; i++) {
    const member = copy[i];
    if (typeof member !== "object" || member === null || isNode(member)) continue;
    copies ??= new Map([[list, copy]]);
    copy[i] = copies.get(member) ?? copyOf(member, depth + 1, copies);
  }
  return copy;
}

function objectCopy(value: object, depth: number, known: Copies | undefined): object {
  const copy: Record<string, unknown> = { ...value };
  known?.set(value, copy);
  let copies = known;
  for (const key in copy) {
    const member = copy[key];
    if (typeof member !== "object" || member === null || isNode(member)) continue;
    if (!Object.hasOwn(copy, key)) continue;
    copies ??= new Map<object, object>([[value, copy]]);
    copy[key] = copies.get(member) ?? copyOf(member, depth + 1, copies);
  }
  return copy;
}
