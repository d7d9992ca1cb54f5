// Whether the pipeline of a run can be run again from the page: the database names its file, nothing from the wire does.

import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";

import { JSON } from "../../base/globals.ts";
import { engineOf, runRows } from "../../store/read/overview.ts";
import type { Reader } from "../../store/read/reader.ts";
import { text } from "../../store/read/stored-values.ts";
import { NotFound, Refused } from "../asked.ts";

export type Startable = {
  readonly id: number;
  readonly pipeline: string;
  /** Absolute, and there. */
  readonly file: string;
  /** Those that the row has in full: without those in which a secret is masked. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The address of its engine, without user and password. Null: its tasks ran in its own process. */
  readonly engine: string | null;
};

/** @throws NotFound, Refused */
export function startableRun(reader: Reader, id: number): Startable {
  const [row] = runRows(reader, 1, "id = ?", id);
  if (row === undefined) throw new NotFound(`the database has no run ${id}`);
  const file = text(row["file"]);
  const pipeline = String(row["pipeline"]);
  if (file === null || !isAbsolute(file)) {
    throw new Refused(
      409,
      `the pipeline ${pipeline} has no file of its own`,
      "it ships inside pipeloom, or a program made it: start it as you did before",
    );
  }
  if (row["trigger"] === "library") {
    throw new Refused(409, `a program started run ${id}: ${file}`, "start that program again");
  }
  if (!existsSync(file)) {
    throw new Refused(
      409,
      `the file of run ${id} is gone: ${file}`,
      "put it back; or run it once from where it is now, then that run can be started from here",
    );
  }
  const engine = engineOf({ engine: text(row["engine"]) });
  return { id, pipeline, file, params: wholeParams(text(row["params"])), engine };
}

/** What `Mask` writes in place of a secret. */
const masked = "***";

function wholeParams(json: string | null): Startable["params"] {
  try {
    const params: unknown = JSON.parse(json ?? "{}");
    if (typeof params !== "object" || params === null) return {};
    return Object.fromEntries(
      Object.entries(params).filter(([, value]) => !JSON.stringify(value).includes(masked)),
    );
  } catch {
    return {};
  }
}
