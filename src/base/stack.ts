// Stacks without pipeloom's own frames: the user can fix only their own files, so these come first.

import { dirname } from "node:path";

import { type Failure, toFailure } from "./failure.ts";

/** From source: the folder of pipeloom. Compiled: the embedded files. The worker calls a task through `node:async_hooks`. */
const ownPlaces = [`${dirname(import.meta.dir)}/`, "/$bunfs/", "B:\\~BUN\\", "node:async_hooks:"];

const isOwn = (line: string): boolean =>
  ownPlaces.some((place) => line.includes(`(${place}`) || line.includes(`at ${place}`));

export const isOwnFile = (file: string): boolean =>
  ownPlaces.some((place) => file.startsWith(place));

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

/** A stack of own frames only stays whole: it is a bug in pipeloom. */
function trimmed(stack: string): string {
  const lines = stack.split("\n");
  const kept = lines.filter((line) => !(isFrame(line) && isOwn(line)));
  return kept.some(isFrame) ? kept.join("\n") : stack;
}

/** Text for a log, with the stack if there is one. */
export function thrownText(thrown: unknown): string {
  const { name, message, stack } = withoutOwnFrames(toFailure(thrown));
  return stack ?? `${name}: ${message}`;
}
