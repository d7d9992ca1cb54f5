import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EachNode, isNode, type NodeOptions, TaskNode } from "../../src/api/node.ts";
import { pipeline } from "../../src/api/pipeline.ts";
import { registry } from "../../src/api/registry.ts";
import { each, message, task, type Node } from "../../src/index.ts";

// The registry is one per thread: what a test defines must not stay for the next file.
function forget(): void {
  registry.tasks.clear();
  registry.sealed = false;
}
beforeEach(forget);
afterEach(forget);

const run = (): number => 1;
const asTaskNode = (node: Node<unknown>): TaskNode => {
  if (node instanceof TaskNode) return node;
  throw new Error("not a task's node");
};

describe("task", () => {
  test("calling it makes a node and runs nothing", () => {
    let ran = false;
    const load = task({
      name: "load",
      run({ url }: { url: string }) {
        ran = true;
        return url;
      },
    });
    const node = asTaskNode(load({ url: "x" }, { name: "load x", priority: 2, timeout: "1s" }));
    expect(isNode(node)).toBe(true);
    expect(node.input).toEqual({ url: "x" });
    expect(node.settings).toEqual({ name: "load x", priority: 2, timeoutMs: 1000 });
    // As it is compared: sorted, each tag once.
    expect(asTaskNode(load({ url: "x" }, { on: ["gpu", "big", "gpu"] })).settings).toEqual({
      on: "big,gpu",
    });
    expect(asTaskNode(load({ url: "x" }, { on: [] })).settings).toEqual({ on: "" });
    expect(ran).toBe(false);
  });

  test("each call has its own input, also when the author fills one object anew for each", () => {
    const load = task({ name: "load", run: ({ ids }: { ids: number[] }) => ids.length });
    const ids: number[] = [];
    const nodes = [1, 2, 3, 4].flatMap((id) => {
      ids.push(id);
      if (ids.length < 2) return [];
      const made = asTaskNode(load({ ids }));
      ids.length = 0;
      return [made];
    });
    expect(nodes.map(({ input }) => input)).toEqual([{ ids: [1, 2] }, { ids: [3, 4] }]);
  });

  test("`after` that is one node, not a list, is named", () => {
    const load = task({ name: "load", run });
    const options = { after: load() } as unknown as NodeOptions;
    expect(() => load(undefined, options)).toThrow(
      'task "load": `after` is a list of nodes (call a task to make one)',
    );
  });

  test("is registered by name, with its policies", () => {
    task({ name: "load", run, retries: 2, timeout: "1s", pool: "api", priority: 1 });
    expect(registry.tasks.get("load")).toMatchObject({
      name: "load",
      retries: { limit: 2 },
      timeoutMs: 1000,
      pool: "api",
      priority: 1,
      optional: false,
    });
  });

  test("asks for tags by their names, in any order", () => {
    task({ name: "one", run, on: "gpu" });
    task({ name: "two", run, on: ["gpu", "big", "gpu"] });
    task({ name: "none", run });
    const sets = ["one", "two", "none"].map((name) => registry.tasks.get(name)?.on);
    expect(sets).toEqual(["gpu", "big,gpu", ""]);
  });

  test("its `run` keeps its `this`", () => {
    class Counted {
      readonly name = "counted";
      readonly #base = 41;
      run(): number {
        return this.#base + 1;
      }
    }
    task(new Counted());
    const definition = registry.tasks.get("counted") as unknown as { run(): number };
    expect(definition.run()).toBe(42);
  });

  test("of one name there is one", () => {
    task({ name: "twice", run });
    expect(() => task({ name: "twice", run })).toThrow('two tasks are called "twice"');
  });

  test("after the module is loaded it is too late", () => {
    registry.sealed = true;
    expect(() => task({ name: "late", run })).toThrow("define tasks at the top level");
  });

  test.each<[what: string, options: Record<string, unknown>, message: string]>([
    ["no name", { run }, "task: `name` must be a string that is not empty"],
    ["an empty name", { name: " ", run }, "task: `name` must be a string that is not empty"],
    ["no run", { name: "a" }, 'task "a": `run` must be a function'],
    ["a wrong timeout", { name: "a", run, timeout: "soon" }, 'task "a": timeout must be'],
    ["no time at all", { name: "a", run, timeout: 0 }, 'task "a": timeout must be above 0'],
    ["wrong retries", { name: "a", run, retries: -1 }, 'task "a": retries must be an integer'],
    ["a name that --rerun needs", { name: "failed", run }, "--rerun failed means all tasks"],
    ["a wrong tag", { name: "a", run, on: "gpu,big" }, 'task "a": on must be a tag or a list of'],
    ["a wrong priority", { name: "a", run, priority: Number.NaN }, 'task "a": priority must be'],
  ])("%s is refused", (_, options, text) => {
    expect(() => task(options as never)).toThrow(text);
    expect(registry.tasks.has("a")).toBe(false);
  });

  test("wrong settings of one node are refused", () => {
    const a = task({ name: "a", run });
    expect(() => a(undefined, { timeout: 0 })).toThrow('task "a": timeout must be above 0');
    expect(() => a(undefined, { after: [3 as never] })).toThrow("`after` is a list of nodes");
    expect(() => a(undefined, { after: [a as never] })).toThrow("call a task to make one");
    expect(() => a(undefined, { retries: { limit: 1, retryOn: () => true } })).toThrow(
      "does not cross threads",
    );
    expect(() => a(undefined, { retries: { limit: 1, after: () => 1 } })).toThrow(
      'task "a": `after` belongs to the task\'s definition',
    );
  });
});

