// Nodes without the registry: `task()` registers a name permanently in this thread, and a test may need many names.

import { EachNode, type NodeSettings, TaskNode } from "../../src/api/node.ts";
import { noRetries } from "../../src/api/retries.ts";
import type { AnyTaskDefinition } from "../../src/api/task-definition.ts";

export const definition = (
  name: string,
  more: Partial<AnyTaskDefinition> = {},
): AnyTaskDefinition => ({
  name,
  run: () => null,
  bareCalls: undefined,
  label: undefined,
  retries: noRetries,
  retryOn: undefined,
  retryAfter: undefined,
  timeoutMs: undefined,
  pool: undefined,
  priority: 0,
  optional: false,
  maxLogLines: undefined,
  on: "",
  reuse: undefined,
  ...more,
});

/** The node that calling a task returns. */
export const node = (
  name: string,
  input?: unknown,
  settings?: NodeSettings,
  more?: Partial<AnyTaskDefinition>,
): TaskNode => new TaskNode(definition(name, more), input, settings);

export const fan = (source: unknown, item: (item: unknown, index: number) => unknown): EachNode =>
  new EachNode(source, item);
