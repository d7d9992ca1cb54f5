// The number of workers, and the first messages to the writer and the executors. Pure.

import { JSON } from "../base/globals.ts";
import { canonicalJson } from "../base/json.ts";
import type { ExecutorsOptions, RunOrigin } from "../executors/executors.ts";
import type { Mask } from "../protocol/mask.ts";
import type { RunStarted } from "../protocol/events.ts";
import type { FromWriter, RunInfo, ToWriter } from "../protocol/messages.ts";
import { type RunRequest, threadsEngine } from "../protocol/run-request.ts";
import { noReruns } from "../protocol/reruns.ts";
import { nameInKey } from "../protocol/task-key.ts";
import type { SharedCount } from "../protocol/shared/shared-count.ts";
import type { SharedFlag } from "../protocol/shared/shared-flag.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import type { RunOptions } from "./run-options.ts";

type Size = Pick<ExecutorsOptions, "workers" | "concurrency">;

/**
 * As many workers as the user asks for, or cores; but no more than tasks or slots, as each costs some 20 ms to start.
 * @param tasks how many the plan comes to; infinity where it is not known
 */
export function sizeOf(
  { workers, concurrency, cores }: Pick<RunOptions, "workers" | "concurrency" | "cores">,
  tasks: number,
): Size {
  const most = Math.min(workers ?? cores, tasks, concurrency ?? Number.POSITIVE_INFINITY);
  const threads = Math.max(1, most);
  return { workers: threads, concurrency: concurrency ?? threads };
}

export function openMessage(
  options: RunOptions,
  mask: Mask | undefined,
  size: Size,
  givenUp: SharedFlag,
  recorded: SharedCount,
): Extract<ToWriter, { type: "open" }> {
  const { pipeline, module, writer } = options;
  return {
    type: "open",
    options: writer,
    run: runRequest(options, mask, size),
    module: pipeline.messages.length === 0 ? null : module,
    givenUp: givenUp.buffer,
    recorded: recorded.buffer,
  };
}

export function runRequest(options: RunOptions, mask: Mask | undefined, size: Size): RunRequest {
  const { pipeline, module, params, resume } = options;
  const { keep, rerun, ...reruns } = options.reruns ?? noReruns;
  const inKeys = (name: string): string => storedName(name, mask);
  return {
    trigger: options.trigger,
    version: options.version,
    pipeline: mask?.text(pipeline.name) ?? pipeline.name,
    file: module.kind === "file" ? module.path : null,
    params: mask?.stringify(params) ?? JSON.stringify(params),
    canonicalParams: canonicalJson(params) + selectionText(options.only),
    code: options.code ?? null,
    tasks: (options.tasks ?? []).map(inKeys),
    reruns: { keep: keep.map(inKeys), rerun: rerun.map(inKeys), ...reruns },
    reuses: reusesOf(options, mask),
    resume,
    scheduledFor: options.scheduledFor ?? null,
    isAlone: options.isAlone ?? false,
    wait: options.wait ?? false,
    schema: pipeline.schema,
    keep: pipeline.keep,
    secrets: pipeline.secrets,
    engine: options.engine?.shown ?? threadsEngine,
    ...size,
  };
}

/** None where the code cannot be known. */
const reusesOf = ({ code, definitions }: RunOptions, mask: Mask | undefined) =>
  code === undefined
    ? []
    : (definitions ?? []).flatMap(({ name, reuse }) =>
        reuse === undefined ? [] : [[storedName(name, mask), reuse.maxAgeMs] as const],
      );

/** A part of the plan is a run of its own: it leaves one that died with the whole plan as it is. */
const selectionText = (only: RunOptions["only"]): string =>
  only === undefined
    ? ""
    : ` only ${canonicalJson(Object.fromEntries(only.members))}` +
      (only.titles.length === 0 ? "" : canonicalJson(only.titles));

/** A definition's name as it is in the file. */
export const storedName = (name: string, mask: Mask | undefined): string =>
  mask?.text(nameInKey(name)) ?? nameInKey(name);

export const executorsOptions = (
  { module, sources, writer, pipeline, definitions = [] }: RunOptions,
  size: Size,
  programs: Programs,
  maxInput: number,
): ExecutorsOptions => ({
  ...size,
  module,
  sources: sources ?? [],
  db: writer.db === ":memory:" ? null : writer.db,
  secrets: pipeline.secrets,
  maxInput,
  hasLabels: definitions.some(({ label }) => label !== undefined),
  programs,
});

export const originOf = ({
  started,
  beganAt,
}: Pick<Extract<FromWriter, { type: "opened" }>, "started" | "beganAt">): RunOrigin => ({
  beganAt,
  isResumed: started.resumed,
});

/** What the workers are told when the run has begun. */
export const runInfo = (
  { pipeline, params, writer }: RunOptions,
  { run, slot }: Pick<RunStarted, "run" | "slot">,
): RunInfo => ({
  id: run,
  pipeline: pipeline.name,
  params: JSON.stringify(params),
  maxLogLines: writer.storeTaskStatus ? pipeline.maxLogLines : null,
  hasOwnTables: writer.storeTaskStatus,
  ...(slot === undefined ? {} : { slot }),
});
