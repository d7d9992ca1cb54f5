// `task_runs.reason` of tasks that run again in a later session of their run: for `why`.

export const askedReason = "it ran again in a later session of the run, as asked (--rerun)";
export const codeReason = "it ran again in a later session of the run: its code had changed";
export const declaredReason =
  "it ran again in a later session of the run: a file or a variable that it declares had changed";
export const failedReason =
  "it ran again in a later session of the run: it had failed (--rerun failed)";

/** The task's result is that of the earlier code, or of what it declares. */
export const isChangedSql = `(fingerprint IS NOT NULL AND reason IN ('${codeReason}', '${declaredReason}'))`;

/** The mark of a change may be replaced by another one: the reason says that the result is not to be kept without it. */
export const because = (reason: string): string =>
  `reason = CASE WHEN ${isChangedSql} THEN reason ELSE ${reason} END`;
