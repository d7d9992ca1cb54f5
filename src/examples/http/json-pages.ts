// The records of an address and of the pages that it links to.

import { acceptEncoding, BrokenError } from "../../formats/http/body.ts";
import { retriedFetch } from "../../formats/http/retried-fetch.ts";
import {
  type Format,
  formatOf,
  type JsonRecord,
  jsonRecords,
} from "../../formats/json/json-rows.ts";
import { linkedPages } from "../../formats/http/linked-pages.ts";
import { resumedText, type ResumeOptions } from "../../formats/http/resumed-bytes.ts";
import { shownUrl } from "../../formats/http/shown-url.ts";

type PagesOptions = ResumeOptions & { readonly format: Format; readonly path: string };

/** After this many identical pages in a row, the server's `next` links are considered endless. */
const mostPagesAlike = 100;

/**
 * @throws BrokenError when a transfer breaks; HttpError; Error for data that is not rows, and for endless pages
 */
export async function* jsonPages(url: string, options: PagesOptions): AsyncGenerator<JsonRecord> {
  const alike = new Alike();
  const { ownHeaders: _, ...optionsElsewhere } = options;
  const optionsFor = (page: string): PagesOptions =>
    new URL(page).origin === new URL(url).origin ? options : optionsElsewhere;
  const pages = linkedPages(url, Number.POSITIVE_INFINITY, (page) =>
    retriedFetch(page, optionsFor(page)),
  );
  for await (const { url: page, response } of pages) {
    for await (const record of recordsOf(page, response, optionsFor(page))) {
      alike.add(record.text);
      yield record;
    }
    if (alike.endPage() >= mostPagesAlike) {
      throw new Error(
        `${shownUrl(page)}: this page and the ${mostPagesAlike} before it are identical: rel="next" links seem to have no end`,
      );
    }
  }
}

async function* recordsOf(
  url: string,
  response: Response,
  options: PagesOptions,
): AsyncGenerator<JsonRecord> {
  const { format, path } = options;
  // No Content.
  if (response.status === 204) return;
  const type = response.headers.get("content-type");
  const text = resumedText(url, response, options);
  const known = format === "auto" ? formatOf(url, type) : format;
  const at = shownUrl(url);
  try {
    for await (const record of jsonRecords(text, known, path)) {
      yield { ...record, where: `${at}: ${record.where}` };
    }
  } catch (error) {
    if (!(error instanceof Error) || error instanceof BrokenError) throw error;
    const what = otherwise(type);
    if (what !== undefined) throw new Error(`${at}: ${what}`);
    throw new Error(`${at}: ${error.message}`, { cause: error.cause });
  }
}

/** What a response is that is no JSON, and says so. */
function otherwise(type: string | null): string | undefined {
  if (type?.startsWith("text/html") === true)
    return "the response is a web page (text/html), not JSON";
  if (type?.startsWith("text/csv") !== true) return undefined;
  return "the response is CSV, not JSON: save it with `pipeloom download`, then load it with `pipeloom csv`";
}

export const jsonHeaders = {
  accept: "application/json, application/x-ndjson, application/json-seq",
  "accept-encoding": acceptEncoding,
} as const;

/** Counts consecutive pages with the same first record, last record and number of records. */
class Alike {
  #before = "";
  #count = 0;
  #first = "";
  #last = "";
  #records = 0;

  add(text: string): void {
    if (this.#records++ === 0) this.#first = text;
    this.#last = text;
  }

  /** Ends a page. @returns the number of identical pages directly before it */
  endPage(): number {
    const page = `${this.#records}\n${this.#first}\n${this.#last}`;
    this.#count = page === this.#before ? this.#count + 1 : 0;
    this.#before = page;
    this.#first = this.#last = "";
    this.#records = 0;
    return this.#count;
  }
}
