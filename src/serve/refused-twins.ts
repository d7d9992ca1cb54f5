// Pipelines of one name in one database: a slot of a pipeline runs once there, whichever file has it.

import type { ServedEntry } from "./served-entry.ts";

/** The first one is served, and the others are marked by `twinOf`. @returns these, each with the reason */
export function refusedTwins(
  scheduled: readonly ServedEntry[],
  now: number,
): [entry: ServedEntry, reason: string][] {
  const byKey = Map.groupBy(scheduled, ({ db, name }) => `${db}\0${name}`);
  return [...byKey.values()].flatMap((group) => {
    const [first, ...others] = group.toSorted((a, b) => (a.argument < b.argument ? -1 : 1));
    if (first === undefined) return [];
    if (first.twinOf !== null) first.again = now;
    first.twinOf = null;
    return others.map((entry): [ServedEntry, string] => {
      entry.twinOf = first.argument;
      return [entry, twinText(entry, first)];
    });
  });
}

const twinText = ({ name }: ServedEntry, { argument }: ServedEntry): string =>
  `"${name}" is the name of the pipeline in ${argument} too, in the same database; give one of them another name or db`;
