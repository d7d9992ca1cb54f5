// A task's input as JSON text with holes. Each hole is a vertex, and is filled with the vertex's result.

import { JSON } from "../base/globals.ts";
import { type AnyNode, isNode } from "../api/node.ts";
import { assertJson, isPlainObject, memberPath, NotJsonError } from "../base/json.ts";

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
  if (input === undefined || input === null) return "null";
  if (!holdsNode(input)) {
    assertJson(input, root);
    return JSON.stringify(input);
  }
  const pieces: (string | V)[] = [];
  write(input, root, 0, pieces, plan);
  return merge(pieces);
}

/** A value that holds itself is deeper than any limit. */
const maxDepth = 1000;

/**
 * Whether there is a node anywhere in a value. Most inputs hold none, and need no pieces. Each object is visited once: an
 * object that holds itself in two places would take exponential time.
 */
export const holdsNode = (value: unknown): boolean =>
  typeof value === "object" && value !== null && holdsNodeBelow(value, 0);

function holdsNodeBelow(value: object, depth: number, seen?: Set<object>): boolean {
  if (isNode(value)) return true;
  let visited = seen;
  for (const key in value) {
    const member: unknown = Reflect.get(value, key);
    if (typeof member !== "object" || member === null || depth > maxDepth) continue;
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
  if (typeof value === "object" && value !== null) gather(value, found, 0, new Set([value]));
  return found;
}

function gather(value: object, found: AnyNode[], depth: number, seen: Set<object>): void {
  if (isNode(value)) {
    found.push(value);
    return;
  }
  for (const member of Object.values(value) as unknown[]) {
    if (typeof member !== "object" || member === null || depth > maxDepth || seen.has(member)) {
      continue;
    }
    seen.add(member);
    gather(member, found, depth + 1, seen);
  }
}

function write<V extends object>(
  value: unknown,
  path: string,
  depth: number,
  pieces: (string | V)[],
  plan: (node: AnyNode) => V,
): void {
  if (depth > maxDepth) throw new NotJsonError(path, "a value that holds itself");
  if (isNode(value)) {
    pieces.push(plan(value));
  } else if (Array.isArray(value)) {
    pieces.push("[");
    for (let i = 0; i < value.length; i++) {
      if (i > 0) pieces.push(",");
      write(value[i], `${path}[${i}]`, depth + 1, pieces, plan);
    }
    pieces.push("]");
  } else if (typeof value === "object" && value !== null && isPlainObject(value)) {
    writeMembers(value, path, depth, pieces, plan);
  } else {
    assertJson(value, path);
    pieces.push(JSON.stringify(value));
  }
}

function writeMembers<V extends object>(
  value: object,
  path: string,
  depth: number,
  pieces: (string | V)[],
  plan: (node: AnyNode) => V,
): void {
  let first = true;
  pieces.push("{");
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    pieces.push(`${first ? "" : ","}${JSON.stringify(key)}:`);
    write(member, memberPath(path, key), depth + 1, pieces, plan);
    first = false;
  }
  pieces.push("}");
}

/** Joins adjacent pieces of text. */
function merge<V extends object>(pieces: readonly (string | V)[]): Template<V> {
  const merged: (string | V)[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (typeof piece === "string" && typeof last === "string")
      merged[merged.length - 1] = last + piece;
    else merged.push(piece);
  }
  return merged;
}

/** The text, with `text(vertex)` in every hole. */
export function fill<V extends object>(template: Template<V>, text: (vertex: V) => string): string {
  if (typeof template === "string") return template;
  return template.map((piece) => (typeof piece === "string" ? piece : text(piece))).join("");
}
