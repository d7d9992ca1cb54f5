// Where user code threw: file, line and column.

import { existsSync } from "node:fs";

import { failureLine, toFailure } from "./failure.ts";
import { shownPath } from "./path.ts";
import { isOwnFile } from "./stack.ts";

/** `etl.ts:3:7: TypeError: …`: an error of user code, with the first place in the user's files. */
export function thrownAt(error: unknown, path: string): string {
  if (typeof error === "string") return `${shownPath(path)}: ${error}`;
  const failure = toFailure(error);
  const at = userFrame(failure.stack ?? "", path);
  return `${at ?? shownPath(path)}: ${failureLine(failure)}`;
}

/**
 * `etl.ts:3:7`: the first frame in the file at `path`, or the first in a file of the user. The path may be a link, and frames name what it
 * leads to. A file within the executable exists, for the executable.
 */
export function userFrame(stack: string, path: string): string | undefined {
  const frames = stack.split("\n").flatMap((line) => frameIn(line.trim()) ?? []);
  const own =
    frames.find(({ file }) => file === path) ??
    frames.find(({ file }) => !isOwnFile(file) && existsSync(file));
  return own === undefined ? undefined : `${shownPath(own.file)}:${own.at}`;
}

type Frame = { readonly file: string; readonly at: string };

/**
 * `at run (file:///srv/etl.ts:3:7)`. What is before the numbers is cut by hand: a message may have one line of a megabyte, and an
 * expression that looks for its beginning takes the square of that.
 */
function frameIn(line: string): Frame | undefined {
  const end = /:(\d+):(\d+)\)?$/.exec(line);
  if (end === null) return undefined;
  const file = line
    .slice(0, end.index)
    .split(/[()\s]/)
    .at(-1)
    ?.replace(/^file:\/\//, "");
  return file === undefined || file === "" ? undefined : { file, at: `${end[1]}:${end[2]}` };
}
