import { foldCase } from "../../base/fold-case.ts";
import type { Inspection } from "../../formats/csv/inspect.ts";

/** @throws Error for a key column that the file does not have */
export function checkKey({ path, columns }: Inspection, key: readonly string[]): void {
  const names = columns.map(({ name }) => name);
  const folded = names.map(foldCase);
  const missing = key.find((name) => !folded.includes(foldCase(name)));
  if (missing === undefined) return;
  throw new Error(
    `${path}: no column ${JSON.stringify(missing)} for the key; there are: ${names.join(", ")}`,
  );
}
