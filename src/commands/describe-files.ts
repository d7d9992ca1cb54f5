// How `serve` and `schedule list` look at pipeline files: each in a child, because the user's code runs.

import { systemClock } from "../base/clock.ts";
import { ownCommand } from "../base/own-command.ts";
import { reasonOf } from "../base/system-error.ts";
import { environmentOfChildren } from "../protocol/server-variables.ts";
import { brokenFile, describeInChild, type Named } from "../serve/describe-child.ts";
import type { DescribedFile } from "../serve/described.ts";

const maxLoadMs = 30_000;

/** A file that cannot be looked at is broken. */
export function describer(): (named: Named) => Promise<DescribedFile> {
  const child = {
    own: ownCommand(),
    env: environmentOfChildren(process.env),
    clock: systemClock,
    maxMs: maxLoadMs,
  };
  return (named) =>
    describeInChild(child, named).catch((thrown: unknown) => brokenFile(reasonOf(thrown)));
}
