// Whose ends a task has waited for, as stored in `task_runs.needs`: `on:big+gpu,3,5-9,each:1x2y;12`. The tags of the workers that
// may run it, ids of tasks, in ranges, and fan-outs of the graph (run-graph.ts); after `;` those whose results it has not read. Pure.

import type { TaskId } from "./ids.ts";
import { isTag, noTags, type TagSet, tagsIn } from "./tags.ts";

export type Needed = {
  readonly ids: readonly TaskId[];
  /** `each:…`, of `RunGraph`. */
  readonly fanOuts: readonly string[];
};

/** Ids as first and last of ranges: of a fan-in of a million there is one. */
export type StoredNeeded = {
  readonly ranges: readonly (readonly [first: number, last: number])[];
  readonly fanOuts: readonly string[];
};

type Needs = {
  readonly reads: StoredNeeded;
  readonly after: StoredNeeded;
  readonly tags: readonly string[];
  /** There are more. */
  readonly isCut: boolean;
};

const cutMark = "…";
const noneNeeded: Needed = { ids: [], fanOuts: [] };

/** Characters. */
const maxNeeds = 1000;
/** Undefined where there is nothing. */
export function needsText(
  reads: Needed,
  after: Needed = noneNeeded,
  on: TagSet = noTags,
): string | undefined {
  const tags = on === noTags ? [] : [`on:${tagsIn(on).join("+")}`];
  const [first, second] = [neededText(reads, tags), neededText(after, [])];
  const text = second === "" ? first : `${first};${second}`;
  if (text.length <= maxNeeds) return text === "" ? undefined : text;
  return text.slice(0, text.lastIndexOf(",", maxNeeds) + 1) + cutMark;
}

function neededText({ ids, fanOuts }: Needed, before: readonly string[]): string {
  const words = [...before];
  const sorted = ids.toSorted((a, b) => a - b);
  for (let first = 0; first < sorted.length;) {
    let last = first;
    while (sorted[last + 1] === (sorted[last] ?? 0) + 1) last++;
    words.push(first === last ? `${sorted[first]}` : `${sorted[first]}-${sorted[last]}`);
    first = last + 1;
  }
  return [...words, ...fanOuts].join();
}

/** Words that pipeloom cannot have written are left out. */
export function needsIn(text: string): Needs {
  const isCut = text.endsWith(cutMark);
  const [reads = "", after = ""] = (isCut ? text.slice(0, -1) : text).split(";");
  const [first = ""] = reads.split(",");
  const tags = first.startsWith("on:") ? first.slice(3).split("+").filter(isTag) : [];
  return { reads: neededIn(reads), after: neededIn(after), tags, isCut };
}

function neededIn(text: string): StoredNeeded {
  const ranges: (readonly [number, number])[] = [];
  const fanOuts: string[] = [];
  for (const word of text.split(",")) {
    const [, first, last = first] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(word) ?? [];
    if (first !== undefined) ranges.push([Number(first), Number(last)]);
    else if (word.startsWith("each:")) fanOuts.push(word);
  }
  return { ranges, fanOuts };
}
