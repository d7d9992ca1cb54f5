// Says what an action will do, and does it when it is confirmed.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import type { CancelRequest, JobBrief, RerunRequest, StartView } from "../../contract-actions.ts";
import type { RunBrief } from "../../contract.ts";
import { count, counted } from "../format.ts";
import { changed } from "../live.ts";
import { Check } from "../parts/check.tsx";
import { Modal } from "../parts/modal.tsx";
import { Problem } from "../parts/states.tsx";
import { baseNow } from "../router.ts";
import { asSourceError, post, SourceError } from "../source.ts";
import { useData } from "../use-data.ts";
import { type ActionDialog, actionDialog, type RunDialog, type ScheduleDialog } from "./dialogs.ts";
import { showJob } from "./started.ts";
import { RunForm } from "./run-form.tsx";

const close = (): void => void (actionDialog.value = null);

export function OpenDialog() {
  const dialog = actionDialog.value;
  if (dialog === null) return null;
  return (
    <Modal key={titleOf(dialog)} title={titleOf(dialog)} onClose={close}>
      {"schedule" in dialog ? (
        <Schedule dialog={dialog} />
      ) : dialog.type === "run" ? (
        <RunForm {...dialog} onClose={close} />
      ) : dialog.type === "cancel" ? (
        <Cancel {...dialog} />
      ) : (
        <Again dialog={dialog} />
      )}
    </Modal>
  );
}

function titleOf(dialog: ActionDialog): string {
  if ("schedule" in dialog) {
    const word = dialog.type === "pause" ? "Pause" : "Resume";
    return `${word} the schedule of ${dialog.schedule.name ?? "this file"}?`;
  }
  const { id, pipeline } = dialog.run;
  switch (dialog.type) {
    case "run":
      return `Run ${pipeline}`;
    case "rerun-failed":
      return `Rerun what failed in run ${id}?`;
    case "rerun-task":
      return `Rerun ${dialog.title}?`;
    case "resume":
      return `Resume run ${id}?`;
    case "cancel":
      return `Cancel run ${id}?`;
  }
}

/** What was asked about has changed while the dialog was open. Null: it has not. */
function changeOf({ run, base }: Pick<RunDialog, "run" | "base">): string | null {
  const status = base === baseNow.value ? changed.value.get(run.id)?.status : undefined;
  const isOther = status !== undefined && (status === "running") !== (run.status === "running");
  if (!isOther) return null;
  return `run ${run.id} ${status === "running" ? "goes on" : "has ended"} meanwhile`;
}

type AgainDialog = Exclude<RunDialog, { readonly type: "run" | "cancel" }>;

function Again({ dialog }: { readonly dialog: AgainDialog }) {
  const { run, base } = dialog;
  const start = useData<StartView>(`${base}/data/runs/${run.id}/start`, { isLive: false });
  const [isDownstream, setIsDownstream] = useState(false);
  const change = changeOf(dialog);
  const problem = change ?? (start.type === "ready" ? start.data.problem : null);
  return (
    <Confirm
      word={dialog.type === "resume" ? "Resume" : "Rerun"}
      isReady={start.type === "ready" && problem === null}
      act={() =>
        dialog.type === "resume"
          ? post<JobBrief>(`${base}/actions/runs/${run.id}/resume`, {})
          : post<JobBrief>(`${base}/actions/runs/${run.id}/rerun`, {
              task: dialog.type === "rerun-task" ? dialog.task : null,
              isDownstream,
            } satisfies RerunRequest)
      }
    >
      <p>{whatHappens(dialog)}</p>
      {dialog.type === "rerun-task" ? (
        <Check isOn={isDownstream} set={setIsDownstream}>
          also run again what depends on it, even where its input stays the same
        </Check>
      ) : null}
      {problem !== null ? (
        <Problem next={change === null && start.type === "ready" ? start.data.next : null}>
          {problem}
        </Problem>
      ) : (
        <Facts run={run} file={start.type === "ready" ? start.data.file : run.file} />
      )}
    </Confirm>
  );
}

