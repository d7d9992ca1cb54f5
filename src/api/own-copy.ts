// A node has the input that its call was given, whatever the author does with the object afterwards: a batch that is
// filled anew for each call is one object, and every node would have its last content.

import { isPlainObject } from "../base/json.ts";
import { isNode } from "./node.ts";

/** Deeper than an input may be: planning refuses what is left as it is. */
const maxDepth = 1000;

/** Copies lists and plain objects. Nodes stay what they are, and what is not JSON is left for planning to refuse. */
export function ownCopy(input: unknown): unknown {
  return typeof input === "object" && input !== null ? copyOf(input, 0, undefined) : input;
}

/** What was copied already: an object that holds itself would never come to an end. */
type Copies = Map<object, object>;

function copyOf(value: object, depth: number, known: Copies | undefined): object {
  if (depth > maxDepth) return value;
  if (Array.isArray(value)) return listCopy(value, depth, known);
  return isNode(value) || !isPlainObject(value) ? value : objectCopy(value, depth, known);
}

// Most inputs hold no further list or object, and then need no map.

function listCopy(list: readonly unknown[], depth: number, known: Copies | undefined): object {
  const copy = list.slice();
  known?.set(list, copy);
  let copies = known;
  for (let i = 0; i < copy.length; i++) {
    const member = copy[i];
    if (typeof member !== "object" || member === null) continue;
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
    if (typeof member !== "object" || member === null || !Object.hasOwn(copy, key)) continue;
    copies ??= new Map<object, object>([[value, copy]]);
    copy[key] = copies.get(member) ?? copyOf(member, depth + 1, copies);
  }
  return copy;
}
