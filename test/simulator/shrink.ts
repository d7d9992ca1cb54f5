// Shrinks a failing scenario: removes parts one by one while the scenario still fails in the same way.

import type { Asks, Call, Expr, Fan, Kind, Scenario, Session } from "./scenario.ts";
import { refsIn } from "./script.ts";
import { simulate } from "./simulate.ts";
import { stillPace } from "./world.ts";

/** Normalizes a finding: findings of the same kind differ only in names and numbers. */
export const kindOfFinding = (finding: string): string =>
  finding
    .slice(0, 200)
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/n\d+[\w.[\]]*/g, "n")
    .replaceAll(/\d+/g, "#")
    .slice(0, 60);

/** @param more whether time is left; called before each attempt */
export function shrink(scenario: Scenario, finding: string, more: () => boolean): Scenario {
  const kind = kindOfFinding(finding);
  const fails = (smaller: Scenario): boolean => {
    const { finding: found } = simulate(smaller);
    return found !== undefined && kindOfFinding(found) === kind;
  };
  let smallest = scenario;
  for (let progressed = true; progressed && more();) {
    progressed = false;
    for (const smaller of smallerThan(smallest)) {
      if (!more()) return smallest;
      if (!fails(smaller)) continue;
      smallest = smaller;
      progressed = true;
      break;
    }
  }
  return smallest;
}

/** Smaller scenarios; those without large parts come first. */
function* smallerThan(scenario: Scenario): Generator<Scenario> {
  yield* fewerNodes(scenario);
  yield* fewerSessions(scenario);
  for (const [at, kind] of scenario.kinds.entries()) {
    for (const smaller of smallerKinds(kind)) {
      yield { ...scenario, kinds: scenario.kinds.with(at, smaller) };
    }
  }
  for (const [at, node] of scenario.nodes.entries()) {
    for (const smaller of smallerNodes(node)) {
      yield { ...scenario, nodes: scenario.nodes.with(at, smaller) };
    }
  }
  for (const part of ["maxLines", "inputs", "hasLabels", "createsTables", "keepsState"] as const)
    if (scenario[part] !== undefined) yield without(scenario, part);
  if (scenario.form !== "list") yield { ...scenario, form: "list" };
  if (JSON.stringify(scenario.pace) !== JSON.stringify(stillPace))
    yield { ...scenario, pace: stillPace };
}

/** Removes half of the nodes, then single nodes, together with the nodes that refer to them. */
function* fewerNodes(scenario: Scenario): Generator<Scenario> {
  const all = [...scenario.nodes.keys()];
  for (
    let size = Math.ceil(all.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < all.length; from += size) {
      const gone = new Set(all.slice(from, from + size));
      const smaller = withoutNodes(scenario, gone);
      if (smaller.nodes.length > 0) yield smaller;
    }
  }
}

function withoutNodes(scenario: Scenario, gone: ReadonlySet<number>): Scenario {
  const places = new Map<number, number>();
  const nodes: Expr[] = [];
  for (const [at, node] of scenario.nodes.entries()) {
    if (gone.has(at) || refsIn(node).some((ref) => !places.has(ref))) continue;
    places.set(at, nodes.length);
    nodes.push(moved(node, places));
  }
  const kept = scenario.roots.flatMap((root) => places.get(root) ?? []);
  const used = new Set(nodes.flatMap((expr) => refsIn(expr)));
  // A node that is no longer referenced must become a root, or pipeloom reports a forgotten task.
  const roots = [...nodes.keys()].filter((at) => kept.includes(at) || !used.has(at));
  const sessions = scenario.sessions.map((session) => ({
    ...session,
    leavesOut: session.leavesOut.flatMap((at) => places.get(at) ?? []),
  }));
  return { ...scenario, nodes, roots, sessions };
}

