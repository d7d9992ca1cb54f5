// What a task's options come to: checked, with the defaults. Other rooms know a task by this.

import type { Failure } from "../base/failure.ts";
import type { RetryPolicy } from "../protocol/messages.ts";
import type { TagSet } from "../protocol/tags.ts";
import type { TaskContext } from "./context.ts";
import type { ReuseRule } from "./reuse-rule.ts";
import type { RetryAfter } from "./retry-after.ts";

export type TaskDefinition<In, Out> = {
  readonly name: string;
  readonly run: (input: In, ctx: TaskContext) => Out | Promise<Out>;
  /** Vertices of calls without an input. Undefined: `run` has no default for its input, so it gets null from them. */
  readonly bareCalls: WeakSet<object> | undefined;
  /** What tells a task from others of this definition, made of its input. */
  readonly label: ((input: In) => string) | undefined;
  readonly retries: RetryPolicy;
  readonly retryOn: ((failure: Failure) => boolean) | undefined;
  readonly retryAfter: RetryAfter | undefined;
  readonly timeoutMs: number | undefined;
  readonly pool: string | undefined;
  readonly priority: number;
  /** The tags of the machines that it may run on. */
  readonly on: TagSet;
  readonly optional: boolean;
  /** Of one attempt; undefined: as the pipeline says. */
  readonly maxLogLines: number | undefined;
  /** Undefined: it runs in each run. */
  readonly reuse: ReuseRule | undefined;
};

/** For code that does not know the types of a definition. The input is `never`, so that `run` cannot be called. */
export type AnyTaskDefinition = TaskDefinition<never, unknown>;
