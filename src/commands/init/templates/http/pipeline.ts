// Loads the pages of a JSON API into a table, one task per page.
// Run it:      pipeloom run pipeline.ts
// From an API: pipeloom run pipeline.ts --param base=https://example.com/api/

import { each, pipeline, task } from "pipeloom";

type Post = { id: number; author: string; title: string };

const listPages = task({
  name: "list-pages",
  retries: 3,
  timeout: "30s",
  pool: "api",
  async run({ base }: { base: string }, ctx) {
    const pages = (await fetchJson(new URL("pages.json", base).href, ctx.signal)) as string[];
    return pages.map((page) => new URL(page, base).href);
  },
});

const loadPage = task({
  name: "load-page",
  // A failed request is retried, after at most 1 s, 2 s and 4 s.
  retries: 3,
  timeout: "30s",
  pool: "api",
  async run({ url }: { url: string }, ctx) {
    const posts = (await fetchJson(url, ctx.signal)) as Post[];
    ctx.progress(1, 2, `${posts.length} posts`);
    await ctx.upsert("posts", posts, { key: "id" });
    return posts.length;
  },
});

const report = task({
  name: "report",
  run({ counts }: { counts: number[] }, ctx) {
    const posts = counts.reduce((sum, count) => sum + count, 0);
    ctx.log.info(`${posts} posts from ${counts.length} pages`);
    return posts;
  },
});

export default pipeline({
  name: "template-http",
  db: "./pipeloom.db",
  // The folder data/ beside this file, so that it runs offline. Replace it with the address of your API, ending in /.
  params: { base: new URL("data/", import.meta.url).href },
  schema: `CREATE TABLE IF NOT EXISTS posts (id INTEGER PRIMARY KEY, author TEXT, title TEXT) STRICT`,
  // At most four requests at once, with any number of threads; { limit: 10, per: "1s" } limits the rate.
  pools: { api: 4 },
  tasks: ({ params }) =>
    report({ counts: each(listPages({ base: params.base }), (url) => loadPage({ url })) }),
});

async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.json();
}
