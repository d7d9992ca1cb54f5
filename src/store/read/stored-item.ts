// What tells a task from others of its name, as the file has it.

import { type Item, labelOf } from "../../protocol/label.ts";
import { cutMark, maxShortInput } from "../../protocol/stored-input.ts";
import { nameInKey, nameOfKey } from "../../protocol/task-key.ts";
import type { Queries } from "../queries.ts";
import { hasColumn } from "./has-column.ts";
import type { Row } from "./reader.ts";
import { text } from "./stored-values.ts";

/** The columns that `storedItem` reads. A file of an earlier version has no inputs. */
export function itemColumns(db: Queries): string {
  if (!hasColumn(db, "task_runs", "input")) return "key, NULL AS input, NULL AS label";
  // A large input is not copied.
  const short = `substr(input, 1, ${maxShortInput})`;
  return `key, CASE WHEN length(input) > ${maxShortInput} THEN ${short} || '${cutMark}' ELSE input END AS input, label`;
}

/** @param row has `name` and the columns of `itemColumns` */
export function storedItem(row: Row): Item {
  const label = text(row["label"]);
  if (label !== null) return { label };
  const input = text(row["input"]);
  if (input === null || hasOwnName(row)) return { label: "" };
  return { input };
}

/** The node has a name of its own, which says enough. A task that has not begun may have a key without a hash. */
function hasOwnName(row: Row): boolean {
  const key = text(row["key"]) ?? "";
  const name = nameInKey(String(row["name"]));
  return key !== name && nameOfKey(key) !== name;
}

/** Null where nothing tells the task from others of its name. */
export const storedLabel = (row: Row): string | null => labelOf(storedItem(row)) ?? null;
