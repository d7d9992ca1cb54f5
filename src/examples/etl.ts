// JSON over HTTP into a table: each address is a task that asks, waits when it is told to, and stores what it selected.

import { each, pipeline, task, type TaskContext } from "pipeloom";

import { Attempts } from "./http/attempts.ts";
import { BrokenError } from "./http/body.ts";
import { pause } from "./http/fetch-retry.ts";
import { jsonHeaders, jsonPages } from "./http/json-pages.ts";
import {
  type Format,
  formats,
  type JsonRecord,
  type JsonRow,
  parseSelect,
  selected,
} from "./http/json-rows.ts";
import { JsonTable } from "./http/json-table.ts";
import { startSampleServer } from "./http/sample-server.ts";
import { shownUrl } from "./http/shown-url.ts";
import { keyOf } from "./list.ts";
import { existingColumns, growTable } from "./table.ts";

/** Of one send; whichever comes first. */
const batchRows = 1000;
const batchChars = 1024 * 1024;
/** Between two checkpoints: a unit is bounded, and what comes late does not cost what came before. */
const checkpointRows = 50_000;
const checkpointChars = 16 * 1024 * 1024;

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
  async run(source: Source, ctx) {
    await using sample = source.url === "" ? startSampleServer() : null;
    const url = sample === null ? source.url : `${sample.url}/posts.json`;
    const load = new Load(url, source, ctx);
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

function formatNamed(name: string): Format {
  const known = formats.find((format) => format === name);
  if (known !== undefined) return known;
  throw new TypeError(`format: ${name} is not one of ${formats.join(", ")}`);
}

/** How many records were sent, and the SHA-256 of their text. */
type Mark = { readonly rows: number; readonly sha256: string };

const nothing: Mark = { rows: 0, sha256: "" };

/**
 * One address. Each pass reads it from its beginning; records that an earlier pass, or an earlier attempt, has sent are
 * compared with what they were, and not sent again.
 */
class Load {
  readonly #url: string;
  readonly #source: Source;
  readonly #ctx: TaskContext;
  readonly #format: Format;
  readonly #select: ReadonlyMap<string, string>;
  readonly #table: JsonTable;
  /** Selected columns that no row had. */
  readonly #unseen: Set<string>;
  #mark: Mark;
  /** Of the records that were sent; the others go with this attempt if it fails. */
  #committed: number;
  #batch: JsonRow[] = [];
  #batchChars = 0;
  /** Sent since the last checkpoint. */
  #unitRows = 0;
  #unitChars = 0;

  constructor(url: string, source: Source, ctx: TaskContext) {
    this.#url = url;
    this.#source = source;
    this.#ctx = ctx;
    this.#format = formatNamed(source.format);
    this.#select = parseSelect(source.select);
    this.#unseen = new Set(this.#select.keys());
    const existing = existingColumns(ctx, source.table);
    this.#table = new JsonTable(source.table, source.key, this.#select.keys(), existing);
    this.#mark = (ctx.cursor as Mark | undefined) ?? nothing;
    this.#committed = this.#mark.rows;
  }

  /** How many records were sent. */
  get sent(): number {
    return this.#mark.rows;
  }

  /** @returns how many rows there are */
  async pass(): Promise<number> {
    const hash = new Bun.CryptoHasher("sha256");
    this.#batch = [];
    this.#batchChars = 0;
    let rows = 0;
    const options = {
      format: this.#format,
      path: this.#source.path,
      signal: this.#ctx.signal,
      headers: jsonHeaders,
      onWait: (why: string, ms: number) =>
        this.#ctx.log.warn(`${why}; asking again in ${ms / 1000} s`),
    };
    for await (const record of jsonPages(this.#url, options)) {
      this.#ctx.signal.throwIfAborted();
      hash.update(record.text).update("\n");
      rows++;
      if (rows > this.#mark.rows) await this.#take(record, rows, hash);
      else if (rows === this.#mark.rows && digest(hash) !== this.#mark.sha256) return this.#again();
    }
    if (rows < this.#mark.rows) return this.#again();
    await this.#send(rows, hash);
    this.#ctx.log.info(`${shownUrl(this.#url)}: ${rows} rows`);
    if (rows > 0 && this.#unseen.size > 0) {
      const names = [...this.#unseen].map((name) => this.#select.get(name)).join(", ");
      this.#ctx.log.warn(`${shownUrl(this.#url)}: no row has ${names}, which --select names`);
    }
    return rows;
  }

  /** What was sent is not what the address gives now: the rows of two versions must not be taken for one. */
  #again(): Promise<number> {
    const { table, key } = this.#source;
    const url = shownUrl(this.#url);
    if (key.length > 0) {
      this.#ctx.log.warn(
        `${url}: it has changed since ${this.#mark.rows} rows of it were stored: all of it is stored again; rows that it no longer has stay`,
      );
    } else if (this.#committed === 0) {
      throw new Error(
        `${url}: it has changed while it was read; nothing of it is stored: run again`,
      );
    } else {
      throw new Error(
        `${url}: it has changed since ${this.#committed} rows of it were stored, and without a key nothing tells those from the new ones; delete them from ${table}, or choose another --table, and run with --fresh`,
      );
    }
    this.#mark = nothing;
    return this.pass();
  }

  async #take({ row, where }: JsonRecord, rows: number, hash: Bun.CryptoHasher): Promise<void> {
    const chosen = selected(row, this.#select);
    for (const name of this.#unseen) if (name in chosen) this.#unseen.delete(name);
    const cells = this.#table.row(chosen, where);
    this.#batch.push(cells);
    this.#batchChars += this.#table.width;
    for (const name in cells) {
      const cell = cells[name];
      this.#batchChars += typeof cell === "string" ? cell.length : 8;
    }
    if (this.#batch.length >= batchRows || this.#batchChars >= batchChars) {
      await this.#send(rows, hash);
    }
  }

  async #send(rows: number, hash: Bun.CryptoHasher): Promise<void> {
    if (this.#batch.length === 0) return;
    const { table, key } = this.#source;
    const unitRows = this.#unitRows + this.#batch.length;
    // Before the batch: one row may be nearly as large as a unit.
    if (unitRows > checkpointRows || this.#unitChars + this.#batchChars > checkpointChars) {
      await this.#checkpoint();
    }
    const grown = this.#table.grown();
    if (grown !== null) await this.#ctx.emit(growTable, grown);
    if (key.length === 0) await this.#ctx.insert(table, this.#batch);
    else await this.#ctx.upsert(table, this.#batch, { key: this.#table.keyColumns });
    this.#unitRows += this.#batch.length;
    this.#unitChars += this.#batchChars;
    this.#batch = [];
    this.#batchChars = 0;
    this.#mark = { rows, sha256: digest(hash) };
  }

  async #checkpoint(): Promise<void> {
    if (this.#unitRows === 0) return;
    await this.#ctx.checkpoint(this.#mark);
    this.#committed = this.#mark.rows;
    this.#unitRows = this.#unitChars = 0;
  }
}

/** Of what was hashed so far. */
const digest = (hash: Bun.CryptoHasher): string => hash.copy().digest("hex");

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
