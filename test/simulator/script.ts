// Builds a pipeline from a scenario: tasks that execute the steps, and the nodes that call them.

import { each, type Node, type NodeOptions } from "../../src/api/node.ts";
import { message, type MessageHandle } from "../../src/api/message.ts";
import { type Pipeline, pipeline } from "../../src/api/pipeline.ts";
import type { RetryOptions } from "../../src/api/retries.ts";
import { registry } from "../../src/api/registry.ts";
import { task } from "../../src/api/task.ts";
import type { TaskContext } from "../../src/api/context.ts";
import { versionsIn } from "./code.ts";
import type { Call, Expr, Fan, Json, Kind, Scenario, Session, Step } from "./scenario.ts";
import {
  inputOf,
  insertedRows,
  insertsOf,
  ownInput,
  resultOf,
  type TaskInput,
  upsertedRows,
} from "./paper.ts";
import type { Stage, Trace } from "./stage.ts";

export const schema = `
  CREATE TABLE IF NOT EXISTS notes (path TEXT, task INTEGER, attempt INTEGER, seg INTEGER, step INTEGER);
  CREATE TABLE IF NOT EXISTS late (path TEXT, task INTEGER, attempt INTEGER, step INTEGER);
  CREATE TABLE IF NOT EXISTS parents (id INTEGER PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS orphans (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED, path TEXT);
  CREATE TABLE IF NOT EXISTS uniq (k TEXT PRIMARY KEY, path TEXT);
`;

/** Left to the tasks where the scenario says so. */
const rowTables = `
  CREATE TABLE IF NOT EXISTS ins (path TEXT, task INTEGER, attempt INTEGER, seg INTEGER, step INTEGER, n INTEGER, text TEXT);
  CREATE TABLE IF NOT EXISTS ups (key TEXT PRIMARY KEY, path TEXT, task INTEGER, a TEXT DEFAULT 'a0', b INTEGER DEFAULT 7, c TEXT);
`;

export const secretName = "PIPELOOM_SIMULATED_SECRET";
export const secret = "correct-horse-battery-staple";

type Note = {
  readonly path: string;
  readonly task: number;
  readonly attempt: number;
  readonly seg: number;
  readonly step: number;
};

const noted = message<Note>("noted", (db, { path, task: id, attempt, seg, step }) => {
  db.run("INSERT INTO notes VALUES (?, ?, ?, ?, ?)", path, id, attempt, seg, step);
});

const undone = message<{ readonly k: string; readonly path: string }>(
  "undone",
  (db, { k, path }) => {
    for (let i = 0; i < 2; i++) db.run("INSERT OR ROLLBACK INTO uniq VALUES (?, ?)", k, path);
  },
);

export const kindName = (kind: number): string => `kind-${kind}`;

/** The exports of this session's pipeline file. */
export function pipelineOf(
  scenario: Scenario,
  session: Session,
  stage: Stage,
): { readonly pipeline: Pipeline; readonly handles: readonly MessageHandle<never>[] } {
  registry.tasks.clear();
  registry.sealed = false;
  const versions = versionsIn(scenario, session);
  const tasks = scenario.kinds.map((kind, index): MakeNode => {
    const made: unknown = task<TaskInput>({
      name: kindName(index),
      run: (input, ctx) => runKind(kind, index, input, ctx, stage, versions[index] ?? 0),
      ...kind.settings,
      ...(kind.settings.retries === undefined || kind.after === undefined
        ? {}
        : { retries: { ...kind.settings.retries, after: afterOf(kind.after) } }),
    });
    return made as MakeNode;
  });
  const builder = new Builder(scenario, tasks, stage);
  const made = pipeline({
    name: "simulated",
    params: { salt: 1 },
    schema: scenario.createsTables === true ? schema : schema + rowTables,
    messages: [noted, undone],
    pools: scenario.pools,
    secrets: [secretName],
    ...(scenario.maxLines === undefined ? {} : { logs: { maxLines: scenario.maxLines } }),
    tasks: () => builder.work(plannedNodes(scenario, session)),
    onTaskFinish: (event) => stage.hooked(event, scenario.hook),
    onFinish: (summary) => stage.finished(summary),
  });
  return { pipeline: made, handles: [noted, undone] };
}

const afterOf =
  (says: NonNullable<Kind["after"]>): NonNullable<RetryOptions["after"]> =>
  () => {
    if (says === "throws") throw new Error("no idea");
    return says === "nothing" ? undefined : (says as number);
  };

