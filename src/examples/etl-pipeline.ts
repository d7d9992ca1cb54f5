// JSON over HTTP into a table: each address is a task that asks, waits when it is told to, and stores what it selected.

import { each, pipeline, task } from "pipeloom";

import { Attempts } from "./http/attempts.ts";
import { BrokenError } from "./http/body.ts";
import { pause } from "./http/fetch-retry.ts";
import { ChangedError, JsonLoad, type Source } from "./http/json-load.ts";
import { startSampleServer } from "./http/sample-server.ts";
import { keyOf } from "./name-list.ts";
import { growTable } from "./target-table.ts";

const extract = task({
  name: "extract",
  // What an attempt has sent and not committed goes with it: the next one begins with a clean unit.
  retries: { limit: 3, delay: "1s", retryOn: ({ name }) => name === ChangedError.name },
  async run(source: Source, ctx) {
    await using sample = source.url === "" ? startSampleServer() : null;
    const url = sample === null ? source.url : `${sample.url}/posts.json`;
    const load = new JsonLoad({ ...source, url }, ctx);
    const transfers = new Attempts();
    for (;;) {
      try {
        return await load.pass();
      } catch (error) {
        ctx.signal.throwIfAborted();
        if (!(error instanceof BrokenError)) throw error;
        const waitMs = transfers.waitAfter(error, load.sent);
        ctx.log.warn(`${error.message}; asking again in ${waitMs / 1000} s`);
        await pause(waitMs, ctx.signal);
      }
    }
  },
});

export default pipeline({
  name: "etl",
  params: {
    /** Addresses; none: a sample from this machine. */
    urls: [] as string[],
    table: "posts",
    /** Columns, separated by commas; `none`: rows are added and not updated. */
    key: "id",
    /** `id,title,author=user.name`; empty for all that a row has at its top. */
    select: "",
    /** `json` (one value, an array of rows), `jsonl` (a value a line, or a JSON text sequence) or `auto`. */
    format: "auto",
    /** Where in the answer the array is, e.g. `data.items`. */
    path: "",
  },
  messages: [growTable],
  tasks({ params }) {
    const { table, select, format, path } = params;
    const key = keyOf(params.key);
    const urls = params.urls.length === 0 ? [""] : params.urls;
    return each(urls, (url) => extract({ url, table, key, select, format, path }));
  },
});
