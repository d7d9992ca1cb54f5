// Nodes: one piece of work in a run each, created by calling a task. Passing a node as an input makes the dependency.

import type { RetryPolicy } from "../protocol/messages.ts";
import type { TagSet } from "../protocol/tags.ts";
import type { Duration } from "../base/parse-duration.ts";
import type { NotJson, NotJsonText } from "./json-value.ts";
import type { Retries } from "./retries.ts";
import type { AnyTaskDefinition } from "./task-definition.ts";

declare const output: unique symbol;

/** The future result of a task. Pass it as (a part of) another task's input. */
export interface Node<out Output> {
  readonly [output]?: Output;
  readonly kind: "task" | "each";
}

/** A value of type T, or a node that will yield one. Arrays and objects may hold nodes too. */
export type Input<T> = Node<T> | InputValue<T>;

type InputValue<T> = T extends string | number | boolean | null | undefined | void
  ? T
  : T extends NotJson
    ? NotJsonText<T>
    : T extends readonly unknown[]
      ? { readonly [Index in keyof T]: Member<T[Index]> }
      : T extends object
        ? { readonly [Key in keyof T]: Member<T[Key]> }
        : T;

/** Without the node of what is not JSON: no task yields one, and the text is then the whole message. */
type Member<T> = 0 extends 1 & T ? Input<T> : [T] extends [NotJson] ? NotJsonText<T> : Input<T>;

/** Settings of one call. They override those of the task. */
export type NodeOptions = {
  /** The node's name on the screen and in the database. Default: the task's name. */
  readonly name?: string;
  /** What tells the node from others of its name. Default: the `label` of its task, or none where the node has a `name`. */
  readonly label?: string;
  /** Nodes that must be done before this one starts, without a data dependency. */
  readonly after?: readonly Node<unknown>[];
  readonly retries?: Retries;
  readonly timeout?: Duration;
  readonly pool?: string;
  readonly priority?: number;
  readonly on?: string | readonly string[];
  readonly optional?: boolean;
};

/** NodeOptions, checked; only those that were set. */
export type NodeSettings = {
  readonly name?: string;
  readonly label?: string;
  readonly after?: readonly AnyNode[];
  readonly retries?: RetryPolicy;
  readonly timeoutMs?: number;
  readonly pool?: string;
  readonly priority?: number;
  readonly on?: TagSet;
  readonly optional?: boolean;
};

export class TaskNode implements Node<unknown> {
  /** Appears in messages. Set by hand, since the names of classes are minified. */
  static readonly name = "node (a task is called in `tasks`, not in `run`)";
  readonly kind = "task";
  readonly definition: AnyTaskDefinition;
  readonly input: unknown;
  readonly settings: NodeSettings | undefined;
  /** See plan/positions.ts. 0 until the planner sets it. */
  position = 0;
  /** The node's vertex, set by the planner. */
  planned: object | undefined = undefined;

  constructor(definition: AnyTaskDefinition, input: unknown, settings: NodeSettings | undefined) {
    this.definition = definition;
    this.input = input;
    this.settings = settings;
    noteCreated(this);
  }
}

export class EachNode implements Node<unknown[]> {
  static readonly name = "node of `each`";
  readonly kind = "each";
  readonly source: unknown;
  readonly item: (item: unknown, index: number) => unknown;
  position = 0;
  planned: object | undefined = undefined;

  constructor(source: unknown, item: (item: unknown, index: number) => unknown) {
    this.source = source;
    this.item = item;
    noteCreated(this);
  }
}

export type AnyNode = TaskNode | EachNode;

export const isNode = (value: unknown): value is AnyNode =>
  value instanceof TaskNode || value instanceof EachNode;

export const nodeName = (node: AnyNode): string =>
  node.kind === "each" ? "each" : (node.settings?.name ?? node.definition.name);

// The planner is notified of every new node, so that a node which nothing reaches is an error and not skipped in silence.

let noteCreated: (node: AnyNode) => void = () => {};

/** To be called once in a process. */
export function onNodeCreated(note: (node: AnyNode) => void): void {
  noteCreated = note;
}

/**
 * Fans out: creates one piece of work per item of a list.
 * @param source a list, or a node that will yield one; then the items are known only while the run goes on
 * @param item returns the node of one item: or a value, or an object or array that holds nodes
 * @returns a node that yields the list of results, in the order of the items
 * @throws TypeError when `item` is not a function
 */
export function each<Item, Result>(
  source: Node<readonly Item[]> | readonly Item[],
  item: (item: Item, index: number) => Input<Result>,
): Node<Result[]> {
  if (typeof item !== "function") {
    throw new TypeError("each(source, item): item must be a function that returns a node");
  }
  const node: Node<unknown> = new EachNode(
    // The author may reuse the array for the next call. The items are not copied: `item` may compare them by identity.
    Array.isArray(source) ? [...(source as unknown[])] : source,
    item as (item: unknown, index: number) => unknown,
  );
  return node as Node<Result[]>;
}
