// Whether a database has changed, without opening it: there may be hundreds.

import { statSync } from "node:fs";

import { systemClock } from "../../base/clock.ts";

/** The clock of a file system may be this coarse: a later write may have the same time. */
const coarseMs = 2_000;

export type FileState = {
  /** Another one after each write. */
  readonly text: string;
  /** It was written so lately that the next write may leave the same text. */
  readonly isFresh: boolean;
};

/** Of the file at the path, and its WAL. Whoever reads may leave an empty WAL, or take it away: that is no change. */
export function fileState(path: string): FileState {
  const stats = [path, `${path}-wal`]
    .map((each) => statSync(each, { bigint: true, throwIfNoEntry: false }))
    .filter((stat) => stat === undefined || stat.size > 0n);
  const text = stats.map((stat) =>
    stat === undefined ? "" : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`,
  );
  const newest = Math.max(...stats.map((stat) => Number(stat?.mtimeMs ?? 0)));
  return { text: text.join(" ").trim(), isFresh: systemClock.wall() - newest < coarseMs };
}
