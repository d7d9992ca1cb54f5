// Loads the records of one address into a table, and resumes after a broken transfer or a crash.

import type { TaskContext } from "pipeloom";

import { existingColumns, growTable, type TableShape } from "../example-table.ts";
import { headersOf } from "./header-lines.ts";
import { jsonHeaders, jsonPages } from "./json-pages.ts";
import {
  type Format,
  formats,
  type JsonRecord,
  type JsonRow,
  parseSelect,
  selected,
} from "../../formats/json/json-rows.ts";
import { JsonTable } from "./json-table.ts";
import { keyNote, lacksKey } from "../table-key.ts";
import { shownUrl } from "../../formats/http/shown-url.ts";

/** Limits of one batch; the first one reached counts. */
const batchRows = 1000;
const batchChars = 1024 * 1024;
/** Limits of one checkpoint. A unit is bounded, and a late failure keeps the rows that are already committed. */
const checkpointRows = 50_000;
const checkpointChars = 16 * 1024 * 1024;

export type Source = {
  url: string;
  table: string;
  key: string[];
  select: string;
  format: string;
  path: string;
  /** As they are typed. */
  headers: string[];
};

/** The response differs from the one that this attempt has already sent rows of. */
export class ChangedError extends Error {
  static override readonly name = "ChangedError";
  override readonly name = ChangedError.name;
}

function formatNamed(name: string): Format {
  const known = formats.find((format) => format === name);
  if (known !== undefined) return known;
  throw new TypeError(`format: ${name} is not one of ${formats.join(", ")}`);
}

/** The number of records sent, and the SHA-256 of their text. */
type Mark = { readonly rows: number; readonly sha256: string };

const nothing: Mark = { rows: 0, sha256: "" };

/**
 * One address. Each pass reads it from the beginning. Records that an earlier pass or attempt has sent are compared by
 * hash and not sent again.
 */
export class JsonLoad {
  readonly #source: Source;
  readonly #ctx: TaskContext;
  readonly #format: Format;
  readonly #select: ReadonlyMap<string, string>;
  readonly #table: JsonTable;
  /** The table is there, and needs a unique index for the key. */
  #isKeyMissing: boolean;
  /** Selected columns that no row has had so far. */
  readonly #unseen: Set<string>;
  #mark: Mark;
  #batch: JsonRow[] = [];
  #batchChars = 0;
  /** Rows and characters sent since the last checkpoint. */
  #unitRows = 0;
  #unitChars = 0;

  constructor(source: Source, ctx: TaskContext) {
    this.#source = source;
    this.#ctx = ctx;
    this.#format = formatNamed(source.format);
    this.#select = parseSelect(source.select);
    this.#unseen = new Set(this.#select.keys());
    const existing = existingColumns(ctx, source.table);
    this.#table = new JsonTable(source.table, source.key, this.#select.keys(), existing);
    this.#isKeyMissing = existing.length > 0 && lacksKey(ctx, source.table, source.key);
    if (this.#isKeyMissing) this.#table.needKey();
    this.#mark = (ctx.cursor as Mark | undefined) ?? nothing;
  }

  /** Number of records sent. */
  get sent(): number {
    return this.#mark.rows;
  }

  /** @returns the number of rows at the address */
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
      ownHeaders: headersOf(this.#source.headers, this.#ctx.env),
      onWait: (why: string, ms: number) =>
        this.#ctx.log.warn(`${why}; trying again in ${ms / 1000} s`),
    };
    for await (const record of jsonPages(this.#source.url, options)) {
      this.#ctx.signal.throwIfAborted();
      hash.update(record.text).update("\n");
      rows++;
      if (rows > this.#mark.rows) await this.#take(record, rows, hash);
      else if (rows === this.#mark.rows && digest(hash) !== this.#mark.sha256) return this.#again();
    }
    if (rows < this.#mark.rows) return this.#again();
    await this.#send(rows, hash);
    this.#report(rows);
    return rows;
  }

  get #shown(): string {
    return shownUrl(this.#source.url);
  }

  #report(rows: number): void {
    this.#ctx.log.info(`${this.#shown}: ${rows} rows`);
    if (rows === 0 || this.#unseen.size === 0) return;
    const names = [...this.#unseen].map((name) => this.#select.get(name)).join(", ");
    this.#ctx.log.warn(`${this.#shown}: no row has ${names}, which --select names`);
  }

  /**
   * The data has changed since rows of it were sent. Rows of two versions must not be mixed.
   * @throws ChangedError if some of these rows are not committed; the next attempt starts without them
   */
  #again(): Promise<number> {
    const { table, key } = this.#source;
    if (this.#unitRows > 0)
      throw new ChangedError(`${this.#shown}: the data has changed while it was read`);
    const what = `${this.#shown}: the data has changed since ${this.#mark.rows} rows of it were stored`;
    if (key.length === 0) {
      throw new Error(
        `${what}, and without a key the stored rows cannot be updated; delete them from ${table}, or choose another --table, and run with --fresh`,
      );
    }
    this.#ctx.log.warn(
      `${what}: all rows are stored again; rows that are gone from the data stay in ${table}`,
    );
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
    // Checkpoint before the batch is sent: one row may be nearly as large as a unit.
    if (unitRows > checkpointRows || this.#unitChars + this.#batchChars > checkpointChars) {
      await this.#checkpoint();
    }
    const grown = this.#table.grown();
    if (grown !== null) await this.#grow(grown);
    if (key.length === 0) await this.#ctx.insert(table, this.#batch);
    else await this.#ctx.upsert(table, this.#batch, { key: this.#table.keyColumns });
    this.#unitRows += this.#batch.length;
    this.#unitChars += this.#batchChars;
    this.#batch = [];
    this.#batchChars = 0;
    this.#mark = { rows, sha256: digest(hash) };
  }

  async #grow(shape: TableShape): Promise<void> {
    if (this.#isKeyMissing) this.#ctx.log.info(keyNote(shape.table, shape.key));
    this.#isKeyMissing = false;
    await this.#ctx.emit(growTable, shape);
  }

  async #checkpoint(): Promise<void> {
    if (this.#unitRows === 0) return;
    await this.#ctx.checkpoint(this.#mark);
    this.#unitRows = this.#unitChars = 0;
  }
}

/** The digest so far; the hash stays usable. */
const digest = (hash: Bun.CryptoHasher): string => hash.copy().digest("hex");
