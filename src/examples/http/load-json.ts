// The pipeline of `etl` and of `pipeloom fetch`: JSON over HTTP into a table, one task per address. A task respects the
// server's rate limits (`Retry-After`) and stores the selected columns.

import { each, pipeline, task } from "pipeloom";

import { growTable } from "../example-table.ts";
import { keyOf } from "../name-list.ts";
import { Attempts } from "../../formats/http/attempts.ts";
import { BrokenError } from "../../formats/http/body.ts";
import { pause } from "../../formats/http/retried-fetch.ts";
import { ChangedError, JsonLoad, type Source } from "./json-load.ts";
import { shownUrl } from "../../formats/http/shown-url.ts";
import { startSampleServer } from "./sample-server.ts";

const extract = task({
  name: "extract",
  label: ({ url }: Source) => shownUrl(url),
  // Rows that an attempt has not committed are discarded with it, so a retry starts with an empty unit.
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
        ctx.log.warn(`${error.message}; trying again in ${waitMs / 1000} s`);
        await pause(waitMs, ctx.signal);
      }
    }
  },
});

type Named = {
  readonly name: string;
  readonly table: string;
  /** Key columns, separated by commas. `none`: rows are inserted, never updated. */
  readonly key: string;
};

export const jsonPipeline = ({ name, table, key: keyNames }: Named) =>
  pipeline({
    name,
    params: {
      /** Addresses. Empty: a sample server on this machine. */
      urls: [] as string[],
      table,
      key: keyNames,
      /** `id,title,author=user.name`. Empty: all top-level properties of a row. */
      select: "",
      /**
       * `json` (one value, usually an array of rows), `jsonl` (one value per line, or a JSON text sequence) or `auto`.
       */
      format: "auto",
      /** Path of the array in the response, e.g. `data.items`. */
      path: "",
      /** `Authorization: Bearer $TOKEN`: `$TOKEN` is an environment variable. */
      headers: [] as string[],
    },
    messages: [growTable],
    tasks({ params }) {
      const { table: into, select, format, path, headers } = params;
      const key = keyOf(params.key);
      const urls = params.urls.length === 0 ? [""] : params.urls;
      return each(urls, (url) => extract({ url, table: into, key, select, format, path, headers }));
    },
  });
