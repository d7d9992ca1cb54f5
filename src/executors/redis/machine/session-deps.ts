// What a session on a machine is given to work with, and how it ends.

import { exactDuration } from "../../../base/format-duration.ts";
import { plural } from "../../../base/text.ts";
import type { ModuleRef } from "../../../protocol/messages.ts";
import type { LogLevel } from "../../../protocol/status.ts";
import type { TagSet } from "../../../protocol/tags.ts";
import type { CreateExecutors } from "../../executors.ts";
import type { MachineInfo, MachinePlaces, SharedModule, ToRun } from "../engine-messages.ts";
import type { Frame } from "../link.ts";
import type { TaskNews } from "./task-news.ts";

export type Pool = ReturnType<CreateExecutors> & { readonly averageMs: number | undefined };

export type SessionDeps = {
  readonly machine: MachineInfo;
  readonly pipeline: string;
  /** See `hello`. */
  readonly heardAt: number;
  createPool(...args: Parameters<CreateExecutors>): Pool;
  transmit(frame: Frame<ToRun>): void;
  /** The file of the module, on this machine. Undefined where its bundle is not to be had. */
  load(module: SharedModule): Promise<ModuleRef | undefined>;
  /** Tasks of the run ask for these tags: leases of those that the machine has are taken from now on. */
  asked(tagSets: readonly TagSet[]): void;
  say(level: LogLevel, line: string): void;
  /** The session is over: nothing of it runs here any more. */
  over(reason: SessionEnd): void;
  /** Attempts have ended. */
  ended(counts: Pick<TaskNews, "done" | "failed">): void;
  /** Somebody looks at the machine's tasks. */
  readonly isShown: boolean;
  /** The average duration of tasks may have changed, and with it how many leases the machine takes. */
  measured(): MachinePlaces;
};

/**
 * `silent`: the run has said nothing for too long, and may come back. `replaced`: it has died, and another session continues it.
 * `left`: this machine ends.
 */
export type SessionEnd = "over" | "given up" | "silent" | "replaced" | "left";

export const endings: Readonly<Record<SessionEnd, (pipeline: string) => string>> = {
  over: (pipeline) => `the run of ${pipeline} is over`,
  "given up": (pipeline) =>
    `the run of ${pipeline} had given this machine up, and its tasks run elsewhere; it joins again`,
  replaced: (pipeline) => `the run of ${pipeline} had died, and is continued`,
  left: (pipeline) => `works no more for the run of ${pipeline}`,
  silent: (pipeline) => `the run of ${pipeline} is silent: what it had here is ended`,
};

export const keeps = (pipeline: string): string =>
  `the run of ${pipeline} has died or does not reach Redis: what it has here is kept for up to ${exactDuration(keptBeats * 1_000)}, and what runs goes on`;

/** A run that has said nothing for so many beats of a second, while Redis answers, is gone. */
export const silentBeats = 10;
/** Its next session may come so many beats after the last one was heard. */
export const keptBeats = 600;

export const goOn = (tasks: number): string =>
  `${plural(tasks, "task")} of the session before ${tasks === 1 ? "goes" : "go"} on here`;
