// How `serve` and `schedule list` look at pipeline files: each in a child, because the user's code runs.

import { systemClock } from "../base/clock.ts";
import { ownCommand } from "../base/own-command.ts";
import { reasonOf } from "../base/system-error.ts";
import { brokenFile, describeInChild, type Named } from "../serve/describe-child.ts";
import type { DescribedFile } from "../serve/described.ts";
import { webhookVariable } from "./serve-flags.ts";

const maxLoadMs = 30_000;

/** A file that cannot be looked at is broken. */
export function describer(): (named: Named) => Promise<DescribedFile> {
  const child = { own: ownCommand(), env: childEnv(), clock: systemClock, maxMs: maxLoadMs };
  return (named) =>
    describeInChild(child, named).catch((thrown: unknown) => brokenFile(reasonOf(thrown)));
}

/** The environment of children that run the user's code: without what is for serve alone. */
export function childEnv(): Record<string, string> {
  const own = new Set([webhookVariable, "PIPELOOM_UI_TOKEN", "PIPELOOM_METRICS_TOKEN"]);
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || own.has(name) ? [] : [[name, value]],
    ),
  );
}
