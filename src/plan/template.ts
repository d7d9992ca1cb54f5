// A task's input as JSON text with holes. Each hole is a vertex, and is filled with the vertex's result.

import { JSON } from "../base/globals.ts";
import { type AnyNode, isNode } from "../api/node.ts";
import { isJsonScalar, isPlainObject, notJson, toJsonText } from "../base/json.ts";

/** Text without holes, or pieces of text with vertices between them. */
export type Template<V> = string | readonly (string | V)[];

/**
 * Turns an input into a template, calling `plan` for each node in it.
 * @throws NotJsonError naming the first place that is neither JSON nor a node
 */
export function toTemplate<V extends object>(
  input: unknown,
  root: string,
  plan: (node: AnyNode) => V,
): Template<V> {
  if (!holdsNode(input)) return toJsonText(input, root);
  const pieces: (string | V)[] = [];
  const text = write(input, "", 0, pieces, plan);
  // A path costs more than the text, so it is made for an error only.
  if (text === undefined) throw notJson(input, root, isNode);
  if (text !== "") pieces.push(text);
  return pieces;
}

/** A value that holds itself is deeper than any limit. */
const maxDepth = 1000;

/**
 * Whether there is a node anywhere in a value. Most inputs hold none, and need no pieces. Each object is visited once: an
 * object that holds itself in two places would take exponential time.
 */
export const holdsNode = (value: unknown): boolean =>
  typeof value === "object" && value !== null && (isNode(value) || holdsNodeBelow(value, 0));

function holdsNodeBelow(value: object, depth: number, seen?: Set<object>): boolean {
  let visited = seen;
  for (const key in value) {
    const member: unknown = Reflect.get(value, key);
    if (typeof member !== "object" || member === null || depth > maxDepth) continue;
    if (isNode(member)) return true;
    // Most objects have no other object in them, and need no set.
    visited ??= new Set();
    if (visited.has(member)) continue;
    visited.add(member);
    if (holdsNodeBelow(member, depth + 1, visited)) return true;
  }
  return false;
}

/** The nodes in a value, in order, without duplicates. */
export function nodesIn(value: unknown): AnyNode[] {
  const found: AnyNode[] = [];
  if (typeof value !== "object" || value === null) return found;
  if (isNode(value)) found.push(value);
  else gather(value, found, 0, undefined);
  return found;
}

/** So few nodes are compared one by one. More, or other objects, are kept in a set. */
const few = 8;

function gather(
  value: object,
  found: AnyNode[],
  depth: number,
  seen: Set<object> | undefined,
): Set<object> | undefined {
  let known = seen;
  for (const key in value) {
    const member: unknown = Reflect.get(value, key);
    if (typeof member !== "object" || member === null || depth > maxDepth) continue;
    if (!isNode(member)) {
      known ??= new Set<object>(found).add(value);
      if (known.has(member)) continue;
      known.add(member);
      known = gather(member, found, depth + 1, known);
      continue;
    }
    if (found.length >= few) known ??= new Set<object>(found).add(value);
    if (known === undefined ? found.includes(member) : known.has(member)) continue;
    known?.add(member);
    found.push(member);
  }
  return known;
}

/**
 * Writes a value that holds nodes, without its last text.
 * @param text what follows the last piece so far
 * @returns the last text; undefined where the value is not JSON
 */
function write<V extends object>(
  value: unknown,
  text: string,
  depth: number,
  pieces: (string | V)[],
  plan: (node: AnyNode) => V,
): string | undefined {
  if (typeof value !== "object" || value === null) {
    return isJsonScalar(value) ? text + JSON.stringify(value) : undefined;
  }
  if (isNode(value)) {
    if (text !== "") pieces.push(text);
    pieces.push(plan(value));
    return "";
  }
  if (depth > maxDepth) return undefined;
  if (Array.isArray(value)) return writeList(value, text, depth, pieces, plan);
  return isPlainObject(value) ? writeMembers(value, text, depth, pieces, plan) : undefined;
}

function writeList<V extends object>(
  list: readonly unknown[],
  before: string,
  depth: number,
  pieces: (string | V)[],
  plan: (node: AnyNode) => V,
): string | undefined {
  let text: string | undefined = `${before}[`;
  for (let i = 0; i < list.length; i++) {
    text = write(list[i], i === 0 ? text : `${text},`, depth + 1, pieces, plan);
    if (text === undefined) return undefined;
  }
  return `${text}]`;
}

function writeMembers<V extends object>(
  value: object,
  before: string,
  depth: number,
  pieces: (string | V)[],
  plan: (node: AnyNode) => V,
): string | undefined {
  let text: string | undefined = `${before}{`;
  let isFirst = true;
  for (const key of Object.keys(value)) {
    const member: unknown = Reflect.get(value, key);
    if (member === undefined) continue;
    const name: string = `${text}${isFirst ? "" : ","}${JSON.stringify(key)}:`;
    text = write(member, name, depth + 1, pieces, plan);
    if (text === undefined) return undefined;
    isFirst = false;
  }
  return `${text}}`;
}

/** The text, with `text(vertex)` in every hole. */
export function fill<V extends object>(template: Template<V>, text: (vertex: V) => string): string {
  if (typeof template === "string") return template;
  return template.map((piece) => (typeof piece === "string" ? piece : text(piece))).join("");
}
