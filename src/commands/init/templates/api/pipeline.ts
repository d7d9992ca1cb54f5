// Loads an API into a table: page by page, at most five requests a second, and only what has changed since the last run.
// Run it twice: pipeloom run pipeline.ts
// From an API:  pipeloom run pipeline.ts --param api=https://example.com/orders

import { each, fetchRetry, pipeline, task } from "pipeloom";

import { sampleApi } from "./sample-api.ts";

type Order = { id: number; customer: string; cents: number; updated_at: string };
type Page = { orders: Order[]; pages: number };
type Request = { api: string; since: string; page: number };

// Each page is a task, so `pool` limits how many are asked for in a second. The retry is for an answer that breaks off.
const policy = { pool: "api", retries: 1 } as const;

const listPages = task({
  name: "list-pages",
  ...policy,
  async run({ api }: { api: string }, ctx) {
    // Where the last run stopped.
    const since = (await ctx.state.get<string>("since")) ?? "";
    const { pages } = await getPage({ api, since, page: 1 }, ctx.signal);
    return Array.from({ length: pages }, (_, i) => ({ api, since, page: i + 1 }));
  },
});

const loadPage = task({
  name: "load-page",
  ...policy,
  async run(request: Request, ctx) {
    const { orders } = await getPage(request, ctx.signal);
    // Makes the table, and adds the columns that it lacks. An order that is there already is updated.
    await ctx.upsert("orders", orders, { key: "id", create: true });
    const newest = orders.map((order) => order.updated_at).reduce((a, b) => (a > b ? a : b), "");
    return { orders: orders.length, newest };
  },
});

// Runs when all pages are loaded. If one fails, the next run asks for the same orders again.
const remember = task({
  name: "remember",
  async run({ loaded }: { loaded: { orders: number; newest: string }[] }, ctx) {
    const newest = loaded.map((page) => page.newest).reduce((a, b) => (a > b ? a : b), "");
    if (newest !== "") await ctx.state.set("since", newest);
    const count = loaded.reduce((sum, page) => sum + page.orders, 0);
    ctx.log.info(`${count} new orders from ${loaded.length} pages`);
    return count;
  },
});

export default pipeline({
  name: "template-api",
  db: "./pipeloom.db",
  // Empty: the sample in sample-api.ts, so that it runs offline.
  params: { api: "" },
  pools: { api: { limit: 5, per: "1s" } },
  // secrets: ["API_TOKEN"] masks the token in logs and errors; put it into .env, and into the headers below.
  tasks: ({ params }) =>
    remember({ loaded: each(listPages({ api: params.api }), (request) => loadPage(request)) }),
});

async function getPage({ api, since, page }: Request, signal: AbortSignal): Promise<Page> {
  const url = new URL(api === "" ? "https://sample.invalid/orders" : api);
  url.searchParams.set("since", since);
  url.searchParams.set("page", String(page));
  // Asks again after 429, 5xx and errors of the network, when the server wants it (`Retry-After`).
  const response = api === "" ? sampleApi(url) : await fetchRetry(url, { signal });
  return (await response.json()) as Page;
}
