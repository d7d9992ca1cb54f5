// Which definition a stored task is of: its key says so.

/**
 * The definition that a key names, with its colon: the hash after the last colon has only these characters. A task that was never
 * ready has no hash in its key, and no colon before it. Nearly all hashes have 13 or 12 characters, and `rtrim` compares each of
 * them with each of the 36: that takes five times as long.
 */
export const definitionSql = `CASE WHEN instr(task_runs.key, ':') = 0 OR task_runs.key = task_runs.name THEN task_runs.key || ':'
  ${[13, 12].map(withoutHash).join("\n  ")}
  ELSE rtrim(task_runs.key, '0123456789abcdefghijklmnopqrstuvwxyz') END`;

function withoutHash(chars: number): string {
  return `WHEN substr(task_runs.key, -${chars + 1}, 1) = ':' AND instr(substr(task_runs.key, -${chars}), ':') = 0
    THEN substr(task_runs.key, 1, length(task_runs.key) - ${chars})`;
}

/** The name in what `definitionSql` gives. */
export const definitionIn = (cell: unknown): string => String(cell).replace(/:$/, "");
