// Follows the output of a program.

import { useEffect, useState } from "preact/hooks";

import type { JobView } from "../../contract-actions.ts";
import { get, SourceError } from "../source.ts";
import { noteJob } from "./started.ts";

/** Lines that are shown: the last ones. */
const maxLines = 2_000;
const askEveryMs = 300;
/** After an answer that did not come. */
const retryMs = 2_000;

type JobOutput = {
  readonly text: string;
  /** Earlier lines are not shown. */
  readonly isCut: boolean;
  /** The server does not answer: what is shown is old. */
  readonly problem: string | null;
};

const nothing: JobOutput = { text: "", isCut: false, problem: null };

export function useJobOutput(id: number): JobOutput {
  const [output, setOutput] = useState(nothing);
  useEffect(() => {
    const control = new AbortController();
    setOutput(nothing);
    void follow(id, control.signal, setOutput);
    return () => control.abort();
  }, [id]);
  return output;
}

async function follow(
  id: number,
  signal: AbortSignal,
  show: (change: (before: JobOutput) => JobOutput) => void,
): Promise<void> {
  for (let from = 0; !signal.aborted;) {
    try {
      const {
        job,
        output,
        next,
        from: begin,
      } = await get<JobView>(`/data/jobs/${id}?from=${from}`, signal);
      const isGap = begin > from;
      show((before) => added(before, output, isGap));
      from = next;
      noteJob(job);
      if (job.ended !== null && output === "") return;
      await pause(job.ended === null ? askEveryMs : 0);
    } catch (thrown) {
      if (signal.aborted) return;
      const problem = thrown instanceof SourceError ? thrown.message : String(thrown);
      show((before) => ({ ...before, problem }));
      if (thrown instanceof SourceError && thrown.status === 404) return;
      await pause(retryMs);
    }
  }
}

function added(before: JobOutput, output: string, isGap: boolean): JobOutput {
  if (output === "" && before.problem === null) return before;
  const lines = (before.text + output).split("\n");
  const isLong = lines.length > maxLines;
  return {
    text: isLong ? lines.slice(-maxLines).join("\n") : lines.join("\n"),
    isCut: before.isCut || isGap || isLong,
    problem: null,
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
