// Outputs of a run that can no longer be written, such as a log file on a full disk. The run goes on and exits with 1.

import type { OutStream } from "../base/streams.ts";
import { reasonOf } from "../base/system-error.ts";
import { visibleText } from "../base/text.ts";
import type { LostOutput } from "../terminal/create-ui.ts";
import { sinkOf } from "../terminal/sinks.ts";

export const lossNotice = ({ what, error }: LostOutput): string =>
  `cannot write ${what}: ${reasonOf(error)}; later output there is lost, the run continues`;

/** Repeats the losses below the summary: the notices may be far above. */
export async function repeatLosses(
  lost: readonly LostOutput[],
  stderr: OutStream,
  stallMs: number,
): Promise<void> {
  // Nobody may read stderr either.
  const sink = sinkOf(stderr, () => {});
  for (const { what, error } of lost) {
    const text = `incomplete: ${what}: ${reasonOf(error)}; the database has all results`;
    sink.write(`error: ${visibleText(text)}\n`);
  }
  await sink.written(stallMs);
}
