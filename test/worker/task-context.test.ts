// The `ctx` of an attempt: calls after its end, and arguments of the wrong type.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { TaskContext } from "../../src/api/context.ts";
import { unitItemMark } from "../../src/protocol/writer-records.ts";
import { newRig } from "../support/rig.ts";
import { AttemptRig, refusal, turn } from "./attempt-rig.ts";

setDefaultTimeout(60_000);

test("its functions work without `this`", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const apart = task({
      name: "apart",
      async run({ n }: { n: number }, { progress, log, upsert, insert, emit, checkpoint, cursor, query, signal, attempt, run, task, params, env }) {
        progress(1, 2, "half");
        log.info("a line", { n });
        await upsert("t", [{ id: n, v: "up" }], { key: "id" });
        await insert("t", [{ id: n + 1, v: String(cursor) }]);
        await checkpoint({ at: n });
        await emit(note, "noted");
        await checkpoint();
        const rows = query("SELECT count(*) AS n FROM t");
        return { aborted: signal.aborted, attempt, pipeline: run.pipeline, task: task.name, limit: params.limit, path: typeof env.PATH, rows };
      },
    });
    const note = message("note", (db, text: string) => void db.run("INSERT INTO t VALUES (100, ?)", text));
    export default pipeline({
      name: "p",
      params: { limit: 3 },
      messages: [note],
      schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
      tasks: () => apart({ n: 1 }),
    });
  `);
  expect(await rig.run(file)).toMatchObject({ status: "done" });
  expect(rig.rows("SELECT * FROM t ORDER BY id")).toEqual([
    { id: 1, v: "up" },
    { id: 2, v: "undefined" },
    { id: 100, v: "noted" },
  ]);
  const [row] = rig.rows("SELECT result, cursor, progress FROM task_runs");
  expect(JSON.parse(String(row?.["result"]))).toEqual({
    aborted: false,
    attempt: 1,
    pipeline: "p",
    task: "apart",
    limit: 3,
    path: "string",
    rows: [{ n: 3 }],
  });
  expect(rig.rows("SELECT level, line FROM task_logs")).toEqual([
    { level: "info", line: "a line { n: 1 }" },
  ]);
});

describe("after its end", () => {
  const calls: readonly [name: string, call: (ctx: TaskContext) => unknown][] = [
    ["ctx.insert", (ctx) => ctx.insert("t", [{ a: 1 }])],
    ["ctx.upsert", (ctx) => ctx.upsert("t", [{ a: 1 }], { key: "a" })],
    ["ctx.emit", (ctx) => ctx.emit({ name: "m", apply: () => undefined }, 1)],
    ["ctx.checkpoint", (ctx) => ctx.checkpoint(1)],
    ["ctx.query", (ctx) => ctx.query("SELECT 1")],
  ];

  test.each(calls)("%s is refused, and reported once", async (name, call) => {
    const thread = new AttemptRig();
    let kept: TaskContext | undefined;
    await thread.start((_, ctx) => void (kept = ctx)).end;
    if (kept === undefined) throw new Error("the task has not run");
    const ctx = kept;
    for (let i = 0; i < 2; i++) {
      expect(await refusal(() => call(ctx))).toBe(
        `TaskEndedError: the task has ended (attempt 1: done): ${name} does nothing any more; await what you send`,
      );
    }
    await turn();
    expect(thread.lines).toEqual([
      `error after the task had ended (attempt 1: done), it called ${name}: this call and later ones do nothing and store no rows; await what the task starts`,
    ]);
    expect(thread.posts.some((post) => post.startsWith(unitItemMark))).toBe(false);
  });

  test("progress is reported as late, and log lines are marked", async () => {
    const thread = new AttemptRig();
    let kept: TaskContext | undefined;
    await thread.start((_, ctx) => void (kept = ctx)).end;
    kept?.progress(1, 2);
    kept?.log.info("a line");
    await turn();
    expect(thread.lines).toEqual([
      expect.stringContaining("it called ctx.progress"),
      "info after the task had ended: a line",
    ]);
    expect(thread.records.some(({ type }) => type === "progress")).toBe(false);
  });
});

/** A context for a caller that does not look at types. */
type Loose = Record<
  "progress" | "query" | "emit" | "insert" | "checkpoint",
  (...args: readonly unknown[]) => unknown
> & { readonly log: Record<"info", (...parts: readonly unknown[]) => void> };

describe("odd values", () => {
  const hostile = {
    toString(): string {
      throw new Error("no string");
    },
  };
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const bodies: readonly [what: string, run: (ctx: Loose) => unknown, message: string][] = [
    ["bigint steps", (ctx) => ctx.progress(1n, 2n), "step and total are numbers, not a bigint"],
    ["a bigint total", (ctx) => ctx.progress(1, 2n), "numbers, not a bigint"],
    ["a message without text", (ctx) => ctx.progress(1, 2, hostile), "cannot be shown as text"],
    ["a revoked message", (ctx) => ctx.progress(1, 2, revoked), "cannot be shown as text"],
    ["SQL that is no string", (ctx) => ctx.query(5n), "ctx.query: the SQL is a bigint"],
    ["a message that is none", (ctx) => ctx.emit("m", 1), "ctx.emit: the message is a string"],
    ["revoked rows", (ctx) => ctx.insert("t", revoked), ""],
    ["a revoked row", (ctx) => ctx.insert("t", [revoked]), ""],
    ["a revoked cell", (ctx) => ctx.insert("t", [{ a: revoked }]), ""],
    ["a revoked cursor", (ctx) => ctx.checkpoint(revoked), ""],
    ["a revoked result", () => revoked, ""],
    ["a result with a revoked member", () => ({ a: revoked }), ""],
    ["a log of a revoked value", (ctx) => ctx.log.info(revoked, hostile), ""],
  ];

  test.each(bodies)("%s end the task alone", async (_, run, message) => {
    const thread = new AttemptRig();
    await thread.start((_input, ctx) => run(ctx as unknown as Loose)).end;
    await turn();
    expect(thread.ends).toHaveLength(1);
    const [end] = thread.ends;
    const text = JSON.stringify(end?.outcome);
    expect(text).not.toContain("Internal error");
    if (message !== "") expect(text).toContain(message);
  });
});
