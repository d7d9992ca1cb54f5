// What a task loads with `fetchPages`, `fetchRetry` and `jsonLines`, in the compiled executable, without an install.

import { expect, setDefaultTimeout, test } from "bun:test";

import { ended, newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const run = (rig: Rig, ...flags: readonly string[]) =>
  rig.spawn("run", "pipeline.ts", "--db", "test.db", ...flags);

type Item = { readonly id: number; readonly name: string };

/** An API of items in pages of two, from `after` on. `answer` may refuse a request. */
function api(items: readonly Item[], answer: (url: URL) => Response | undefined = () => undefined) {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      const url = new URL(request.url);
      asked.push(url.search);
      const refused = answer(url);
      if (refused !== undefined) return refused;
      const rest = items.filter(({ id }) => id > Number(url.searchParams.get("after")));
      const page = rest.slice(0, 2);
      const next = rest.length > 2 ? `<?after=${page.at(-1)?.id}>; rel="next"` : "";
      return Response.json(page, { headers: { link: next } });
    },
  });
  return { url: server.url.href, asked, [Symbol.dispose]: () => void server.stop(true) };
}

const incremental = (url: string, more = ""): string => `
  import { fetchPages } from "pipeloom";
  type Item = { id: number; name: string };
  const load = task({ name: "load", retries: { limit: 2, delay: 0 }, async run(_: void, ctx) {
    const last = (await ctx.state.get<number>("last")) ?? 0;
    for await (const page of fetchPages("${url}?after=" + last, { signal: ctx.signal, delay: 1, tries: 2 })) {
      const items = (await page.json()) as Item[];
      if (items.length === 0) break;
      await ctx.upsert("items", items, { key: "id", create: true });
      await ctx.state.set("last", items.at(-1)?.id);
      ${more}
      await ctx.checkpoint();
    }
  } });
  export default pipeline({ name: "p", tasks: () => load() });
`;

const items = (from: number, to: number): Item[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ id: from + i, name: `n${from + i}` }));

test("an incremental load asks for what is new, through refusals and a retry", async () => {
  await using rig = newRig();
  const all = items(1, 5);
  const refusals = new Map([
    ["?after=0", [new Response("", { status: 429, headers: { "retry-after": "0" } })]],
    ["?after=2", Array.from({ length: 2 }, () => new Response("", { status: 503 }))],
  ]);
  using server = api(all, ({ search }) => refusals.get(search)?.shift());
  rig.pipeline(incremental(server.url));
  expect(await ended(run(rig))).toMatchObject({ code: 0 });
  expect(rig.rows("SELECT * FROM items ORDER BY id")).toEqual(items(1, 5));
  // The second page was refused twice: the attempt failed, and the next one went on behind the first page.
  expect(server.asked).toEqual([
    "?after=0",
    "?after=0",
    "?after=2",
    "?after=2",
    "?after=2",
    "?after=4",
  ]);
  expect(rig.rows("SELECT line FROM task_logs ORDER BY rowid").map(({ line }) => line)).toEqual([
    `${server.url}?after=0: 429; trying again in 0 s`,
    `${server.url}?after=2: 503; trying again in 0.001 s`,
  ]);
  all.push(...items(6, 7));
  server.asked.length = 0;
  expect(await ended(run(rig))).toMatchObject({ code: 0 });
  expect(server.asked).toEqual(["?after=5"]);
  expect(rig.rows("SELECT * FROM items ORDER BY id")).toEqual(items(1, 7));
});

test.if(process.platform !== "win32")(
  "killed between two pages, it goes on behind the last one",
  async () => {
    await using rig = newRig();
    void rig.control;
    using server = api(items(1, 5));
    rig.pipeline(incremental(server.url, 'await step("page");'));
    const first = run(rig);
    (await rig.control.next("page")).finish();
    const second = await rig.control.next("page");
    first.kill("SIGKILL");
    await first.exited;
    second.finish();
    expect(rig.rows("SELECT id FROM items")).toEqual([{ id: 1 }, { id: 2 }]);
    const next = run(rig);
    for (let page = 0; page < 2; page++) (await rig.control.next("page")).finish();
    expect(await ended(next)).toMatchObject({ code: 0 });
    expect(rig.rows("SELECT * FROM items ORDER BY id")).toEqual(items(1, 5));
    expect(server.asked).toEqual(["?after=0", "?after=2", "?after=2", "?after=4"]);
  },
);

test("a file and an address of JSON lines become a table; what fails names its task's place", async () => {
  await using rig = newRig();
  await Bun.write(
    rig.file("a.jsonl.gz"),
    Bun.gzipSync(Buffer.from('{"id":9007199254740993,"deep":{"n":1}}\n{"id":2,"deep":null}\n')),
  );
  rig.write("bad.jsonl", '{"id":5}\nnot json\n');
  using server = Bun.serve({ port: 0, fetch: () => new Response('{"id":3}\n{"id":4,"x":1.5}\n') });
  rig.pipeline(`
    import { jsonLines } from "pipeloom";
    const load = task({ name: "load", async run({ from }: { from: string }, ctx) {
      await ctx.upsert("t", jsonLines(from), { key: "id", create: true });
    } });
    export default pipeline({ name: "p", tasks: () =>
      ["a.jsonl.gz", "${server.url.href}", "bad.jsonl"].map((from) => load({ from })) });
  `);
  const { code, err } = await ended(run(rig, "-w", "1"));
  expect(code).toBe(1);
  expect(err).toContain('bad.jsonl: line 2 is not JSON; it begins with "not json"');
  expect(rig.rows("SELECT CAST(id AS TEXT) AS id, deep, x FROM t ORDER BY t.id")).toEqual([
    { id: "2", deep: null, x: null },
    { id: "3", deep: null, x: null },
    { id: "4", deep: null, x: 1.5 },
    { id: "9007199254740993", deep: '{"n":1}', x: null },
  ]);
});
