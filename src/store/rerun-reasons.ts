// `task_runs.reason` of tasks that run again in a later session of their run: for `why`.

export const askedReason = "it ran again in a later session of the run, as asked (--rerun)";
export const codeReason = "it ran again in a later session of the run: its code had changed";
export const declaredReason =
  "it ran again in a later session of the run: a file or a variable that it declares had changed";
export const failedReason =
  "it ran again in a later session of the run: it had failed (--rerun failed)";
