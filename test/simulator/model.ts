// Reference model of a run, written from the documentation: the tasks, their inputs, and which are skipped. It depends
// only on the scenario and on the outcomes of earlier tasks, and uses no code of pipeloom's engine.

import { inputOf, ownInput, resultOf, type TaskInput } from "./paper.ts";
import type { Call, Expr, Fan, Json, Kind, Scenario, Session, Settings } from "./scenario.ts";
import { plannedNodes } from "./script.ts";

export type Status = "queued" | "running" | "done" | "error" | "cancelled" | "skipped";

/** One task of the run. */
export type Instance = {
  readonly path: string;
  readonly kind: number;
  readonly settings: Settings;
  /** Undefined while a dependency has not ended, or if one has failed. */
  readonly input: string | undefined;
  /** The task never runs. */
  readonly isSkipped: boolean;
  /** It depends on a task that runs again with its downstream, and so it does too. */
  readonly isAgain: boolean;
};

/** The value of an expression. `isAgain`: it depends on a task that runs again with its downstream. */
type Value = { readonly isAgain?: boolean } & (
  | /** `isAbsent`: null, because an optional dependency failed. */
    { readonly is: "known"; readonly value: Json; readonly isAbsent?: true }
    /** A dependency failed or was skipped. */
  | { readonly is: "blocked" }
  /** A dependency has not ended. */
  | { readonly is: "open" }
);

/** The task with this path and input: its status, and the version of the code that made its result. */
export type Known = {
  readonly status: Status | undefined;
  readonly version: number;
  /** What depends on it runs again. */
  readonly passesOn: boolean;
};
export type KnownOf = (path: string, kind: number, input: string) => Known | undefined;

const known = (value: Json): Value => ({ is: "known", value });
const absent: Value = { is: "known", value: null, isAbsent: true };
const blocked: Value = { is: "blocked" };
const open: Value = { is: "open" };

export class Model {
  readonly instances = new Map<string, Instance>();
  /** Fan-outs whose source is not a list. They fail the run. */
  readonly badFans: string[] = [];
  readonly #scenario: Scenario;
  readonly #knownOf: KnownOf;
  readonly #top = new Map<number, Value>();
  /** Within the items of a fan-out whose source runs again. */
  #isAgain = false;

  constructor(scenario: Scenario, session: Session, knownOf: KnownOf) {
    this.#scenario = scenario;
    this.#knownOf = knownOf;
    const planned = plannedNodes(scenario, session);
    // A node that only a fan-out's items refer to is part of the run only if there are items.
    for (const root of scenario.roots) if (planned.has(root)) this.#topValue(root);
  }

  #topValue(index: number): Value {
    const evaluated = this.#top.get(index);
    if (evaluated !== undefined) return evaluated;
    const expr = this.#scenario.nodes[index];
    if (expr === undefined) throw new Error(`Internal error: no node ${index}`);
    const outer = this.#isAgain;
    this.#isAgain = false;
    const value = this.#value(expr, `n${index}`, []);
    this.#isAgain = outer;
    this.#top.set(index, value);
    return value;
  }

  #value(expr: Expr, path: string, items: readonly Json[]): Value {
    if ("value" in expr) return known(expr.value);
    if ("item" in expr) return known(items[expr.item] ?? null);
    if ("ref" in expr) return this.#topValue(expr.ref);
    if ("list" in expr) {
      return listOf(expr.list.map((part, i) => this.#value(part, `${path}${i}`, items)));
    }
    if ("task" in expr) return this.#task(expr.task, path, items);
    return this.#each(expr.each, path, items);
  }

  #task(call: Call, path: string, items: readonly Json[]): Value {
    const kind = this.#kind(call.kind);
    const settings = { ...kind.settings, ...call.settings };
    const given = this.#value(call.input, `${path}.`, items);
    const before = (call.after ?? []).map((ref) => this.#value(ref, path, items));
    const all = listOf([given, ...before]);
    const isAgain = this.#isAgain || all.isAgain === true;
    if (all.is !== "known" || given.is !== "known") {
      const isSkipped = all.is === "blocked";
      this.instances.set(path, {
        path,
        kind: call.kind,
        settings,
        input: undefined,
        isSkipped,
        isAgain,
      });
      if (!isSkipped) return { ...open, isAgain };
      return { ...(settings.optional === true ? absent : blocked), isAgain };
    }
    const input = inputOf(kind, path, given.value);
    const text = JSON.stringify(input);
    this.instances.set(path, {
      path,
      kind: call.kind,
      settings,
      input: text,
      isSkipped: false,
      isAgain,
    });
    const found = this.#knownOf(path, call.kind, text);
    return {
      ...this.#outcome(call, ownInput(path, input), settings, found),
      isAgain: isAgain || found?.passesOn === true,
    };
  }

  #outcome(call: Call, input: TaskInput, settings: Settings, found: Known | undefined): Value {
    switch (found?.status) {
      case "done":
        return known(resultOf(this.#kind(call.kind), call.kind, input, found.version));
      case "error":
      case "skipped":
        return settings.optional === true ? absent : blocked;
      case "cancelled":
        return blocked;
      case "queued":
      case "running":
      case undefined:
        return open;
    }
  }

  #kind(index: number): Kind {
    const kind = this.#scenario.kinds[index];
    if (kind === undefined) throw new Error(`Internal error: no kind ${index}`);
    return kind;
  }

  #each({ source, item }: Fan, path: string, items: readonly Json[]): Value {
    const list = this.#value(source, `${path}s`, items);
    // Without a list, the fan-out has the value of its source: null, blocked or open.
    if (list.is !== "known" || list.isAbsent === true) return list;
    const isAgain = list.isAgain === true;
    if (!isList(list.value)) {
      this.badFans.push(path);
      return { ...blocked, isAgain };
    }
    // The items of a fan-out are planned because of its source: they run again with it.
    const outer = this.#isAgain;
    this.#isAgain ||= isAgain;
    const all = listOf(
      list.value.map((each, index) => this.#value(item, `${path}[${index}]`, [each, ...items])),
    );
    this.#isAgain = outer;
    return { ...all, isAgain: isAgain || all.isAgain === true };
  }
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Blocked if any element is blocked, even if others are still open. */
function listOf(values: readonly Value[]): Value {
  const isAgain = values.some((value) => value.isAgain === true);
  if (values.some(({ is }) => is === "blocked")) return { ...blocked, isAgain };
  const list: Json[] = [];
  for (const value of values) {
    if (value.is !== "known") return { ...open, isAgain };
    list.push(value.value);
  }
  return { ...known(list), isAgain };
}