function whatHappens({ type, run }: AgainDialog): string {
  const { counts } = run;
  const stays = "Results of tasks that are done stay, unless their code has changed since.";
  switch (type) {
    case "rerun-failed": {
      const skipped =
        counts.skipped === 0
          ? ""
          : `, and what was skipped because of them (${count(counts.skipped)})`;
      return `${counted(counts.error, "failed task")} run${counts.error === 1 ? "s" : ""} again${skipped}, in a new session of run ${run.id}. ${stays}`;
    }
    case "rerun-task": {
      const failed = counts.error === 0 ? "" : " Tasks that failed are tried again too.";
      return `This task runs again in a new session of run ${run.id}; what depends on it does so where its result differs.${failed} The rows that it wrote stay until it writes them again.`;
    }
    case "resume":
      return `Run ${run.id} goes on where it stopped: ${count(counts.done)} of ${count(run.total ?? counts.done)} tasks are done. ${stays}`;
  }
}

const Facts = ({ run, file }: { readonly run: RunBrief; readonly file: string | null }) => (
  <dl class="facts">
    <dt>File</dt>
    <dd class="mono">{file ?? "–"}</dd>
    {run.params === "{}" ? null : (
      <>
        <dt>Params</dt>
        <dd class="mono">{run.params}</dd>
      </>
    )}
  </dl>
);

function Cancel({ run, base }: Pick<RunDialog, "run" | "base">) {
  const [isNow, setIsNow] = useState(false);
  const { running } = run.counts;
  const change = changeOf({ run, base });
  return (
    <Confirm
      word="Cancel the run"
      isDangerous
      isReady={change === null}
      act={() =>
        post<JobBrief>(`${base}/actions/runs/${run.id}/cancel`, { isNow } satisfies CancelRequest)
      }
    >
      <p>
        {run.pipeline} starts no more tasks.{" "}
        {running === 0
          ? "No task is running."
          : `The running ${running === 1 ? "task is" : `${count(running)} tasks are`} told to stop, and ${running === 1 ? "has" : "have"} 10 s.`}{" "}
        What is committed stays, and the run can be resumed.
      </p>
      {change === null ? null : <Problem>{change}</Problem>}
      <Check isOn={isNow} set={setIsNow}>
        do not wait for running tasks: what they have not committed is lost
      </Check>
    </Confirm>
  );
}

function Schedule({ dialog: { type, schedule } }: { readonly dialog: ScheduleDialog }) {
  const isPause = type === "pause";
  return (
    <Confirm
      word={isPause ? "Pause the schedule" : "Resume the schedule"}
      isReady
      act={() =>
        post<JobBrief>(`/actions/schedules/${schedule.id}/${isPause ? "pause" : "resume"}`, {})
      }
    >
      <p>
        {isPause
          ? "No slot starts a run until the schedule is resumed, also after a restart of serve. Runs that go on are not touched."
          : "The next slot starts a run again. Slots that have passed meanwhile are not caught up: pipeloom backfill runs them."}
      </p>
    </Confirm>
  );
}

type ConfirmProps = {
  readonly word: string;
  readonly isDangerous?: boolean;
  readonly isReady: boolean;
  readonly act: () => Promise<JobBrief>;
  readonly children: ComponentChildren;
};

function Confirm({ word, isDangerous = false, isReady, act, children }: ConfirmProps) {
  const [state, setState] = useState<"open" | "asked" | SourceError>("open");
  const confirm = async (): Promise<void> => {
    setState("asked");
    try {
      showJob(await act());
      close();
    } catch (thrown) {
      setState(asSourceError(thrown));
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void confirm();
      }}
    >
      {children}
      {state instanceof SourceError ? <Problem next={state.next}>{state.message}</Problem> : null}
      <footer>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button class={isDangerous ? "danger" : "primary"} disabled={!isReady || state === "asked"}>
          {state === "asked" ? "Starting …" : word}
        </button>
      </footer>
    </form>
  );
}
