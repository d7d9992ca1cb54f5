// Wrong options: files that are not type-checked get an error that names the option, where they call.

import { afterEach, beforeEach, expect, test } from "bun:test";

import { registry } from "../../src/api/registry.ts";
import {
  message,
  type NodeOptions,
  pipeline,
  sh,
  type PipelineOptions,
  task,
  type TaskOptions,
} from "../../src/index.ts";

// The registry is one per thread: what a test defines must not stay for the next file.
function forget(): void {
  registry.tasks.clear();
  registry.sealed = false;
}
beforeEach(forget);
afterEach(forget);

const run = (): number => 1;
const odd = (more: object): PipelineOptions<Record<string, never>> => ({
  name: "odd",
  tasks: [],
  ...more,
});

const throwing = new Proxy(
  {},
  {
    get() {
      throw new Error("a trap");
    },
  },
);

test.each<[options: object, wrong: string]>([
  [{ params: 5 }, "`params` must be an object of defaults or a Standard Schema, not 5"],
  [{ params: [1] }, "`params` must be an object of defaults or a Standard Schema, not an Array"],
  [{ params: new Map() }, "`params` must be an object of defaults or a Standard Schema, not a Map"],
  [
    { params: { at: new Date(0) } },
    "params.at is a Date; params must be JSON (use .toISOString())",
  ],
  [{ schema: 5 }, "`schema` must be SQL as text, not 5"],
  [
    { messages: {} },
    "`messages` must be a list of what `message(name, apply)` has returned, not an Object",
  ],
  [
    { messages: Array.from({ length: 1 }) },
    "`messages` must be a list of what `message(name, apply)` has returned, not an Array",
  ],
  [{ pools: "few" }, '`pools` must be an object of limits, e.g. { api: 4 }, not "few"'],
  [{ pools: { few: null } }, 'pool "few" must have a limit of at least 1, not null'],
  [{ pools: { few: Symbol("x") } }, 'pool "few" must have a limit of at least 1, not a symbol'],
  [
    { pools: { few: { limit: 1, per: 1n } } },
    'pool "few": per must be milliseconds or a duration like',
  ],
  [{ secrets: "TOKEN" }, '`secrets` must be a list of names of environment variables, not "TOKEN"'],
  [{ secrets: [1] }, "`secrets` must be a list of names of environment variables, not an Array"],
  [{ db: {} }, "`db` must be the path of a file, not an Object"],
  [{ db: "" }, '`db` must be the path of a file, not ""'],
  [
    { tasks: "all" },
    '`tasks` must be a node, a list or generator of nodes, or a function that returns one, not "all"',
  ],
  [{ total: "many" }, '`total` must be a number or a function, not "many"'],
  [{ onTaskFinish: [] }, "`onTaskFinish` must be a function, not an Array"],
  [{ onFinish: "x".repeat(100) }, `\`onFinish\` must be a function, not "${"x".repeat(60)}…"`],
])("pipeline %p", (options, wrong) => {
  expect(() => pipeline(odd(options))).toThrow(`pipeline "odd": ${wrong}`);
});

test("options that are null are absent", () => {
  const names = [
    "params",
    "schema",
    "messages",
    "pools",
    "secrets",
    "db",
    "total",
    "onTaskFinish",
    "onFinish",
  ];
  const nothing = Object.fromEntries(names.map((name) => [name, null]));
  expect(pipeline(odd(nothing))).toEqual(pipeline(odd({})));
});

test.each([undefined, null, 5, "etl"])("options that are %p", (options) => {
  expect(() => pipeline(options as never)).toThrow(
    "pipeline({ name, tasks }) takes an object of options, not",
  );
  expect(() => task(options as never)).toThrow(
    "task({ name, run }) takes an object of options, not",
  );
});

test("what throws when it is looked at throws in the call", () => {
  expect(() => pipeline(odd({ params: throwing }))).toThrow("a trap");
});

test.each<[options: object, wrong: string]>([
  [{ retries: "3" }, 'retries must be an integer of at least 0, not "3"'],
  [{ retries: { limit: Symbol("x") } }, "retries must be an integer of at least 0, not a symbol"],
  [{ retries: { limit: 1, factor: {} } }, "retries.factor must be at least 1, not an Object"],
  [{ retries: { limit: 1, jitter: 1 } }, "retries.jitter must be true or false, not 1"],
  [{ retries: { limit: 1, delay: [] } }, "retries.delay must be milliseconds or a duration like"],
  [{ timeout: {} }, "timeout must be milliseconds or a duration like"],
  [{ pool: 1 }, "pool must be the name of a pool, not 1"],
  [{ priority: "high" }, 'priority must be a number, not "high"'],
  [{ on: "a b" }, "on must be a tag or a list of tags (letters, digits"],
  [{ on: ["gpu", 1] }, "on must be a tag or a list of tags (letters, digits"],
  [{ optional: "yes" }, 'optional must be true or false, not "yes"'],
])("a task or a node with %p", (options, why) => {
  const wrong = `task "load": ${why}`;
  expect(() =>
    task({ name: "load", run, ...options } as unknown as TaskOptions<void, number>),
  ).toThrow(wrong);
  const load = task({ name: "load", run });
  expect(() => load(undefined, options as NodeOptions)).toThrow(wrong);
});

test("a node's options", () => {
  const load = task({ name: "load", run });
  const call = (options: unknown): unknown => load(undefined, options as NodeOptions);
  expect(() => task({ name: "b", run, retries: { limit: 1, retryOn: "x" as never } })).toThrow(
    'task "b": retries.retryOn must be a function, not "x"',
  );
  expect(() => task({ name: "b", run, retries: { limit: 1, after: 5 as never } })).toThrow(
    'task "b": retries.after must be a function, not 5',
  );
  expect(() => call({ name: {} })).toThrow(
    'task "load": the name of a node must be text, not an Object',
  );
  expect(() => call("load 1")).toThrow(
    'task "load": the second argument of a call is an object of options, not "load 1"',
  );
  // `list.map(load)` passes an index.
  expect(call(3)).toMatchObject({ settings: undefined });
  expect(call({ name: 7, after: null, retries: null, timeout: null })).toMatchObject({
    settings: { name: "7" },
  });
});

test.each<[options: object, wrong: string]>([
  [{ command: 5 }, "command must be text or a list of words, not 5"],
  [{ command: undefined }, "command must be text or a list of words, not undefined"],
  [{ command: ["a", null] }, "command: word 1 must be a string, not null"],
  [{ command: ["a"], shell: true }, "command must be one line for a shell, not an Array"],
  [{ command: "a", cwd: 5 }, "cwd must be the path of a folder, not 5"],
  [{ command: "a", env: { A: 1 } }, "env must be an object of texts, not an Object"],
  [{ command: "a", output: "xml" }, 'output must be "text", "lines", "json", not "xml"'],
])("a program with %p", (options, wrong) => {
  expect(() => sh({ name: "call", ...options } as never)).toThrow(`task "call": ${wrong}`);
});

test.each([[undefined], [5], [" "]])("a message with the name %p", (name) => {
  expect(() => message(name as never, () => undefined)).toThrow("the name must not be empty: ");
});

test("a message without apply", () => {
  expect(() => message("a", undefined as never)).toThrow(
    'message "a": apply must be a function, not undefined',
  );
});
