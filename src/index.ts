// What `import … from "pipeloom"` gives: in the executable, in every thread, and as a package.

export type { CellValue, Log, Row, Rows, TaskContext, UpsertOptions } from "./api/context.ts";
export type { Duration } from "./api/duration.ts";
export { message, type MessageDb, type MessageHandle } from "./api/message.ts";
export { each, type Input, type Node, type NodeOptions } from "./api/node.ts";
export type { ParamsOf, StandardSchema } from "./api/params.ts";
export { pipeline, type Pipeline, type PipelineOptions, type Work } from "./api/pipeline.ts";
export type { Retries, RetryOptions } from "./api/retries.ts";
export { type Task, task, type TaskOptions } from "./api/task.ts";
export type { CommittedEvent } from "./protocol/messages.ts";
export type { RunEvent } from "./protocol/events.ts";
export type { Failure } from "./protocol/failure.ts";
export type { RunSummary } from "./protocol/summary.ts";
