// `jsonLines(source)`: the rows of a file or an address with one JSON object per line, for any task.

import { reasonOf } from "../../base/system-error.ts";
import { acceptEncoding, gunzipped, type Piece, textOf } from "../http/body.ts";
import { type FetchRetryOptions, request } from "../http/fetch-retry.ts";
import { resumedText } from "../http/resumed-bytes.ts";
import { retriedFetch } from "../http/retried-fetch.ts";
import { shownUrl } from "../http/shown-url.ts";
import { jsonRecords, type JsonRow } from "./json-rows.ts";
import { cellOf } from "./json-values.ts";

/** @throws Error naming the source, and the line for one that is no JSON object */
export async function* readJsonLines(
  source: string | URL,
  options: FetchRetryOptions,
): AsyncGenerator<JsonRow> {
  const isAddress = /^https?:/i.test(String(source));
  const path = source instanceof URL && !isAddress ? Bun.fileURLToPath(source) : String(source);
  const shown = isAddress ? shownUrl(path) : path;
  const texts = isAddress ? textAt(path, options) : textOf(fileBytes(path), null);
  try {
    for await (const { row } of jsonRecords(texts, "jsonl", "")) yield exactRow(row);
  } catch (error) {
    if (!(error instanceof Error) || error.message.startsWith(`${shown}: `)) throw error;
    throw new Error(`${shown}: ${reasonOf(error)}`, { cause: error.cause });
  }
}

async function* fileBytes(path: string): AsyncGenerator<Piece> {
  yield* gunzipped(Bun.file(path).stream());
}

async function* textAt(url: string, options: FetchRetryOptions): AsyncGenerator<string> {
  const { address, policy, accept } = request(url, options, "jsonLines");
  const headers = { "accept-encoding": acceptEncoding, ...policy.headers };
  const response = await retriedFetch(address, { ...policy, headers }, accept);
  yield* resumedText(address, response, { ...policy, headers });
}

/** Numbers that a double would change become bigints, or text where they are no 64-bit integers. */
function exactRow(row: JsonRow): JsonRow {
  for (const name in row) {
    const value = row[name];
    if (typeof value === "object" && JSON.isRawJSON(value))
      return Object.fromEntries(Object.entries(row).map(exactEntry));
  }
  return row;
}

const exactEntry = ([name, value]: readonly [string, unknown]): [string, unknown] => [
  name,
  JSON.isRawJSON(value) ? cellOf(value) : value,
];