test("each wants a function", () => {
  expect(() => each([1], 3 as never)).toThrow("item must be a function");
});

test("a list is what it was when each was called, and its items are the author's own", () => {
  const first = { x: 1 };
  const list = [first];
  const node = each(list, () => 1);
  list.push({ x: 2 });
  if (!(node instanceof EachNode)) throw new Error("not a fan-out");
  expect(node.source).toEqual([{ x: 1 }]);
  expect((node.source as unknown[])[0]).toBe(first);
});

test("message wants a name", () => {
  expect(() => message("", () => undefined)).toThrow("the name must not be empty");
});

describe("pipeline", () => {
  const tasks: never[] = [];

  test("knows the file that made it", () => {
    expect(pipeline({ name: "p", tasks }).origin).toBe(import.meta.path);
  });

  test.each<[what: string, prepare: NonNullable<typeof Error.prepareStackTrace>]>([
    ["frames", (_, frames) => frames],
    [
      "an error",
      () => {
        throw new Error("no stack");
      },
    ],
  ])("does without the file where a library makes %s of stacks", (_, prepare) => {
    const before: unknown = Reflect.get(Error, "prepareStackTrace");
    Error.prepareStackTrace = prepare;
    try {
      expect(pipeline({ name: "p", tasks }).origin).toBeNull();
    } finally {
      Reflect.set(Error, "prepareStackTrace", before);
    }
  });

  test("its pools, numbers and rates", () => {
    const pools = { api: 4, slow: { limit: 10, per: "1s" }, one: { limit: 1 } } as const;
    expect([...pipeline({ name: "p", tasks, pools }).pools]).toEqual([
      ["api", { limit: 4, perMs: null }],
      ["slow", { limit: 10, perMs: 1000 }],
      ["one", { limit: 1, perMs: null }],
    ]);
  });

  const again = message("m", () => undefined);
  test.each<[what: string, options: Record<string, unknown>, message: string]>([
    ["no name", { tasks }, "name"],
    ["no tasks", { name: "p" }, 'pipeline "p": `tasks` must be a node, a list or generator'],
    ["a pool of nobody", { name: "p", tasks, pools: { api: 0 } }, 'pool "api" must have a limit'],
    ["half a place", { name: "p", tasks, pools: { api: 1.5 } }, 'pool "api" must have a limit'],
    [
      "a wrong stretch of time",
      { name: "p", tasks, pools: { api: { limit: 1, per: "soon" } } },
      'pipeline "p": pool "api": per must be',
    ],
    [
      "two messages of one name",
      { name: "p", tasks, messages: [again, again] },
      'pipeline "p": two messages are called "m"',
    ],
  ])("%s is refused", (_, options, text) => {
    expect(() => pipeline(options as never)).toThrow(text);
  });
});
