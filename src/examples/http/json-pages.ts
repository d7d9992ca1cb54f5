// The records of an address, and of the pages that follow it.

import {
  acceptEncoding,
  BrokenError,
  contentEncodings,
  gunzipped,
  textOf,
  unpacked,
} from "./body.ts";
import { fetchRetry } from "./fetch-retry.ts";
import { type Format, formatOf, type JsonRecord, jsonRecords } from "./json-rows.ts";
import { nextPage } from "./next-link.ts";
import { resumedBytes, type ResumeOptions } from "./resumed-bytes.ts";
import { shownUrl } from "./shown-url.ts";

type PagesOptions = ResumeOptions & { readonly format: Format; readonly path: string };

/** So many pages alike, one after another, come from a server that does not know the end. */
const mostPagesAlike = 100;

/**
 * @throws BrokenError when a body breaks; HttpError; Error for what is not rows, and for pages without an end
 */
export async function* jsonPages(url: string, options: PagesOptions): AsyncGenerator<JsonRecord> {
  const visited = new Set<string>();
  const alike = new Alike();
  for (let page: string | null = url; page !== null;) {
    if (visited.has(page)) {
      throw new Error(`${shownUrl(page)}: this page comes again: its rel="next" links have no end`);
    }
    visited.add(page);
    const response = await fetchRetry(page, options);
    for await (const record of recordsOf(page, response, options)) {
      alike.add(record.text);
      yield record;
    }
    if (alike.endPage() >= mostPagesAlike) {
      throw new Error(
        `${shownUrl(page)}: this page and the ${mostPagesAlike} before it are the same: its rel="next" links have no end`,
      );
    }
    page = nextPage(response.headers.get("link"), response.url === "" ? page : response.url);
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
  const wire = resumedBytes(url, response, options);
  const bytes = gunzipped(unpacked(wire, contentEncodings(response)));
  const known = format === "auto" ? formatOf(url, type) : format;
  const at = shownUrl(url);
  try {
    for await (const record of jsonRecords(textOf(bytes, type), known, path)) {
      yield { ...record, where: `${at}: ${record.where}` };
    }
  } catch (error) {
    if (!(error instanceof Error) || error instanceof BrokenError) throw error;
    throw new Error(`${at}: ${error.message}`, { cause: error.cause });
  }
}

export const jsonHeaders = {
  accept: "application/json, application/x-ndjson, application/json-seq",
  "accept-encoding": acceptEncoding,
} as const;

/** Counts pages that begin and end alike, and are as long. */
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

  /** How many pages before this one were as it is. */
  endPage(): number {
    const page = `${this.#records}\n${this.#first}\n${this.#last}`;
    this.#count = page === this.#before ? this.#count + 1 : 0;
    this.#before = page;
    this.#first = this.#last = "";
    this.#records = 0;
    return this.#count;
  }
}
