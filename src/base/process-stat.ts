// A process as Linux reports it: proc_pid_stat(5).

import { readFileSync } from "node:fs";

type ProcessStat = {
  readonly parent: number;
  /** Its process group. */
  readonly group: number;
  /** Start time in clock ticks since boot, as text. */
  readonly startTicks: string | undefined;
  /** False for a zombie: it holds no lock and runs nothing. */
  readonly runs: boolean;
};

/** Undefined if there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The command name is in parentheses and may contain anything; field 3 follows it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group] = fields;
  return {
    parent: Number(parent),
    group: Number(group),
    startTicks: fields[19],
    runs: state !== "Z" && state !== "X",
  };
}
