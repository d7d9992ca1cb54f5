// JSON over HTTP into a table: each address is a task that asks, waits when it is told to, and stores what it selected.

import { each, pipeline, task } from "pipeloom";

import { fetchRetry } from "./http/fetch-retry.ts";
import {
  formatOf,
  formats,
  jsonRows,
  type JsonRow,
  parseSelect,
  selected,
} from "./http/json-rows.ts";
import { startSampleServer } from "./http/sample-server.ts";
import { listOf } from "./list.ts";
import { type Column, growTable } from "./table.ts";

const batchRows = 1000;
/** Batches between two checkpoints: a connection that breaks late does not cost what came before. */
const checkpointBatches = 50;

type Source = {
  url: string;
  table: string;
  key: string[];
  select: string;
  format: string;
  path: string;
};

const extract = task({
  name: "extract",
  retries: { limit: 3, delay: "1s" },
  async run(source: Source, ctx) {
    await using sample = source.url === "" ? startSampleServer() : null;
    const url = sample === null ? source.url : `${sample.url}/posts.json`;
    const response = await fetchRetry(url, {
      signal: ctx.signal,
      headers: { accept: "application/json, application/x-ndjson" },
      onWait: (why, ms) => ctx.log.warn(`${url}: ${why}; asking again in ${ms / 1000} s`),
    });
    const format =
      source.format === "auto"
        ? formatOf(url, response.headers.get("content-type"))
        : source.format;
    if (format !== "json" && format !== "jsonl") {
      throw new TypeError(`format: ${source.format} is not one of ${formats.join(", ")}`);
    }
    const select = parseSelect(source.select);
    const table = new Table(source);
    // Rows that an earlier attempt has committed: the answer is read again, they are not stored again.
    const stored = (ctx.cursor as { rows: number } | undefined)?.rows ?? 0;
    let rows = 0;
    let batches = 0;
    for await (const batch of inBatches(jsonRows(response, format, source.path), batchRows)) {
      ctx.signal.throwIfAborted();
      rows += batch.length;
      if (rows <= stored) continue;
      const chosen = batch.map((row) => selected(row, select));
      const grown = table.grow(chosen);
      if (grown !== null) await ctx.emit(growTable, grown);
      if (source.key.length === 0) await ctx.insert(source.table, chosen);
      else await ctx.upsert(source.table, chosen, { key: source.key });
      if (++batches % checkpointBatches === 0) await ctx.checkpoint({ rows });
    }
    ctx.log.info(`${url}: ${rows} rows`);
    return rows;
  },
});

async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The columns that this task has seen to. Types are left to the values: `2` is stored as an integer, `"2"` as text. */
class Table {
  readonly #source: Source;
  readonly #known = new Set<string>();

  constructor(source: Source) {
    this.#source = source;
  }

  /** What the table must have before these rows; null: nothing new. */
  grow(rows: readonly JsonRow[]): { table: string; columns: Column[]; key: string[] } | null {
    const before = this.#known.size;
    for (const row of rows) for (const name in row) this.#known.add(name);
    if (this.#known.size === before) return null;
    const { table, key } = this.#source;
    return { table, key, columns: Array.from(this.#known, (name) => ({ name, type: "" })) };
  }
}

export default pipeline({
  name: "etl",
  params: {
    /** Addresses; none: a sample from this machine. */
    urls: [] as string[],
    table: "posts",
    /** Columns, separated by commas; none: rows are added and not updated. */
    key: "id",
    /** `id,title,author=user.name`; empty for all that a row has at its top. */
    select: "",
    /** `json` (an array), `jsonl` (a value a line) or `auto`. */
    format: "auto",
    /** Where in the answer the array is, e.g. `data.items`. */
    path: "",
  },
  messages: [growTable],
  tasks({ params }) {
    const { table, select, format, path } = params;
    const key = listOf(params.key);
    const urls = params.urls.length === 0 ? [""] : params.urls;
    return each(urls, (url) => extract({ url, table, key, select, format, path }));
  },
});
