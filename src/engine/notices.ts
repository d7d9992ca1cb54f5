// Texts of a run's notices to its user. Pure.

import { firstFew } from "../base/first-few.ts";
import { Date } from "../base/globals.ts";
import type { FromWriter } from "../protocol/messages.ts";
import type { PassedOver } from "../protocol/run-request.ts";
import type { RunStarted } from "../protocol/events.ts";

type Opened = Extract<FromWriter, { type: "opened" }>;

/** @param shortSecrets names of secrets with short values */
export const openingNotices = (
  { started, otherCode, beganAt, passedOver }: Opened,
  shortSecrets: readonly string[],
): string[] => [
  ...(otherCode && started.alreadyDone > 0 ? [otherCodeNotice(started, beganAt)] : []),
  ...(passedOver === undefined ? [] : [passedOverNotice(passedOver)]),
  ...shortSecrets.map(shortSecretNotice),
];

const otherCodeNotice = ({ run, alreadyDone }: RunStarted, beganAt: number): string =>
  `the pipeline's code has changed since run ${run}, which is continued, began on ${new Date(beganAt).toISOString()}: the ` +
  `results of its ${alreadyDone} tasks that are done come from the earlier code; --fresh starts a new run`;

const passedOverNotice = ({ run, params }: PassedOver): string =>
  `run ${run} was interrupted, and this new run does not continue it: ` +
  (params === null ? "they differ in a secret or in --only" : `its params were ${params}`);

/** E.g. an optional task that was skipped is done now, and the task that reads it has another input. */
export const leftNotice = (left: ReadonlyMap<string, number>): string =>
  "tasks that an earlier session of this run had done are not in its plan any more, or have another input now: " +
  `${Array.from(left, ([name, count]) => `${count} × ${name}`).join(", ")}; what they have stored stays`;

export const coarseNotice = (why: string): string =>
  `any edit of the file counts as a change of some tasks: ${why}`;

export const unseenNotice = (names: readonly string[]): string =>
  `only the run knows what is imported by ${firstFew(names)}: an edit there is not seen, and earlier results are kept; --rerun <task> runs a task again`;

/** A task that is said to read files that are not there: a typing error, or nothing has arrived yet. */
export const missingFilesNotice = (task: string, paths: readonly string[]): string =>
  `${task}: \`files\` names ${firstFew(paths)}, and there is no such file; its results are reused until there is one`;

const shortSecretNotice = (name: string): string =>
  `the secret ${name} has fewer than 8 characters: it is masked only where it is a whole word`;
