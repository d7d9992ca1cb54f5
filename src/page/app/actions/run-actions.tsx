// The buttons of a run: what can be done with it in the state that it is in.

import type { RunBrief } from "../../contract.ts";
import { count } from "../format.ts";
import { canAct } from "../database.ts";
import { type ActionDialog, actionDialog } from "./dialogs.ts";

const open = (dialog: ActionDialog) => (): void => void (actionDialog.value = dialog);

/** @param isShort only the next step, for a list */
export function RunActions({
  run,
  isShort = false,
}: {
  readonly run: RunBrief;
  readonly isShort?: boolean;
}) {
  if (!canAct.value) return null;
  const mayRun = run.file !== null && run.status !== "running";
  return (
    <span class="actions">
      <NextStep run={run} />
      {mayRun && (!isShort || run.status === "done") ? (
        <button type="button" onClick={open({ type: "run", run, isAgain: !isShort })}>
          {isShort ? "Run …" : "Run again …"}
        </button>
      ) : null}
    </span>
  );
}

function NextStep({ run }: { readonly run: RunBrief }) {
  const { status, counts, file } = run;
  if (status === "running") {
    return (
      <button type="button" class="danger" onClick={open({ type: "cancel", run })}>
        Cancel …
      </button>
    );
  }
  if (file === null) return null;
  // Of a run that is done, optional tasks may have failed.
  if (counts.error > 0 && (status === "error" || status === "done")) {
    return (
      <button
        type="button"
        class={status === "error" ? "primary" : ""}
        onClick={open({ type: "rerun-failed", run })}
      >
        Rerun {count(counts.error)} failed …
      </button>
    );
  }
  if (status === "done") return null;
  return (
    <button type="button" class="primary" onClick={open({ type: "resume", run })}>
      Resume …
    </button>
  );
}

type TaskProps = {
  readonly run: RunBrief;
  readonly task: number;
  readonly title: string;
};

/** For a task that is looked at. One that was never ready runs when the run goes on. */
export function RerunTask({ run, task, title }: TaskProps) {
  if (!canAct.value || run.file === null || run.status === "running") return null;
  return (
    <button type="button" onClick={open({ type: "rerun-task", run, task, title })}>
      Rerun …
    </button>
  );
}
