// What `import … from "pipeloom"` gives: in the executable, in every thread, and as a package.

export type {
  CellValue,
  InsertOptions,
  Log,
  Row,
  Rows,
  TaskContext,
  TaskState,
  UpsertOptions,
} from "./api/context.ts";
export type { Duration } from "./base/parse-duration.ts";
export { message, type MessageDb, type MessageHandle } from "./api/message.ts";
export { each, type Input, type Node, type NodeOptions } from "./api/node.ts";
export type { ParamsOf, StandardSchema } from "./api/params.ts";
export { pipeline, type Pipeline, type PipelineOptions, type Work } from "./api/pipeline.ts";
export type { Retries, RetryOptions } from "./api/retries.ts";
export type { ScheduleOptions } from "./api/schedule-options.ts";
export { CommandError } from "./api/program.ts";
export { sh, type ShOptions } from "./api/sh.ts";
export { type Task, task, type TaskOptions } from "./api/task.ts";
export { webhook, type WebhookOptions } from "./api/webhook.ts";
export { HttpError } from "./formats/http/http-error.ts";
export type { FetchPagesOptions, FetchRetryOptions } from "./formats/http/fetch-retry.ts";
export type { JsonRow } from "./formats/json/json-rows.ts";
export type { CsvBadRow, CsvOptions } from "./formats/csv/csv.ts";
export type { CsvCell, CsvRow } from "./formats/csv/csv-file.ts";
export type { RunEvent } from "./protocol/events.ts";
export type { LogOptions } from "./api/logs.ts";
export type { Failure } from "./base/failure.ts";
export type { RunSummary } from "./protocol/summary.ts";

import type { Pipeline } from "./api/pipeline.ts";
import type { CsvOptions } from "./formats/csv/csv.ts";
import type { CsvRow } from "./formats/csv/csv-file.ts";
import type { FetchPagesOptions, FetchRetryOptions } from "./formats/http/fetch-retry.ts";
import type { JsonRow } from "./formats/json/json-rows.ts";
import type { RunPipelineOptions } from "./api/run-pipeline-options.ts";
import type { RunSummary } from "./protocol/summary.ts";

export type { RunPipelineOptions } from "./api/run-pipeline-options.ts";

/**
 * Runs a pipeline: a file (`"etl.ts"`, `"etl.ts:name"`), or what `pipeline({ … })` returned in this program. Workers
 * import the file; in the program that calls this, that is the program itself, and there the call does nothing.
 *
 * @returns what became of it; a failed task is in the summary, not thrown
 * @throws for what is wrong before anything has run: the file, the params, the graph, the database
 */
export async function runPipeline(
  target: string | Pipeline,
  options?: RunPipelineOptions,
): Promise<RunSummary> {
  // Loaded when called: the threads import this file too, and never run a pipeline.
  const library = await import("./run-pipeline.ts");
  return library.runPipeline(target, options);
}

/**
 * The rows of a CSV file, one after the other: `await ctx.upsert("items", csv("items.csv"), { key: "id" })`. The file may
 * be compressed (`.gz`), and of any size: it is looked through once, for its columns and their types, then read in blocks.
 *
 * @param path relative to the working directory: in a run of `pipeloom run`, the folder of the pipeline file
 * @returns objects with the names of the header's columns
 * @throws Error, when it is read, naming file and line for the first row that cannot be read, and for a file that changes
 *   meanwhile
 */
export async function* csv(path: string, options: CsvOptions = {}): AsyncGenerator<CsvRow> {
  // Loaded when called: most threads never read a file.
  const { readCsv } = await import("./formats/csv/csv.ts");
  yield* readCsv(path, options);
}

/**
 * The rows of a file with one JSON object per line (JSON Lines, NDJSON), one after the other:
 * `await ctx.upsert("events", jsonLines("events.jsonl.gz"), { key: "id", create: true })`. The file may be compressed (gzip)
 * and of any size. Blank lines are skipped.
 *
 * An integer beyond 2^53 is a bigint; another number that a JavaScript number would change is its text. Within a nested value
 * such a number is an object with its text (`rawJSON`), which is stored with all of its digits.
 *
 * @param source a path, relative as that of `csv`, or an http or https address
 * @param options of the requests, for an address; a transfer that breaks goes on where it broke
 * @throws Error, when it is read, naming the source, and the line for the first one that is no JSON object
 */
export async function* jsonLines(
  source: string | URL,
  options: FetchRetryOptions = {},
): AsyncGenerator<JsonRow> {
  const { readJsonLines } = await import("./formats/json/json-lines.ts");
  yield* readJsonLines(source, options);
}

/**
 * `fetch` for tasks: pass `{ signal: ctx.signal }`. Statuses 408, 429 and 5xx, 403 with `Retry-After`, and errors of the network
 * are tried again, after the wait that the server asks for (`Retry-After`), else after 0.5 s, 1 s, 2 s … (at most 1 minute).
 * Each wait is a line of the task's log. A request that is not a GET is tried again too, and may reach the server twice.
 *
 * @param options those of `fetch`, and `tries`, `delay`, `maxDelay`, `maxRetryAfter`, `timeout`, `accept`
 * @returns a response whose status is 2xx, or one of `accept`
 * @throws HttpError for another status, Error for a network error, naming address and tries; the signal's reason
 */
export async function fetchRetry(
  url: string | URL,
  options: FetchRetryOptions = {},
): Promise<Response> {
  const { fetchRetried } = await import("./formats/http/fetch-retry.ts");
  return fetchRetried(url, options);
}

/**
 * The response of an address, and of the pages that it links to (`Link: <…>; rel="next"`), one after the other; a page is
 * requested when the one before is done with:
 * `for await (const page of fetchPages(url, { signal: ctx.signal })) await ctx.upsert("posts", await page.json(), { key: "id" })`.
 * To another server, `authorization` and `cookie` are not sent.
 *
 * @param options as for `fetchRetry`, and `maxPages`
 * @throws as `fetchRetry`; Error for links that form a loop
 */
export async function* fetchPages(
  url: string | URL,
  options: FetchPagesOptions = {},
): AsyncGenerator<Response> {
  const { fetchedPages } = await import("./formats/http/fetch-retry.ts");
  yield* fetchedPages(url, options);
}
