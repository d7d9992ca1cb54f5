// Which results of earlier runs a run would take, read from the database: for `--dry-run`.

import type { Database } from "bun:sqlite";

import { runId } from "../../protocol/ids.ts";
import type { RunRequest } from "../../protocol/run-request.ts";
import type { NextReuse } from "../../protocol/plan.ts";
import type { TaskParts } from "../../protocol/reuse.ts";
import { onlyRow } from "../only-row.ts";
import { leftTables, tableRows, whyChanged, withCounts } from "../table-rows.ts";

type Last = { readonly run_id: number; readonly tables: string | null };
type Count = { readonly all_results: number; readonly young: number };

/**
 * Of each definition that uses `reuse`.
 * @param parts of this session's code
 * @param now epoch ms
 */
export function nextReuse(
  db: Database,
  { reuses, pipeline }: RunRequest,
  parts: readonly TaskParts[],
  now: number,
): readonly NextReuse[] {
  if (reuses.length === 0) return [];
  const tables = withCounts(db, tableRows(db));
  using last = db.prepare<Last, [string, number, string]>(
    `SELECT d.run_id, d.tables FROM pipeloom_definitions AS d JOIN pipeline_runs AS r ON r.id = d.run_id
      WHERE d.name = ? AND d.alike = ? AND r.pipeline = ? ORDER BY d.run_id DESC LIMIT 1`,
  );
  using counts = db.prepare<Count, [number, number, number]>(
    `SELECT COUNT(*) AS all_results, COUNT(*) FILTER (WHERE ended_at >= ?3) AS young
      FROM pipeloom_reusable WHERE run_id = ?1 AND alike = ?2`,
  );
  return reuses.map(([task, maxAgeMs]): NextReuse => {
    const own = parts.find((each) => each.task === task);
    const none = { task, run: null, results: 0, changed: own?.parts.changed ?? null };
    if (own === undefined || own.alike === null) return { ...none, why: "unknown code" };
    const found = last.get(task, own.alike, pipeline);
    if (found === null) return { ...none, why: none.changed === null ? "first" : "changed" };
    const run = runId(found.run_id);
    const count = onlyRow(counts.get(run, own.alike, maxAgeMs === null ? 0 : now - maxAgeMs));
    const rows = whyChanged(tables, leftTables(found.tables));
    const common = { task, run, results: count.young, changed: null };
    if (rows !== undefined) return { ...common, why: "rows", rows };
    if (count.young > 0) return { ...common, why: null };
    return { ...common, why: count.all_results > 0 ? "too old" : "none done" };
  });
}
