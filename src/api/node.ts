// A node: one piece of work in a run, made by calling a task. Passing a node as an input is the dependency.

import type { RetryPolicy } from "../protocol/messages.ts";
import type { Duration } from "../base/parse-duration.ts";
import type { Retries } from "./retries.ts";
import type { AnyTaskDefinition } from "./task.ts";

declare const output: unique symbol;

/** Stands for the value that a piece of work will yield. Hand it to another task's input. */
export interface Node<out Output> {
  readonly [output]?: Output;
  readonly kind: "task" | "each";
}

/** A value of type T, or a node that will yield one; inside arrays and objects too. */
export type Input<T> = Node<T> | InputValue<T>;

type InputValue<T> = T extends string | number | boolean | null | undefined | void
  ? T
  : T extends readonly unknown[]
    ? { readonly [Index in keyof T]: Input<T[Index]> }
    : T extends object
      ? { readonly [Key in keyof T]: Input<T[Key]> }
      : T;

/** What one call may set differently from its task. */
export type NodeOptions = {
  /** What this node is called on the screen and in the database. Default: the task's name. */
  readonly name?: string;
  /** Nodes that must be done before this one starts, without passing data. */
  readonly after?: readonly Node<unknown>[];
  readonly retries?: Retries;
  readonly timeout?: Duration;
  readonly pool?: string;
  readonly priority?: number;
  readonly optional?: boolean;
};

/** NodeOptions, checked, with only what was set. */
export type NodeSettings = {
  readonly name?: string;
  readonly after?: readonly AnyNode[];
  readonly retries?: RetryPolicy;
  readonly timeoutMs?: number;
  readonly pool?: string;
  readonly priority?: number;
  readonly optional?: boolean;
};

export class TaskNode implements Node<unknown> {
  /** In messages; the executable's own names are shortened. */
  static readonly name = "node (a task is called in `tasks`, not in `run`)";
  readonly kind = "task";
  readonly definition: AnyTaskDefinition;
  readonly input: unknown;
  readonly settings: NodeSettings | undefined;
  /** Set by the engine when the node enters a run; opaque here. */
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

// While a pipeline is being planned, every new node is noted, so that one that nothing reaches can be named
// instead of being skipped in silence. In a task Worker a node would never run: making one is an error.

let noteCreated: (node: AnyNode) => void = () => {};

/** Once: what tells whose plan a node belongs to is the engine's. */
export function onNodeCreated(note: (node: AnyNode) => void): void {
  noteCreated = note;
}

/**
 * Fans out: one piece of work for each item of a list, or of the list that a node will yield (decided as the run
 * goes). Yields the list of results in the items' order.
 */
export function each<Item, Result>(
  source: Node<readonly Item[]> | readonly Item[],
  item: (item: Item, index: number) => Input<Result>,
): Node<Result[]> {
  if (typeof item !== "function") {
    throw new TypeError("each(source, item): item must be a function that returns a node");
  }
  const node: Node<unknown> = new EachNode(
    // The author may fill the list anew for the next call. Its items are theirs: `item` may know them by identity.
    Array.isArray(source) ? [...(source as unknown[])] : source,
    item as (item: unknown, index: number) => unknown,
  );
  return node as Node<Result[]>;
}
