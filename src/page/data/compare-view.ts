// Two runs side by side. Durations and counts per definition are asked for each run by itself.

import { lineDiff } from "../../base/line-diff.ts";
import { isStoredId } from "../../protocol/ids.ts";
import { hideSecretsIn } from "../../base/secret-name.ts";
import { definitionEdits, definitionSource } from "../../store/read/definition-edits.ts";
import { runRows } from "../../store/read/overview.ts";
import type { Reader } from "../../store/read/reader.ts";
import { text } from "../../store/read/stored-values.ts";
import { type Asked, Refused } from "../asked.ts";
import type { CompareView, EditView } from "../contract-runs.ts";
import type { PageDatabase } from "../page-database.ts";
import { runBrief } from "./runs-view.ts";

/** `?a=<id>&b=<id>` */
export function compareView(database: PageDatabase, { search }: Asked): CompareView {
  const [a, b] = idsIn(search);
  return {
    a: runBrief(database, a),
    b: runBrief(database, b),
    params: { a: paramsOf(database.reader, a), b: paramsOf(database.reader, b) },
    edits: definitionEdits(database.reader, a, b),
  };
}

const paramsOf = (reader: Reader, id: number): string =>
  hideSecretsIn(text(runRows(reader, 1, "id = ?", id)[0]?.["params"]) ?? "{}");

/** `?a=<id>&b=<id>&task=<definition>` */
export function editView({ reader }: PageDatabase, { search }: Asked): EditView {
  const [a, b] = idsIn(search);
  const [before, after] = [a, b].map((id) =>
    definitionSource(reader, id, search.get("task") ?? ""),
  );
  if (before === undefined || after === undefined) return { lines: null };
  return { lines: lineDiff(before, after) ?? null };
}

function idsIn(search: URLSearchParams): readonly [a: number, b: number] {
  const [a, b] = [Number(search.get("a")), Number(search.get("b"))];
  if (isStoredId(a) && isStoredId(b)) return [a, b];
  throw new Refused(400, "two runs can be compared: ?a=12&b=15", "select them in the list of runs");
}