// ── nodes ──────────────────────────────────────────────────────────────────────────────────────────────

/** The top-level nodes of this version of the file. A removed node also removes the nodes that refer to it. */
export function plannedNodes(scenario: Scenario, session: Session): ReadonlySet<number> {
  const planned = new Set<number>();
  for (const [index, expr] of scenario.nodes.entries()) {
    const isLeftOut =
      session.leavesOut.includes(index) || refsIn(expr).some((ref) => !planned.has(ref));
    if (!isLeftOut) planned.add(index);
  }
  // A node that is not a root is created only if another node refers to it.
  const needed = new Set<number>();
  const need = (index: number): void => {
    const expr = scenario.nodes[index];
    if (expr === undefined || needed.has(index)) return;
    needed.add(index);
    refsIn(expr).forEach(need);
  };
  for (const root of scenario.roots) if (planned.has(root)) need(root);
  return needed;
}

/** Nodes that are planned at the start. Nodes that only the items of a fan-out refer to are planned later. */
export function knownNodes(scenario: Scenario, session: Session): ReadonlySet<number> {
  const planned = plannedNodes(scenario, session);
  const known = new Set<number>();
  const visit = (index: number): void => {
    const expr = scenario.nodes[index];
    if (expr === undefined || known.has(index)) return;
    known.add(index);
    refsIn(expr, false).forEach(visit);
  };
  for (const root of scenario.roots) if (planned.has(root)) visit(root);
  return known;
}

/** @param withItems include references in the items of fan-outs */
export function refsIn(expr: Expr, withItems = true): number[] {
  const refs = (part: Expr): number[] => refsIn(part, withItems);
  if ("ref" in expr) return [expr.ref];
  if ("list" in expr) return expr.list.flatMap(refs);
  if ("task" in expr) return [expr.task.input, ...(expr.task.after ?? [])].flatMap(refs);
  if ("each" in expr)
    return [expr.each.source, ...(withItems ? [expr.each.item] : [])].flatMap(refs);
  return [];
}

/** Untyped, because the inputs of a scenario are generated. */
type MakeNode = (input: unknown, options?: NodeOptions) => Node<unknown>;
type Tasks = readonly MakeNode[];

class Builder {
  readonly #scenario: Scenario;
  readonly #tasks: Tasks;
  readonly #stage: Stage;
  readonly #top = new Map<number, Node<unknown>>();

  constructor(scenario: Scenario, tasks: Tasks, stage: Stage) {
    this.#scenario = scenario;
    this.#tasks = tasks;
    this.#stage = stage;
  }

