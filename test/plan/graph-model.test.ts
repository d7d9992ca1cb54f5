// The graph against a model that computes the value of each expression from the expression alone.

import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { type AnyNode, EachNode, TaskNode } from "../../src/api/node.ts";
import { assertNever } from "../../src/base/unreachable.ts";
import type { TaskVertex, Vertex } from "../../src/plan/vertex.ts";
import { failed, Hand } from "../support/graph-hand.ts";
import { fan, node } from "../support/nodes.ts";

/** A piece of work as data. A `shared` one is created once, and passed on wherever it is named. */
type Expression =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "item" }
  | { readonly kind: "shared"; readonly index: number }
  | {
      readonly kind: "task";
      readonly fails: boolean;
      readonly optional: boolean;
      readonly inputs: readonly Expression[];
      readonly after: readonly Expression[];
    }
  | {
      readonly kind: "each";
      /** A list as it stands, or one that a task yields. */
      readonly length: number;
      readonly byTask: boolean;
      readonly item: Expression;
    };

const { expression } = fc.letrec<{ expression: Expression; task: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("value" as const), value: fc.nat(9) }),
    fc.constant({ kind: "item" as const }),
    fc.record({ kind: fc.constant("shared" as const), index: fc.nat(2) }),
    tie("task"),
    fc.record({
      kind: fc.constant("each" as const),
      length: fc.nat(3),
      byTask: fc.boolean(),
      item: tie("expression"),
    }),
  ),
  task: fc.record({
    kind: fc.constant("task" as const),
    fails: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    optional: fc.boolean(),
    inputs: fc.array(tie("expression"), { maxLength: 3 }),
    after: fc.array(tie("task"), { maxLength: 1 }),
  }),
}));

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false };
type Scope = { readonly shared: readonly Outcome[]; readonly item: number };

/** The outcome of an expression. A task yields its inputs. */
function model(of: Expression, scope: Scope): Outcome {
  switch (of.kind) {
    case "value":
      return { ok: true, value: of.value };
    case "item":
      return { ok: true, value: scope.item };
    case "shared":
      return scope.shared[of.index] ?? { ok: true, value: null };
    case "task": {
      const inputs = of.inputs.map((input) => model(input, scope));
      const before = of.after.map((input) => model(input, scope));
      const runs = [...inputs, ...before].every(({ ok }) => ok);
      if (runs && !of.fails) {
        return { ok: true, value: inputs.map((input) => (input.ok ? input.value : null)) };
      }
      return of.optional ? { ok: true, value: null } : { ok: false };
    }
    case "each": {
      const items = Array.from({ length: of.length }, (_, item) =>
        model(of.item, { ...scope, item }),
      );
      return items.every(({ ok }) => ok)
        ? { ok: true, value: items.map((item) => (item.ok ? item.value : null)) }
        : { ok: false };
    }
    default:
      return assertNever(of);
  }
}

/** The nodes of an expression. */
function nodeOf(of: Expression, shared: readonly unknown[], item: number): unknown {
  switch (of.kind) {
    case "value":
      return of.value;
    case "item":
      return item;
    case "shared":
      return shared[of.index] ?? null;
    case "task":
      return node(
        of.fails ? "fails" : "echo",
        of.inputs.map((input) => nodeOf(input, shared, item)),
        {
          optional: of.optional,
          after: of.after.map((before) => nodeOf(before, shared, item) as AnyNode),
        },
      );
    case "each": {
      const list = Array.from({ length: of.length }, (_, i) => i);
      return fan(of.byTask ? node("echo", list) : list, (each) =>
        nodeOf(of.item, shared, Number(each)),
      );
    }
    default:
      return assertNever(of);
  }
}

const vertexOf = (of: unknown): Vertex | undefined =>
  of instanceof TaskNode || of instanceof EachNode ? (of.planned as Vertex | undefined) : undefined;

const finalOf = ({ state, optional }: Vertex): Outcome =>
  state.status === "done"
    ? { ok: true, value: JSON.parse(state.result ?? "null") }
    : state.status !== "open" && optional
      ? { ok: true, value: null }
      : { ok: false };

test("property: whatever the order, each piece of work has the outcome of the model", () => {
  fc.assert(
    fc.property(
      fc.array(expression, { maxLength: 3 }),
      fc.array(expression, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat(1_000_000)),
      (sharedExpressions, roots, draws) => {
        const draw = (below: number): number => (draws.next().value ?? 0) % below;
        // Shared ones first, in order: each may pass on those before it.
        const sharedNodes: unknown[] = [];
        const sharedOutcomes: Outcome[] = [];
        for (const of of sharedExpressions) {
          const scope = { shared: [...sharedOutcomes], item: -1 };
          sharedNodes.push(nodeOf(of, [...sharedNodes], -1));
          sharedOutcomes.push(model(of, scope));
        }
        const hand = new Hand();
        const wanted = roots.map((of) => {
          const root = node("echo", [nodeOf(of, sharedNodes, -1)]);
          const inner = model(of, { shared: sharedOutcomes, item: -1 });
          return { root, outcome: inner.ok ? { ok: true, value: [inner.value] } : inner };
        });
        hand.graph.addAll(
          [
            ...wanted.map(({ root }) => root),
            // Reads them all, or their results would not be kept.
            node(
              "reader",
              wanted.map(({ root }) => root),
            ),
          ],
          () => draw(2) === 0,
        );
        const handedOut = new Set<TaskVertex>();
        /** With what each task makes of its input. */
        const running: { readonly vertex: TaskVertex; readonly input: unknown }[] = [];
        const isBusy = (): boolean =>
          hand.ready.length > 0 || running.length > 0 || hand.graph.canUnfold;
        const handOut = (): void => {
          const [vertex] = hand.ready.splice(draw(hand.ready.length), 1);
          if (vertex === undefined) return;
          expect(handedOut.has(vertex)).toBe(false);
          handedOut.add(vertex);
          running.push({ vertex, input: hand.input(vertex) });
        };
        const end = (): void => {
          const [ended] = running.splice(draw(running.length), 1);
          if (ended === undefined) return;
          const { vertex, input } = ended;
          // As the writer does: a result that nobody needs does not come back.
          const result = vertex.wantsResult !== "no" ? JSON.stringify(input) : undefined;
          hand.graph.finish(
            vertex,
            vertex.definition.name === "fails" ? failed : { status: "done", result },
          );
        };
        const moves = [handOut, end, () => hand.graph.unfold()];
        while (isBusy()) moves[draw(moves.length)]?.();
        expect(hand.graph.isFinished).toBe(true);
        expect(hand.graph.live).toBe(0);
        expect(hand.graph.isCountable).toBe(true);
        expect(hand.graph.tasks).toBe(handedOut.size + hand.skipped.length);
        for (const { why } of hand.skipped) expect(why).toMatch(/because task "fails" did not/);
        for (const { root, outcome } of wanted) {
          const vertex = vertexOf(root);
          expect(vertex === undefined ? undefined : finalOf(vertex)).toEqual(outcome);
        }
      },
    ),
    { numRuns: 500 },
  );
});
