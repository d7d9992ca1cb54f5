// What a run would do about the tasks of the run that it continues: for `--dry-run`.

import type { Database } from "bun:sqlite";

import type { NextTask } from "../../protocol/plan.ts";
import type { SessionCode } from "../../protocol/reuse.ts";
import type { RunGraph } from "../../protocol/run-graph.ts";
import type { RunRequest } from "../../protocol/run-request.ts";
import { decideReruns, partsOf, sum } from "../decide-reruns.ts";
import { queriesOf } from "../queries.ts";
import type { RunRow } from "./run-rows.ts";
import { storedGraph } from "./stored-graph.ts";

/** @throws as `decideReruns` */
export function nextTasks(
  db: Database,
  path: string,
  run: RunRow,
  request: RunRequest,
  code: SessionCode | undefined,
): readonly NextTask[] {
  const { reruns, asked, outdated } = decideReruns(db, path, run, request, code);
  const parts = partsOf(db, run, request, asked);
  const followers = followersOf(
    storedGraph(queriesOf(db), run.id),
    reruns.flatMap(({ task, downstream }) => (downstream === true ? [task] : [])),
  );
  return request.tasks.map((task) => {
    const rerun = reruns.find((each) => each.task === task) ?? null;
    const own = parts.filter(({ definition }) => definition === task);
    const now = code?.code.get(task);
    const again = own.filter(({ fingerprint }) =>
      fingerprint === null ? outdated.has(task) : fingerprint !== now,
    );
    const counted = rerun === null || rerun.isKept ? [] : again;
    const kept = sum(own, "done") - sum(counted, "done");
    // Failed tasks that `rerun` has: those with a checkpoint, or all where they are asked for.
    const isAsked = request.reruns.failed && rerun?.isKept === false;
    const among = isAsked
      ? sum(own, "failed")
      : sum(counted, "failed") - sum(counted, "failedEmpty");
    const next = { task, kept, rerun, failed: sum(own, "failed") - among };
    return followers.has(task) ? { ...next, follows: true } : next;
  });
}

/** What depends on these definitions, through fan-outs too. */
function followersOf({ edges }: RunGraph, definitions: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...definitions];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const { from, to } of edges) {
      if (from !== id || found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}
