// The buttons of a run: what can be done with it in the state that it is in.

import type { RunBrief } from "../../contract.ts";
import { count } from "../format.ts";
import { canAct } from "../database.ts";
import { baseNow } from "../router.ts";
import { type ActionDialog, actionDialog } from "./dialogs.ts";

const open = (dialog: ActionDialog) => (): void => void (actionDialog.value = dialog);

type Props = {
  readonly run: RunBrief;
  /** Of the run's database; default: of the one that is looked at. */
  readonly base?: string;
  /** Only the next step, for a list. */
  readonly isShort?: boolean;
};

export function RunActions({ run, base = baseNow.value, isShort = false }: Props) {
  if (!canAct.value) return null;
  const mayRun = run.file !== null && run.status !== "running";
  return (
    <span class="actions">
      <NextStep run={run} base={base} />
      {mayRun && (!isShort || run.status === "done") ? (
        <button type="button" onClick={open({ type: "run", run, base, isAgain: !isShort })}>
          {isShort ? "Run …" : "Run again …"}
        </button>
      ) : null}
    </span>
  );
}

function NextStep({ run, base }: { readonly run: RunBrief; readonly base: string }) {
  const { status, counts, file } = run;
  if (status === "running") {
    return (
      <button type="button" class="danger" onClick={open({ type: "cancel", run, base })}>
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
        onClick={open({ type: "rerun-failed", run, base })}
      >
        Rerun {count(counts.error)} failed …
      </button>
    );
  }
  if (status === "done") return null;
  return (
    <button type="button" class="primary" onClick={open({ type: "resume", run, base })}>
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
    <button
      type="button"
      onClick={open({ type: "rerun-task", run, base: baseNow.value, task, title })}
    >
      Rerun …
    </button>
  );
}