  work(planned: ReadonlySet<number>): Iterable<Node<unknown>> | AsyncIterable<Node<unknown>> {
    switch (this.#scenario.form) {
      case "list":
        return [...this.#roots(planned)];
      case "generator":
        return this.#roots(planned);
      case "async-generator":
        return later(this.#roots(planned));
    }
  }

  *#roots(planned: ReadonlySet<number>): Generator<Node<unknown>> {
    for (const [index, expr] of this.#scenario.nodes.entries()) {
      if (!planned.has(index)) continue;
      const node = this.#node(expr, `n${index}`, []);
      this.#top.set(index, node);
      if (this.#scenario.roots.includes(index)) yield node;
    }
  }

  #node(expr: Expr, path: string, items: readonly unknown[]): Node<unknown> {
    if ("task" in expr) return this.#call(expr.task, path, items);
    if ("each" in expr) return this.#each(expr.each, path, items);
    throw new Error("Internal error: a node that is none");
  }

  #call(
    { kind, input, after, settings }: Call,
    path: string,
    items: readonly unknown[],
  ): Node<unknown> {
    const make = this.#tasks[kind];
    const what = this.#scenario.kinds[kind];
    if (make === undefined || what === undefined)
      throw new Error(`Internal error: no kind ${kind}`);
    if (settings !== undefined) this.#stage.settings.set(path, settings);
    const value = inputOf(what, path, this.#value(input, `${path}.`, items) as Json);
    return make(value, {
      name: path,
      ...(this.#scenario.hasLabels === true ? { label: `item ${path} ${secret}` } : {}),
      ...settings,
      ...(after === undefined
        ? {}
        : { after: after.map((ref) => this.#value(ref, path, items) as Node<unknown>) }),
    });
  }

  #each({ source, item }: Fan, path: string, items: readonly unknown[]): Node<unknown> {
    return each(
      this.#value(source, `${path}s`, items) as readonly unknown[],
      (member: unknown, index: number) =>
        this.#value(item, `${path}[${index}]`, [member, ...items]) as Node<unknown>,
    );
  }

  #value(expr: Expr, path: string, items: readonly unknown[]): unknown {
    if ("value" in expr) return expr.value;
    if ("item" in expr) return items[expr.item];
    if ("list" in expr) return expr.list.map((part, i) => this.#value(part, `${path}${i}`, items));
    if ("ref" in expr) {
      const node = this.#top.get(expr.ref);
      if (node === undefined) throw new Error(`Internal error: node ${expr.ref} was not made`);
      return node;
    }
    return this.#node(expr, path, items);
  }
}

async function* later(nodes: Iterable<Node<unknown>>): AsyncGenerator<Node<unknown>> {
  let count = 0;
  for (const node of nodes) {
    if (count++ % 3 === 1) await new Promise<void>((resolve) => setTimeout(resolve, count % 7));
    yield node;
  }
}

// ── what a task does ───────────────────────────────────────────────────────────────────────────────────

/** An error that the scenario asks for. */
export class Planned extends Error {
  override readonly name = "Planned";
}

function runKind(
  kind: Kind,
  index: number,
  input: TaskInput,
  ctx: TaskContext,
  stage: Stage,
  version: number,
): Json | Promise<Json> {
  const trace = stage.begin(index, kind, input, ctx);
  const own = ownInput(trace.path, input);
  if (!kind.isSync) return new Script(kind, index, own, ctx, stage, trace, version).run();
  try {
    for (const step of kind.steps) syncStep(step, ctx, trace, stage);
    return outcome(kind, index, own, ctx, version);
  } finally {
    stage.returned(trace);
  }
}

function outcome(
  kind: Kind,
  index: number,
  input: TaskInput,
  ctx: TaskContext,
  version: number,
): Json {
  if (ctx.attempt <= kind.failUntil) {
    if (kind.failBy === "result") return { deep: [new Date(0)] } as unknown as Json;
    if (kind.failBy === "secret") return { deep: [`with ${secret}`] };
    throw new Planned(`as planned, with ${secret}, in attempt ${ctx.attempt}`);
  }
  return resultOf(kind, index, input, version);
}

function syncStep(step: Step, ctx: TaskContext, trace: Trace, stage: Stage): void {
  if (step.op === "progress") ctx.progress(step.step, step.total, `step ${step.step}`);
  else if (step.op === "log") log(step.text, ctx, trace, stage);
}

function log(text: string, ctx: TaskContext, trace: Trace, stage: Stage): void {
  const said = text === "secret" ? `it is ${secret}` : text;
  ctx.log.info(said);
  stage.logged(trace, said.replaceAll(secret, "***"));
}

export type Cursor = {
  readonly id: string;
  /** Number of steps done. */
  readonly steps: number;
  /** The attempt, and the number of the checkpoint in it. */
  readonly attempt: number;
  readonly number: number;
  /** Version of the code. */
  readonly code: number;
};

/** @param id of the task */
export const stateKey = (id: number): string => `at ${id}`;

class Script {
  readonly #kind: Kind;
  readonly #index: number;
  readonly #input: TaskInput;
  readonly #ctx: TaskContext;
  readonly #stage: Stage;
  readonly #trace: Trace;
  readonly #version: number;
  #seg = 0;
  #checkpoints = 0;
  /** Number of steps done. */
  #steps = 0;
  /** Number of steps before the last awaited checkpoint. */
  #committed = 0;

  constructor(
    kind: Kind,
    index: number,
    input: TaskInput,
    ctx: TaskContext,
    stage: Stage,
    trace: Trace,
    version: number,
  ) {
    this.#version = version;
    this.#kind = kind;
    this.#index = index;
    this.#input = input;
    this.#ctx = ctx;
    this.#stage = stage;
    this.#trace = trace;
  }

  async run(): Promise<Json> {
    const ctx = this.#ctx;
    const cursor = ctx.cursor as Cursor | undefined;
    const begun = cursor?.steps ?? 0;
    this.#committed = begun;
    try {
      if (cursor !== undefined && this.#stage.keepsState) await this.#checkState(cursor);
      for (const [index, step] of this.#kind.steps.entries()) {
        if (index >= begun) await this.#step(step, index);
        if (step.op === "checkpoint") this.#seg++;
        this.#steps++;
      }
      return outcome(this.#kind, this.#index, this.#input, ctx, this.#version);
    } finally {
      this.#stage.returned(this.#trace);
    }
  }

  /** Only attempts that are planned to fail misbehave, so that a later one can succeed. */
  get #misbehaves(): boolean {
    return this.#ctx.attempt <= Math.max(1, this.#kind.failUntil);
  }

  async #step(step: Step, index: number): Promise<void> {
    const ctx = this.#ctx;
    const { id } = this.#input;
    switch (step.op) {
      case "wait":
        return wait(step.ms);
      case "block":
        return this.#stage.block(step.ms);
      case "hang":
        return this.#misbehaves ? this.#hang(step.listens) : undefined;
      case "progress":
      case "log":
        return syncStep(step, ctx, this.#trace, this.#stage);
      case "insert":
        return this.#insert(step, index);
      case "upsert": {
        const rows = upsertedRows(this.#input, ctx.task.id, index, step);
        const options = { key: "key", create: this.#stage.createsTables };
        return this.#sent(ctx.upsert("ups", rows, options), step.isAwaited);
      }
      case "emit": {
        const { attempt, task: own } = ctx;
        const note = { path: id, task: own.id, attempt, seg: this.#seg, step: index };
        return this.#sent(ctx.emit(noted, note), step.isAwaited);
      }
      case "checkpoint": {
        const steps = index + 1;
        if (this.#stage.keepsState) return this.#stateAndCheckpoint(steps, step.isAwaited);
        if (!step.isAwaited) return void ctx.checkpoint(this.#cursorAt(steps));
        await this.#checkpoint(steps);
        this.#committed = steps;
        return;
      }
      case "query":
        return this.#query();
      case "caught":
        await ctx.insert("ins", [{ path: new Map() }]).catch(() => undefined);
        return;
      case "unseen":
        if (this.#misbehaves) void ctx.insert("ins", [{ path: new Map() }]);
        return;
      case "late":
        return this.#late(step.ms, step.what, index);
      case "conflict": {
        if (!this.#misbehaves) return;
        const k = `${id}/${index}`;
        return ctx.insert("uniq", [
          { k, path: id },
          { k, path: id },
        ]);
      }
      case "orphan":
        return this.#misbehaves ? ctx.insert("orphans", [{ parent: -1, path: id }]) : undefined;
      case "rollback":
        return this.#misbehaves ? ctx.emit(undone, { k: `${id}/${index}`, path: id }) : undefined;
      case "flood":
        for (let i = 0; i < step.lines; i++) log(`line ${i}`, ctx, this.#trace, this.#stage);
        return;
      case "crash":
        return this.#misbehaves ? this.#crash() : undefined;
      case "exit":
        if (this.#misbehaves) this.#stage.exit();
    }
  }

  #cursorAt(steps: number): Cursor {
    const { attempt } = this.#ctx;
    return { id: this.#input.id, steps, attempt, number: this.#checkpoints++, code: this.#version };
  }

  /** In one unit. */
  async #stateAndCheckpoint(steps: number, isAwaited: boolean): Promise<void> {
    const cursor = this.#cursorAt(steps);
    void this.#ctx.state.set(this.#stateKey, cursor);
    if (!isAwaited) return void this.#ctx.checkpoint(cursor);
    await this.#checkpoint(steps, cursor);
    this.#committed = steps;
    await this.#checkState(cursor);
  }

  get #stateKey(): string {
    return stateKey(this.#ctx.task.id);
  }

  /** What the task has committed, it reads. */
  async #checkState(cursor: Cursor): Promise<void> {
    const found = await this.#ctx.state.get(this.#stateKey);
    if (Bun.deepEquals(found, cursor) || this.#trace.isGivenUp) return;
    this.#stage.world.fail(
      `${this.#trace.path} reads the state ${JSON.stringify(found)}, and ${JSON.stringify(cursor)} is right`,
    );
  }

  async #checkpoint(steps: number, cursor = this.#cursorAt(steps)): Promise<void> {
    const tell = (isCommitted: boolean): void => {
      this.#trace.checkpoints.push({ cursor: JSON.stringify(cursor), isCommitted });
    };
    try {
      await this.#ctx.checkpoint(cursor);
      tell(true);
    } catch (thrown) {
      tell(false);
      throw thrown;
    }
  }

  async #sent(sending: Promise<void>, isAwaited: boolean): Promise<void> {
    if (isAwaited) await sending;
  }

  #hang(listens: boolean): Promise<void> {
    const { signal } = this.#ctx;
    return new Promise((_, reject) => {
      if (!listens) return;
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop);
    });
  }

  /** Never resolves: only the uncaught error ends the attempt. */
  #crash(): Promise<never> {
    setTimeout(() => {
      this.#stage.returned(this.#trace);
      throw new Planned("crashed as planned");
    }, 1);
    return new Promise(() => undefined);
  }

  async #insert(step: Extract<Step, { op: "insert" }>, index: number): Promise<void> {
    const ctx = this.#ctx;
    const rows = insertedRows(this.#input, ctx.task.id, ctx.attempt, this.#seg, index, step.rows);
    const options = { create: this.#stage.createsTables };
    switch (step.form) {
      case "array":
        break;
      case "iterable":
        return this.#sent(ctx.insert("ins", rows.values(), options), step.isAwaited);
      case "async":
        return this.#sent(ctx.insert("ins", asyncRows(rows), options), step.isAwaited);
    }
    const sending = ctx.insert("ins", rows, options);
    if (step.isReused) {
      for (const row of rows) Object.assign(row, { n: -1, text: "changed after the call" });
      rows.length = 0;
    }
    return this.#sent(sending, step.isAwaited);
  }

  get #isInsMissing(): boolean {
    const sql = "SELECT 1 FROM sqlite_schema WHERE name = 'ins'";
    return this.#stage.createsTables && this.#ctx.query(sql).length === 0;
  }

  /** Counts the rows that the task's checkpoints have committed. */
  #query(): void {
    const { task: own } = this.#ctx;
    const sql = "SELECT COUNT(*) AS rows FROM ins WHERE task = ?";
    const [found] = this.#isInsMissing
      ? [{ rows: 0 }]
      : this.#ctx.query<{ rows: number }>(sql, own.id);
    if (found === undefined) throw new Error("Internal error: a count without a row");
    const least = insertsOf(this.#kind, this.#committed).length;
    const most = insertsOf(this.#kind, this.#steps).length;
    if (this.#trace.isGivenUp) return;
    this.#trace.reads.push({ rows: found.rows, least, most });
  }

  /** Schedules leftover code that runs after the script has returned. */
  #late(ms: number, what: Extract<Step, { op: "late" }>["what"], step: number): void {
    const send = async (): Promise<void> => {
      try {
        if (what !== "insert") await this.#lateCheckpoint();
        // Concurrently, because the attempt may end within a few microtasks.
        await Promise.all([
          what === "checkpoint" || this.#beforeEnd(() => this.#lateRow(step)),
          what === "both" && this.#lateCheckpoint(),
        ]);
      } catch {
        // Expected: the send is refused.
      }
    };
    this.#trace.afterReturn.push(() => void setTimeout(() => void send(), ms));
  }

  /**
   * Catching a rejected unit would let the task continue without it. If one is planned, do not await the checkpoint.
   */
  async #lateCheckpoint(): Promise<void> {
    if (!this.#kind.steps.some(({ op }) => ["conflict", "orphan", "rollback"].includes(op))) {
      return this.#beforeEnd(() => this.#checkpoint(this.#steps));
    }
    void this.#ctx.checkpoint(this.#cursorAt(this.#steps));
  }

  async #beforeEnd(send: () => Promise<void>): Promise<void> {
    const { isOver } = this.#trace;
    await send();
    this.#trace.acceptedLate ||= isOver && !this.#trace.isGivenUp;
  }

  async #lateRow(step: number): Promise<void> {
    const { task: own, attempt } = this.#ctx;
    const { lateRows } = this.#trace;
    try {
      await this.#ctx.insert("late", [{ path: this.#input.id, task: own.id, attempt, step }]);
      lateRows.set(step, "accepted");
    } catch (thrown) {
      lateRows.set(step, "refused");
      throw thrown;
    }
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function* asyncRows<T>(rows: readonly T[]): AsyncGenerator<T> {
  for (const [index, row] of rows.entries()) {
    if (index % 400 === 1) await wait(1);
    yield row;
  }
}
