// `only`: the tasks whose input has certain values, and what they need. The rest of the plan is left out.

import { type AnyNode, EachNode, isNode, type TaskNode } from "../api/node.ts";
import { firstFew } from "../base/first-few.ts";
import { JSON } from "../base/globals.ts";
import { isPlainObject } from "../base/json.ts";
import { dependenciesOf } from "./dependencies.ts";
import { NodeTitles } from "./node-titles.ts";
import { nearest } from "../base/suggest.ts";
import { nothingSelected } from "../protocol/summary.ts";
import { PlanError } from "./plan-error.ts";
import { nodesIn } from "./template.ts";

export type Only = {
  /** By the name of a member of the input: the values as text. The input has one of them. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  /** The task has one of these titles (NodeTitles). Empty: any. */
  readonly titles: readonly string[];
};

/** Values that the error names. */
const maxListed = 10;

/** No task of the plan has the values that `only` asks for. */
export class NothingSelectedError extends PlanError {
  /** Of the failure of a run, where it became known only then. */
  readonly code = nothingSelected;
}

export class Selection {
  readonly #only: Only["members"];
  readonly #titles: NodeTitles;
  readonly #visited = new WeakSet<AnyNode>();
  /** What selected tasks need: all of it is planned, also of a fan-out. */
  readonly #needed = new WeakSet<AnyNode>();
  /** Of the members that `only` names: the values that inputs have. */
  readonly #values = new Map<string, Set<string>>();
  /** Other members of inputs. */
  readonly #members = new Set<string>();
  readonly #showsAllItems: boolean;
  #selected = 0;

  /** @param showsAllItems for a dry run, which has no items of a list that is a result: it shows what each of them would become */
  constructor({ members, titles }: Only, showsAllItems = false) {
    this.#only = members;
    this.#titles = new NodeTitles(titles);
    this.#showsAllItems = showsAllItems;
  }

  /** What is to be planned of these nodes: selected tasks, and fan-outs that may have some. Other values are passed on. */
  pick(nodes: readonly unknown[]): unknown[] {
    const picked: unknown[] = nodes.filter((node) => !isNode(node));
    const fanOuts: EachNode[] = [];
    const stack = nodes.filter(isNode).toReversed();
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (this.#visited.has(node)) continue;
      this.#visited.add(node);
      if (node.kind === "each") fanOuts.push(node);
      else if (this.#isSelected(node)) {
        this.#selected++;
        picked.push(node);
        this.#need(node);
      }
      stack.push(...dependenciesOf(node).toReversed());
    }
    const rest = fanOuts.filter((each) => !this.#needed.has(each));
    return [...picked, ...rest.map((each) => this.#filtered(each))];
  }

  #filtered(each: EachNode): EachNode {
    const { source, item } = each;
    if (this.#showsAllItems && !Array.isArray(source)) return each;
    return new EachNode(source, (value, index) => {
      const expression = item(value, index);
      return expression === undefined ? undefined : this.pick(nodesIn([expression]));
    });
  }

  #need(selected: AnyNode): void {
    const stack: AnyNode[] = [selected];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (this.#needed.has(node)) continue;
      this.#needed.add(node);
      stack.push(...dependenciesOf(node));
    }
  }

  #isSelected(node: TaskNode): boolean {
    if (this.#titles.wanted.length > 0 && !this.#titles.include(node)) return false;
    return this.#only.size === 0 || this.#hasMembers(node);
  }

  #hasMembers({ input }: TaskNode): boolean {
    if (typeof input !== "object" || input === null || !isPlainObject(input)) return false;
    const members = new Map(Object.entries(input).map(([name, value]) => [name, textOf(value)]));
    for (const [name, text] of members) {
      if (text === undefined) continue;
      if (this.#only.has(name)) this.#values.set(name, valuesOf(this.#values, name).add(text));
      else this.#members.add(name);
    }
    for (const [name, wanted] of this.#only) {
      const text = members.get(name);
      if (text === undefined || !wanted.includes(text)) return false;
    }
    return true;
  }

  /**
   * To be called when everything is planned.
   * @param planned how many tasks
   * @returns how many were selected, for the user
   * @throws NothingSelectedError where none was: it names the values that there are
   */
  result(planned: number): string {
    if (this.#selected === 0) throw new NothingSelectedError(`${this.#text}: ${this.#nothing()}`);
    const more = planned - this.#selected;
    const [tasks, they] =
      this.#selected === 1
        ? ["1 task is", "it needs"]
        : [`${this.#selected} tasks are`, "they need"];
    return `${this.#text}: ${tasks} selected${more > 0 ? `, with ${more} that ${they}` : ""}`;
  }

  /** Instead of `result` where not everything is planned. */
  get unknown(): string {
    return `${this.#text}: which items these are is known only during the run, which leaves out the others`;
  }

  get #text(): string {
    const members = Array.from(this.#only, ([name, values]) =>
      values.map((value) => `${name}=${value}`).join(" or "),
    );
    const titles = this.#titles.wanted.map((title) => `"${title}"`).join(" or ");
    return `only ${[...(titles === "" ? [] : [titles]), ...members].join(", ")}`;
  }

  #nothing(): string {
    const { wanted, isFound } = this.#titles;
    if (wanted.length > 0 && !isFound) {
      const { near } = this.#titles;
      return `there is no such task${near === undefined ? "" : `; did you mean "${near}"?`}`;
    }
    for (const name of this.#only.keys()) {
      const values = this.#values.get(name);
      if (values !== undefined) continue;
      const others = [...this.#members].toSorted().join(", ");
      return `no task has "${name}" in its input${others === "" ? "" : `; the inputs have ${others}`}`;
    }
    const there = `there are ${Array.from(this.#values, listed).join("; ")}`;
    const near = this.#near();
    return `no task has this input; ${near === undefined ? there : `did you mean ${near}?`}`;
  }

  /** The one value that was asked for, as it is perhaps meant. */
  #near(): string | undefined {
    const [[name, wanted] = ["", []], ...others] = this.#only;
    const [value, ...more] = wanted;
    if (value === undefined || more.length + others.length > 0) return undefined;
    // Of so short a value, any other is near.
    if (value.length < 3) return undefined;
    const near = nearest(value, [...valuesOf(this.#values, name)]);
    return near === undefined ? undefined : `${name}=${near}`;
  }
}

const valuesOf = (all: ReadonlyMap<string, Set<string>>, name: string): Set<string> =>
  all.get(name) ?? new Set();

function listed([name, values]: readonly [string, ReadonlySet<string>]): string {
  const shown = [...values].toSorted().map((value) => `${name}=${value}`);
  return firstFew(shown, maxListed);
}

/** Undefined for a value that holds others: what it becomes may not be known yet. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const isOne = value === null || (typeof value !== "object" && value !== undefined);
  return isOne ? JSON.stringify(value) : undefined;
}