function moved(expr: Expr, places: ReadonlyMap<number, number>): Expr {
  if ("ref" in expr) return { ref: places.get(expr.ref) ?? 0 };
  if ("list" in expr) return { list: expr.list.map((part) => moved(part, places)) };
  if ("task" in expr) {
    const { input, after, ...rest } = expr.task;
    const calls = after?.map((part) => moved(part, places));
    return {
      task: {
        ...rest,
        input: moved(input, places),
        ...(calls === undefined ? {} : { after: calls }),
      },
    };
  }
  if ("each" in expr) {
    const { source, item } = expr.each;
    return { each: { source: moved(source, places), item: moved(item, places) } };
  }
  return expr;
}

function* fewerSessions(scenario: Scenario): Generator<Scenario> {
  const { sessions } = scenario;
  for (const at of sessions.keys()) {
    if (sessions.length > 1) yield { ...scenario, sessions: sessions.toSpliced(at, 1) };
  }
  for (const [at, session] of sessions.entries()) {
    for (const smaller of smallerSessions(session)) {
      yield { ...scenario, sessions: sessions.with(at, smaller) };
    }
  }
}

function* smallerSessions(session: Session): Generator<Session> {
  for (const at of session.incidents.keys()) {
    yield { ...session, incidents: session.incidents.toSpliced(at, 1) };
  }
  if (session.leavesOut.length > 0) yield { ...session, leavesOut: [] };
  if (session.edits !== undefined) yield without(session, "edits");
  if (session.asks !== undefined) yield* smallerAsks(session, session.asks);
  if (session.failFast) yield { ...session, failFast: false };
  if (session.workers > 1) yield { ...session, workers: 1, concurrency: session.concurrency };
  if (session.concurrency > session.workers) yield { ...session, concurrency: session.workers };
}

function* smallerAsks(session: Session, asks: Asks): Generator<Session> {
  yield without(session, "asks");
  if (asks.downstream) yield { ...session, asks: { ...asks, downstream: false } };
  if (asks.failed && asks.rerun.length > 0) yield { ...session, asks: { ...asks, failed: false } };
  for (const at of asks.rerun.keys()) {
    if (asks.rerun.length > 1 || asks.failed)
      yield { ...session, asks: { ...asks, rerun: asks.rerun.toSpliced(at, 1) } };
  }
}

function* smallerKinds(kind: Kind): Generator<Kind> {
  for (const at of kind.steps.keys()) yield { ...kind, steps: kind.steps.toSpliced(at, 1) };
  for (const [at, step] of kind.steps.entries()) {
    if ("rows" in step && step.rows > 1) {
      yield { ...kind, steps: kind.steps.with(at, { ...step, rows: Math.floor(step.rows / 2) }) };
    }
  }
  for (const name of Object.keys(kind.settings)) {
    yield { ...kind, settings: without(kind.settings, name) };
  }
  if (kind.after !== undefined) yield without(kind, "after");
  if (kind.failUntil > 0) yield { ...kind, failUntil: 0 };
  if (typeof kind.yields === "number" && kind.yields > 1) yield { ...kind, yields: 1 };
}

function* smallerNodes(expr: Expr): Generator<Expr> {
  if ("task" in expr) yield* smallerCalls(expr.task);
  else if ("each" in expr) yield* smallerFans(expr.each);
  else if ("list" in expr) {
    for (const at of expr.list.keys()) yield { list: expr.list.toSpliced(at, 1) };
  }
}

function* smallerCalls(call: Call): Generator<Expr> {
  if (call.after !== undefined) yield { task: without(call, "after") };
  if (call.settings !== undefined) yield { task: without(call, "settings") };
  if (!("value" in call.input)) yield { task: { ...call, input: { value: 0 } } };
  for (const input of smallerNodes(call.input)) yield { task: { ...call, input } };
}

function* smallerFans({ source, item }: Fan): Generator<Expr> {
  if ("value" in source && Array.isArray(source.value) && source.value.length > 1) {
    yield { each: { source: { value: source.value.slice(1) }, item } };
  }
  for (const smaller of smallerNodes(source)) yield { each: { source: smaller, item } };
  for (const smaller of smallerNodes(item)) yield { each: { source, item: smaller } };
}

function without<T extends object>(value: T, name: string): T {
  const copy = { ...value };
  Reflect.deleteProperty(copy, name);
  return copy;
}
