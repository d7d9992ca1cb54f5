// Where user code threw: file, line and column.

import { existsSync } from "node:fs";

import { failureLine, toFailure } from "./failure.ts";
import { shownPath } from "./path.ts";

/** `etl.ts:3:7: TypeError: …`: an error of user code, with the first place in the user's files. */
export function thrownAt(error: unknown, path: string): string {
  if (typeof error === "string") return `${shownPath(path)}: ${error}`;
  const failure = toFailure(error);
  const at = userFrame(failure.stack ?? "", path);
  return `${at ?? shownPath(path)}: ${failureLine(failure)}`;
}

const frame = /\(?(?:file:\/\/)?([^()\s]+):(\d+):(\d+)\)?$/;

/** `etl.ts:3:7`: the first frame in the file at `path`, or the first in any existing file. */
export function userFrame(stack: string, path: string): string | undefined {
  const frames = stack.split("\n").flatMap((line) => {
    const match = frame.exec(line.trim());
    return match === null ? [] : [{ file: match[1] ?? "", at: `${match[2]}:${match[3]}` }];
  });
  const own =
    frames.find(({ file }) => file === path) ?? frames.find(({ file }) => existsSync(file));
  return own === undefined ? undefined : `${shownPath(own.file)}:${own.at}`;
}
