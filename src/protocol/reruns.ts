// Which tasks of a run that is continued run again. Tasks are named by their definitions, as in task keys (`nameInKey`).

/** What the user asks for. */
export type RerunRequest = {
  /** Their results stay, although their code has changed. */
  readonly keep: readonly string[];
  /** They run again, whatever their code. */
  readonly rerun: readonly string[];
  /** So do these tasks of the run: their titles, labels, or names of nodes, as the screen shows them. */
  readonly titles: readonly string[];
  /** Tasks that failed run again, also those whose failure is final because they are optional. */
  readonly failed: boolean;
  /** What depends on the tasks that run again as asked runs again too, whatever its input. */
  readonly downstream: boolean;
};

export const noReruns: RerunRequest = {
  keep: [],
  rerun: [],
  titles: [],
  failed: false,
  downstream: false,
};

/** What is decided of one definition's tasks that earlier sessions have ended, or left with a checkpoint. */
export type Rerun = {
  readonly task: string;
  /** `code`: it has changed. `declared`: a file or a variable that `reuse` names has. `asked`: the user asks for it. */
  readonly reason: "code" | "declared" | "asked";
  /** The results stay. Otherwise the tasks run again, from the beginning. */
  readonly isKept: boolean;
  /** What depends on them runs again too. Absent: only where its input is another one. */
  readonly downstream?: true;
  /** How many tasks. */
  readonly count: number;
  /** The first three as the screen shows them, where each was asked for by its title: `load day=2026-11-03`. */
  readonly titles?: readonly string[];
};

/** Fingerprints of the code that tasks can reach, by the name of the definition. */
export type Code = ReadonlyMap<string, string>;
