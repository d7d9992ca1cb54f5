// Outcomes of tasks that throw or return something that cannot be stored, on real workers.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { TaskRetrying } from "../../src/protocol/events.ts";
import { newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const failure = (rig: Rig, name: string): Record<string, unknown> => {
  const [row] = rig.rows(`SELECT error FROM task_runs WHERE name = '${name}'`);
  return JSON.parse(String(row?.["error"])) as Record<string, unknown>;
};

describe("whatever is thrown fails the task, and the thread goes on", () => {
  const cases: readonly [what: string, body: string, message: string][] = [
    ["an error", 'throw new TypeError("no")', "no"],
    ["a string", 'throw "no"', "thrown: no"],
    ["null", "throw null", "thrown: null"],
    ["undefined", "throw undefined", "thrown: undefined"],
    ["a frozen object", "throw Object.freeze({ a: 1 })", 'thrown: {"a":1}'],
    ["a frozen error", 'throw Object.freeze(new Error("cold"))', "cold"],
    [
      "an error with hostile getters",
      'throw { message: "still", get name() { throw 1 }, get stack() { throw 2 }, get cause() { throw 3 } }',
      "still",
    ],
    ["a promise that rejects", "return Promise.reject(undefined)", "thrown: undefined"],
    ["a thenable that throws", "return { then() { throw new Error('then') } }", "then"],
    [
      "a result whose `then` cannot be read",
      "return { get then() { throw new Error('getter') } }",
      "getter",
    ],
    ["a stack that overflows", "const f = () => f() + 1; return f()", "Maximum call stack"],
  ];

  test.each([1, 3])("with %i tasks on the thread", async (slots) => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const tasks = [
        ${cases.map(([, body], i) => `task({ name: "t${i}", run(): any { ${body} } })`).join(",\n")},
      ];
      const fine = task({ name: "fine", run: () => "fine" });
      export default pipeline({ name: "p", tasks: () => [...tasks.map((each) => each()), fine()] });
    `);
    const started = await rig.start(file, { workers: 1, concurrency: slots });
    expect(await started.end).toMatchObject({ done: 1, failed: cases.length });
    for (const [i, [, , message]] of cases.entries()) {
      expect(String(failure(rig, `t${i}`)["message"])).toContain(message);
    }
    expect(started.output).toEqual([]);
  });
});

test("a result that is not JSON fails the task, and the error names the place", async () => {
  await using rig = newRig();
  const bodies = [
    ["new Date(0)", "result is a Date"],
    ["{ rows: [new Map()] }", "result.rows[0] is a Map"],
    ["[1n]", "result[0] is a BigInt"],
    ["{ n: NaN }", "result.n is NaN"],
    ["(() => { const loop: any = {}; loop.self = loop; return loop; })()", "does it hold itself?"],
    ["{ get a() { throw new Error('getter') } }", "getter"],
  ] as const;
  const file = rig.pipeline(`
    const tasks = [${bodies.map(([body], i) => `task({ name: "t${i}", run: (): any => (${body}) })`).join(",")}];
    const nothing = task({ name: "nothing", run() {} });
    export default pipeline({ name: "p", tasks: () => [...tasks.map((each) => each()), nothing()] });
  `);
  expect(await rig.run(file, { workers: 1 })).toMatchObject({ done: 1, failed: bodies.length });
  for (const [i, [, message]] of bodies.entries()) {
    expect(String(failure(rig, `t${i}`)["message"])).toContain(message);
  }
  expect(rig.rows("SELECT result FROM task_runs WHERE name = 'nothing'")).toEqual([
    { result: "null" },
  ]);
});

test("`retries.after` is given what the task has thrown, decides the wait, and is not asked about successes", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const busy = task({
      name: "busy",
      retries: { limit: 3, delay: "1h", jitter: false, after: (failure, error) => error.retryAfter },
      run(_, ctx) {
        if (ctx.attempt === 1) throw Object.assign(new Error("503"), { retryAfter: 7 });
        return ctx.attempt;
      },
    });
    const wrong = task({
      name: "wrong",
      retries: { limit: 3, delay: 5, jitter: false, after: () => "soon" },
      run(_, ctx) {
        if (ctx.attempt < 3) throw new Error("no");
      },
    });
    export default pipeline({ name: "p", tasks: () => [busy(), wrong()] });
  `);
  const { end, events } = await rig.start(file, { workers: 1 });
  expect(await end).toMatchObject({ done: 2, failed: 0, retries: 3 });
  const waits = events
    .filter((event): event is TaskRetrying => event.type === "task-retrying")
    .map(({ name, retryAt, at }) => `${name} ${retryAt - at} ms`);
  expect(waits.toSorted()).toEqual(["busy 7 ms", "wrong 10 ms", "wrong 5 ms"]);
  expect(rig.rows("SELECT task_id, level, line FROM task_logs")).toEqual([
    {
      task_id: expect.any(Number),
      level: "warn",
      line: 'retries.after returned "soon"; it must return milliseconds (0 or more), or undefined. The delay of `retries` is used instead',
    },
  ]);
});

test("a call without an input gets the default of `run`; one with null does not, and the key is the same as ever", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const five = task({ name: "five", run: (input: any = 5) => [input] });
    const method = task({ name: "method", async run({ n } = { n: 6 }, ctx) { return [n, ctx.attempt]; } });
    const none = task({ name: "none", run: (input: any) => [input] });
    const maybe = task({ name: "maybe", optional: true, run() { throw new Error("no"); } });
    export default pipeline({ name: "p", tasks: () => [
      five(undefined, { name: "bare" }), five(null, { name: "null" }), five(7, { name: "seven" }),
      five(maybe(), { name: "read" }), method(undefined), none(undefined),
    ] });
  `);
  expect(await rig.run(file, { workers: 1 })).toMatchObject({ done: 6, failed: 1 });
  const rows = rig.rows(
    "SELECT name, result, key FROM task_runs WHERE status = 'done' ORDER BY name",
  );
  expect(rows.map(({ name, result }) => [name, result])).toEqual([
    ["bare", "[5]"],
    ["method", "[6,1]"],
    ["none", "[null]"],
    ["null", "[null]"],
    ["read", "[null]"],
    ["seven", "[7]"],
  ]);
  const keys = new Map(rows.map(({ name, key }) => [name, key]));
  expect(keys.get("bare")).toBe(keys.get("null"));
  // The run is done: nothing runs again.
  expect(await rig.run(file, { workers: 1, resume: 1 })).toMatchObject({ alreadyDone: 6 });
});
