// Which tasks of a run have a text in what a person sees of them: their names, labels, inputs and errors.

import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { hasColumn } from "./has-column.ts";
import type { Reader } from "./reader.ts";
import type { IdRange } from "./task-scan.ts";
import { number } from "./stored-values.ts";

type SearchPage = {
  readonly found: readonly number[];
  /** The last id that was looked at. Undefined: the range is searched. */
  readonly last: number | undefined;
};

/** Of a longer input only the beginning is searched: the rest is not shown either. */
const maxInput = 4096;

/** `Error: HTTP 500`, without the stack. What is no JSON is searched as it is. */
const errorSql = `CASE WHEN error IS NULL THEN NULL WHEN json_valid(error)
  THEN concat_ws(' ', (error ->> '$.name') || ':', error ->> '$.message', error ->> '$.cause.name', error ->> '$.cause.message')
  ELSE error END`;

/** With five parameters a word: the text, the text in JSON, and `key=value` of a label as it is in JSON, twice. */
const wordSql = (
  at: number,
): string => `(name LIKE ?${at} ESCAPE '\\' OR coalesce(label, '') LIKE ?${at} ESCAPE '\\'
  OR input LIKE ?${at + 1} ESCAPE '\\' OR input LIKE ?${at + 2} ESCAPE '\\' OR input LIKE ?${at + 3} ESCAPE '\\'
  OR error LIKE ?${at} ESCAPE '\\' OR id = ?${at + 4})`;

/** At most so many words; others are not looked for. */
const maxWords = 8;

/** @param text words; a task has all of them. Case does not matter in ASCII. `#12` is an id */
export function searchTasks(
  reader: Reader,
  run: RunId,
  [from, to]: IdRange,
  text: string,
  most: number,
): SearchPage {
  const words = text.trim().split(/\s+/).slice(0, maxWords);
  const condition = words.map((_, i) => wordSql(5 + 5 * i)).join(" AND ");
  const hasInput = hasColumn(reader, "task_runs", "input");
  const item = hasInput
    ? `substr(input, 1, ${maxInput}) AS input, label`
    : "NULL AS input, NULL AS label";
  const [row] = reader.query(
    `SELECT json_group_array(id) FILTER (WHERE isFound) AS found, max(id) AS last, count(*) AS looked FROM (
      SELECT id, ${condition} AS isFound FROM (
        SELECT id, name, ${item}, ${errorSql} AS error FROM task_runs
          WHERE run_id = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY run_id, id LIMIT ?4))`,
    [run, from, to, most, ...words.flatMap(wordValues)],
  );
  const isLast = Number(row?.["looked"] ?? 0) < most;
  return {
    found: (JSON.parse(String(row?.["found"] ?? "[]")) as unknown[]).filter(
      (id) => typeof id === "number",
    ),
    last: isLast ? undefined : (number(row?.["last"]) ?? undefined),
  };
}

function wordValues(word: string): readonly (string | number | null)[] {
  const [, key, value] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
  const isMember = key !== undefined && value !== undefined;
  const plain = isMember ? `"${inJson(key)}":${inJson(value)}` : word;
  const quoted = isMember ? `"${inJson(key)}":"${inJson(value)}` : word;
  const [, id] = /^#(\d{1,15})$/.exec(word) ?? [];
  return [
    contains(word),
    contains(inJson(word)),
    contains(plain),
    contains(quoted),
    id === undefined ? null : Number(id),
  ];
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

const contains = (text: string): string => `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
