// A failure's stack without pipeloom's own frames: what a person can mend is in their file, and that comes first.

import { dirname } from "node:path";

import { type Failure, toFailure } from "./failure.ts";

/** From source: the folder of pipeloom. Compiled: how the source map calls it, and the embedded files. */
const ownPlaces = [`${dirname(import.meta.dir)}/`, "/$bunfs/", "B:\\~BUN\\", "src/"];

const isOwn = (line: string): boolean =>
  ownPlaces.some((place) => line.includes(`(${place}`) || line.includes(`at ${place}`));

const isFrame = (line: string): boolean => /^\s+at /.test(line);

export function withoutOwnFrames(failure: Failure): Failure {
  const { stack, cause, errors } = failure;
  return {
    ...failure,
    ...(stack === undefined ? undefined : { stack: trimmed(stack) }),
    ...(cause === undefined ? undefined : { cause: withoutOwnFrames(cause) }),
    ...(errors === undefined ? undefined : { errors: errors.map(withoutOwnFrames) }),
  };
}

/** When nothing but our own frames would be left, they stay: then it is our bug. */
function trimmed(stack: string): string {
  const lines = stack.split("\n");
  const kept = lines.filter((line) => !(isFrame(line) && isOwn(line)));
  return kept.some(isFrame) ? kept.join("\n") : stack;
}

/** For a log: with its stack where it has one. */
export function thrownText(thrown: unknown): string {
  const { name, message, stack } = withoutOwnFrames(toFailure(thrown));
  return stack ?? `${name}: ${message}`;
}
