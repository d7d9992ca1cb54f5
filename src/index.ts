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
export { CommandError } from "./api/program.ts";
export { sh, type ShOptions } from "./api/sh.ts";
export { type Task, task, type TaskOptions } from "./api/task.ts";
export { webhook, type WebhookOptions } from "./api/webhook.ts";
export type { CsvBadRow, CsvOptions } from "./formats/csv/csv.ts";
export type { CsvCell, CsvRow } from "./formats/csv/csv-file.ts";
export type { RunEvent } from "./protocol/events.ts";
export type { LogOptions } from "./api/logs.ts";
export type { Failure } from "./base/failure.ts";
export type { RunSummary } from "./protocol/summary.ts";

import type { Pipeline } from "./api/pipeline.ts";
import type { CsvOptions } from "./formats/csv/csv.ts";
import type { CsvRow } from "./formats/csv/csv-file.ts";
import type { RunPipelineOptions } from "./run-pipeline.ts";
import type { RunSummary } from "./protocol/summary.ts";

export type { RunPipelineOptions } from "./run-pipeline.ts";

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
