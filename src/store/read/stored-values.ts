// Values of pipeloom's own tables. Users can edit these tables, so a value of any type may turn up.

import type { Failure } from "../../base/failure.ts";
import { JSON } from "../../base/globals.ts";
import { type RunId, runId, isStoredId } from "../../protocol/ids.ts";
import { ReaderError } from "./reader-error.ts";
import type { Reader, Value } from "./reader.ts";

export function storedRunId(value: Value | undefined, { path }: Pick<Reader, "path">): RunId {
  if (isStoredId(value)) return runId(value);
  throw new ReaderError(
    "corrupt",
    `${path} is damaged: it has a run with the id ${String(value)}; restore a copy, or see its tables with pipeloom query`,
  );
}

export const text = (value: Value | undefined): string | null =>
  typeof value === "string" ? value : null;

export const number = (value: Value | undefined): number | null =>
  typeof value === "number" ? value : null;

export function failure(value: Value | undefined): Failure | null {
  if (typeof value !== "string") return null;
  try {
    const parsed: unknown = JSON.parse(value);
    if (isFailure(parsed)) return parsed;
  } catch {
    // Shown as plain text below.
  }
  return { name: "Error", message: value };
}

const isFailure = (value: unknown): value is Failure =>
  typeof value === "object" &&
  value !== null &&
  "name" in value &&
  typeof value.name === "string" &&
  "message" in value &&
  typeof value.message === "string";
