// The output of a program that the page has started, below the view: live, with the command that was run.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { JobBrief } from "../../contract-actions.ts";
import { duration } from "../format.ts";
import { changed } from "../live.ts";
import { AnsiText } from "../parts/ansi-text.tsx";
import { Problem } from "../parts/states.tsx";
import { baseNow, baseOf, hrefOf } from "../router.ts";
import { post } from "../source.ts";
import { actionDialog } from "./dialogs.ts";
import { useJobOutput } from "./job-output.ts";
import { jobs, noteJob, openJob } from "./started.ts";

export function JobPanel() {
  const job = jobs.value.find(({ id }) => id === openJob.value);
  return job === undefined ? null : <Panel job={job} />;
}

function Panel({ job }: { readonly job: JobBrief }) {
  useEffect(() => {
    // Before what lies under the panel, wherever the focus is.
    addEventListener("keydown", closeByEscape, { capture: true });
    return () => removeEventListener("keydown", closeByEscape, { capture: true });
  }, []);
  return (
    <section class="job-panel" aria-label="what the page has started">
      <header>
        <JobState job={job} />
        <Chosen job={job} />
        <span class="space" />
        {job.run === null ? null : (
          <a href={hrefOf(`/runs/${job.run}`, baseOf(job.database))}>Run {job.run}</a>
        )}
        {job.ended === null ? <Stop job={job} /> : null}
        <button
          type="button"
          class="plain icon close"
          aria-label="close"
          title="close (Esc); it goes on"
          onClick={() => (openJob.value = null)}
        >
          ✕
        </button>
      </header>
      <Command text={job.command} />
      <Output key={job.id} job={job} />
    </section>
  );
}

function closeByEscape(event: KeyboardEvent): void {
  if (event.key !== "Escape" || document.querySelector("dialog[open]") !== null) return;
  openJob.value = null;
  event.stopImmediatePropagation();
}

function JobState({ job: { ended, startedAt } }: { readonly job: JobBrief }) {
  if (ended === null) return <span class="status running">▸ running</span>;
  const took = duration(Math.max(0, ended.at - startedAt));
  if (ended.code === 0) return <span class="status done">✓ exit 0, {took}</span>;
  return (
    <span class="status error">
      ✕ {ended.code === null ? ended.signal : `exit ${ended.code}`}, {took}
    </span>
  );
}

/** The title; a list where there are several. */
const Chosen = ({ job }: { readonly job: JobBrief }) =>
  jobs.value.length === 1 ? (
    <strong>{job.title}</strong>
  ) : (
    <select
      aria-label="which program"
      value={String(job.id)}
      onChange={({ currentTarget }) => (openJob.value = Number(currentTarget.value))}
    >
      {jobs.value.map(({ id, title, ended }) => (
        <option key={id} value={String(id)}>
          {title}
          {ended === null ? " (running)" : ""}
        </option>
      ))}
    </select>
  );

/** A run is cancelled, which is asked for before. What has not begun yet, or only waits, is interrupted. */
function Stop({ job }: { readonly job: JobBrief }) {
  const [isAsked, setIsAsked] = useState(false);
  const isHere = baseOf(job.database) === baseNow.value;
  const run = job.run === null || !isHere ? undefined : changed.value.get(job.run);
  const stop = (): void => {
    if (job.isRun && run?.status === "running") {
      actionDialog.value = { type: "cancel", run, base: baseNow.value };
      return;
    }
    setIsAsked(true);
    void post<JobBrief>(`/actions/jobs/${job.id}/interrupt`, {}).then(noteJob, () => undefined);
  };
  return (
    <button type="button" class="danger" onClick={stop}>
      {isAsked ? "Stop now" : "Stop"}
    </button>
  );
}

function Command({ text }: { readonly text: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const code = useRef<HTMLElement>(null);
  return (
    <div class="job-command">
      <code ref={code}>{text}</code>
      <button
        type="button"
        class="plain"
        onClick={() => void copy(text, code.current).then(setIsCopied)}
      >
        {isCopied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}

/** Without TLS, a page of another host has no clipboard: the text is selected, for the person to copy. */
async function copy(text: string, shown: HTMLElement | null): Promise<boolean> {
  const { clipboard } = navigator as Partial<Navigator>;
  try {
    if (clipboard === undefined) throw new Error("no clipboard");
    await clipboard.writeText(text);
    return true;
  } catch {
    if (shown !== null) getSelection()?.selectAllChildren(shown);
    return false;
  }
}

function Output({ job }: { readonly job: JobBrief }) {
  const { text, isCut, problem } = useJobOutput(job.id);
  const area = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const { current } = area;
    if (current !== null && isAtEnd.current) current.scrollTop = current.scrollHeight;
  }, [text]);
  return (
    <>
      {problem === null ? null : <Problem>{problem}: what is shown may be old</Problem>}
      <pre
        ref={area}
        class="job-output"
        tabIndex={0}
        aria-label="output"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          isAtEnd.current = scrollTop + clientHeight > scrollHeight - 24;
        }}
      >
        {isCut ? <span class="soft">{"… earlier lines are not shown\n"}</span> : null}
        {text === "" ? (
          <span class="soft">{job.ended === null ? "Starting …" : "It printed nothing."}</span>
        ) : (
          <AnsiText text={text} />
        )}
      </pre>
    </>
  );
}
