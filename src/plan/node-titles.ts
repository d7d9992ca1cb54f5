// Tasks of a plan, by the titles that the screen shows of them: `load day=2026-11-03`, `day=2026-11-03`, an author's label.

import type { TaskNode } from "../api/node.ts";
import { JSON } from "../base/globals.ts";
import { isPlainObject } from "../base/json.ts";
import { nearest } from "../base/suggest.ts";
import { visible } from "../base/text.ts";
import { hasTitle, type Item, labelOf, ownLabel, titleOf } from "../protocol/label.ts";
import { inputNodes } from "./dependencies.ts";

/** Titles that a name without a task is compared with. */
const maxSeen = 2_000;

export class NodeTitles {
  readonly wanted: readonly string[];
  readonly #seen = new Set<string>();
  /** One of the titles means a task. */
  isFound = false;

  constructor(wanted: readonly string[]) {
    this.wanted = wanted;
  }

  /** Whether one of the titles means the task. */
  include(node: TaskNode): boolean {
    const { definition, settings } = node;
    const names = new Set([settings?.name ?? definition.name, definition.name]);
    const hasNodes = inputNodes(node).length > 0;
    const item = hasNodes ? undefined : itemOf(node);
    const known = item ?? { input: JSON.stringify(Object.fromEntries(scalarsOf(node))) };
    for (const name of names) this.#see(name, known);
    const isMeant = this.wanted.some((text) =>
      [...names].some((name) => {
        if (text === name) return true;
        if (item === undefined) return isSameSoFar(text, name, node);
        return hasTitle(text, { name, label: labelOf(item) ?? null });
      }),
    );
    this.isFound ||= isMeant;
    return isMeant;
  }

  #see(name: string, item: Item): void {
    if (this.#seen.size >= maxSeen) return;
    this.#seen.add(visible(name));
    const label = labelOf(item);
    if (label === undefined) return;
    this.#seen.add(visible(titleOf(name, label)));
    this.#seen.add(visible(label));
  }

  /** Of the first title: what it could have meant; undefined where nothing is near. */
  get near(): string | undefined {
    return nearest(this.wanted[0] ?? "", [...this.#seen]);
  }
}

function itemOf({ definition, settings, input }: TaskNode): Item {
  if (settings?.label !== undefined) return { label: ownLabel(settings.label) };
  if (settings?.name !== undefined) return { label: "" };
  const text = JSON.stringify(input) ?? "null";
  const label = ownLabelOf(definition, text);
  return label === undefined ? { input: text } : { label };
}

/** The worker calls it too, and says what is wrong with it. */
function ownLabelOf({ label }: TaskNode["definition"], input: string): string | undefined {
  try {
    const made: unknown = label?.(JSON.parse(input) as never);
    return typeof made === "string" ? ownLabel(made) : undefined;
  } catch {
    return undefined;
  }
}

/** The input has results of other tasks, which are not known yet: what is known of it is as the title says. */
function isSameSoFar(text: string, name: string, node: TaskNode): boolean {
  const isTitle = text.startsWith(`${name} `);
  const label = isTitle ? text.slice(name.length + 1) : text;
  const told = new Map(
    label.split(" ").flatMap((word) => {
      const [, member, value] = /^([^=]+)=([^]*)$/.exec(word) ?? [];
      return member === undefined || value === undefined ? [] : [[member, value] as const];
    }),
  );
  // Another name before it.
  if (!isTitle && label.split(" ").some((word) => !word.includes("="))) return false;
  const known = scalarsOf(node);
  const equal = known.filter(([member, value]) => told.get(member) === String(value));
  return equal.length > 0 && equal.length === known.length;
}

/** Members of the input that are known before the run. Of an input that is no object: none. */
function scalarsOf({ input }: TaskNode): (readonly [name: string, value: unknown])[] {
  if (typeof input !== "object" || input === null || !isPlainObject(input)) return [];
  return Object.entries(input).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value),
  );
}
