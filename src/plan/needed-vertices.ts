// Whose ends a task waits for, while that is still known: before its input is filled, or when it is skipped.

import type { TaskId } from "../protocol/ids.ts";
import { type Needed, needsText } from "../protocol/needs.ts";
import { noTags } from "../protocol/tags.ts";
import type { TaskVertex, Vertex } from "./vertex.ts";

/** As it is stored. Undefined where the task waits for nothing, and may run on every machine. */
export function needsOf({ input, after, on }: TaskVertex): string | undefined {
  const isAlone = input === undefined || typeof input === "string";
  if (isAlone && after === undefined && on === noTags) return undefined;
  const read = new Set(isAlone ? [] : input.filter((piece) => typeof piece !== "string"));
  const others = after?.filter((vertex) => !read.has(vertex)) ?? [];
  return needsText(neededOf(read), neededOf(others), on);
}

function neededOf(vertices: Iterable<Vertex>): Needed {
  const ids: TaskId[] = [];
  const fanOuts = new Set<string>();
  for (const vertex of vertices) {
    if (vertex.kind === "each") fanOuts.add(vertex.place.id);
    else if (vertex.id !== 0) ids.push(vertex.id);
  }
  return { ids, fanOuts: [...fanOuts] };
}
