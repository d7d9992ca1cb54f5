// What the compiler says of mistakes. Each `@ts-expect-error` is a test: `bun check` fails where there is no error.

import { expect, test } from "bun:test";

import { each, message, type Node, pipeline, sh, task } from "pipeloom";

type Post = { id: number; title: string };

const list = task({ name: "types/list", run: () => ["a", "b"] });
const load = task({
  name: "types/load",
  run: ({ url, limit }: { url: string; limit?: number }): Post[] =>
    Array.from({ length: limit ?? 1 }, (_, id) => ({ id, title: url })),
});
const count = task({ name: "types/count", run: ({ posts }: { posts: Post[][] }) => posts.length });
const maybe = task({ name: "types/maybe", optional: true, run: () => 5 });
const double = task({ name: "types/double", run: ({ n }: { n: number }) => 2 * n });
const orZero = task({ name: "types/or-zero", run: ({ n }: { n: number | null }) => n ?? 0 });
const words = sh<{ word: string }>({
  name: "types/sh",
  command: ({ word }) => ["echo", word],
  output: "lines",
});
const dump = sh<{ word: string }>({
  name: "types/dump",
  command: ({ word }) => ["echo", word],
  stdout: ({ word }) => `${word}.txt`,
});
const remembers = task({
  name: "types/remembers",
  async run(_: void, ctx) {
    const last: number | undefined = await ctx.state.get<number>("last");
    await ctx.upsert("t", [{ id: last ?? 0 }], { key: "id", create: true });
    await ctx.insert("t", [{ id: 1 }], { create: true });
    await ctx.state.set("last", { any: ["json", null] });
    // @ts-expect-error -- unknown is no string
    const text: string = await ctx.state.get("last");
    return text.length;
  },
});
// Without `async`: the compiler infers the result as it is, and not as the first member of the union.
const mixed = task({
  name: "types/mixed",
  run: ({ n }: { n: number }) => (n > 1 ? "many" : n === 1 ? { n } : null),
});
const scalar = task({
  name: "types/scalar",
  run(input: { x: string | number | undefined }, ctx) {
    if (ctx.attempt > 1) return;
    return input.x;
  },
});
const shown = task({
  name: "types/shown",
  run: ({ of }: { of: string | { n: number } | null }) => JSON.stringify(of),
});
const paged = task({
  name: "types/paged",
  run: ({ page, size = 10 }: { page: number; size?: number } = { page: 1 }) => page * size,
});
const added = message("types/added", (_db, _payload: { id: number }) => undefined);

const dated = message("types/dated", (_db, _payload: { at: Date }) => undefined);

test("what fits compiles", () => {
  const posts: Node<Post[][]> = each(list(), (url) => load({ url }));
  const nodes: Node<unknown>[] = [
    count({ posts }),
    load({ url: dump({ word: "a" }) }),
    double({ n: remembers() }),
    count({ posts: [load({ url: "a" }), [{ id: 1, title: "b" }]] }),
    load({ url: "a" }, { name: "load-a", after: [list()], retries: 2, timeout: "1m" }),
    double({ n: count({ posts: [] }) }),
    orZero({ n: maybe() }),
    shown({ of: mixed({ n: 1 }) }),
    scalar({ x: scalar({ x: 1 }) }),
    paged(),
    paged(undefined, { label: "the first" }),
    paged({ page: paged() }),
    orZero({ n: double({ n: 1 }, { optional: true }) }),
    each(words({ word: "x" }), (word, index) => load({ url: `${word}${index}` })),
    each([1, 2, 3], (n) => each([n], (m) => double({ n: m }))),
  ];
  expect(nodes).toHaveLength(15);
});

test("what does not fit is an error", () => {
  expect(wrongCalls).toBeFunction();
});

// Never called: it is there for the compiler.
function wrongCalls(): unknown[] {
  return [
    // @ts-expect-error a node of the wrong type
    load({ url: double({ n: 1 }) }),
    // @ts-expect-error a missing input
    load(),
    // @ts-expect-error a missing member
    load({}),
    // @ts-expect-error a member that does not exist
    load({ url: "a", page: 1 }),
    // @ts-expect-error a list of nodes of the wrong type
    count({ posts: [double({ n: 1 })] }),
    // @ts-expect-error an optional task may yield null
    double({ n: maybe() }),
    // @ts-expect-error the same, made optional by the call
    double({ n: double({ n: 1 }, { optional: true }) }),
    // @ts-expect-error items of the wrong type
    each(list(), (n: number) => double({ n })),
    // @ts-expect-error each needs a list
    each(double({ n: 1 }), (n) => double({ n })),
    // @ts-expect-error after takes nodes
    load({ url: "a" }, { after: [list] }),
    // @ts-expect-error one member of the result's union does not fit
    double({ n: scalar({ x: 1 }) }),
    // @ts-expect-error a member that is missing, where the input may be
    paged({}),
    // @ts-expect-error an unknown option
    load({ url: "a" }, { retry: 3 }),
  ];
}

test("payloads, params and contexts are typed", () => {
  task({
    name: "types/context",
    async run(_, ctx) {
      await ctx.emit(added, { id: 1 });
      // @ts-expect-error a payload of the wrong type
      await ctx.emit(added, { id: "1" });
      const position: string | number = ctx.attempt > 1 ? "end" : 0;
      await ctx.checkpoint(position);
      await ctx.state.set("position", position);
      // @ts-expect-error a cursor is JSON
      await ctx.checkpoint({ since: new Date() });
      // @ts-expect-error a value of the state too
      await ctx.state.set("seen", new Set(["a"]));
      // @ts-expect-error a payload too
      await ctx.emit(dated, { at: new Date() });
      // @ts-expect-error upsert needs a key
      await ctx.upsert("posts", [{ id: 1 }]);
      // @ts-expect-error rows are objects
      await ctx.insert("posts", [1]);
      // @ts-expect-error progress takes numbers
      ctx.progress("1", 2);
      // @ts-expect-error what the context gives cannot be set
      ctx.attempt = 2;
    },
  });
  const labelled = task({
    name: "types.labelled",
    label: ({ url }) => url.length.toFixed(),
    run: ({ url }: { url: string }) => url,
  });
  task({
    name: "types.mislabelled",
    // @ts-expect-error a label is text
    label: ({ url }) => url.length,
    run: ({ url }: { url: string }) => url,
  });
  const labelledLast = task({
    name: "types.labelled-last",
    async run({ url }: { url: string }, ctx) {
      await ctx.insert("t", [{ url }]);
      return url;
    },
    // After `run`: the compiler goes from top to bottom, and infers the input from a `run` that takes ctx when it is there.
    label: ({ url }) => url.length.toFixed(),
  });
  // @ts-expect-error the input of `run`
  labelledLast();
  labelled({ url: "x" }, { label: "x" });
  const typed = pipeline({
    name: "types",
    params: { limit: 100, name: "x", tags: ["a"] },
    tasks: ({ params }) => {
      const limit: number = params.limit;
      const name: string = params.name;
      // @ts-expect-error a parameter that does not exist
      const other: unknown = params.other;
      // @ts-expect-error of another type
      const wrong: string = params.limit;
      return load({ url: `${name}${String(other)}${wrong}`, limit });
    },
  });
  expect(typed.name).toBe("types");
});
