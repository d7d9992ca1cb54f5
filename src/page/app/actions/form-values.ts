// What is typed into the form of a run, as params. Pure.

import type { FormField } from "../../contract-actions.ts";

/** What is in the form, by the name of its field. Absent: the default. */
export type Typed = { readonly [name: string]: string };

type Read = {
  readonly params: Record<string, unknown>;
  /** What is wrong, by the name of the field. */
  readonly problems: Record<string, string>;
};

/** How a value is shown in its field. @param json JSON text */
export function textOf(field: FormField, json: string): string {
  if (field.kind === "json" || field.kind === "choice" || field.kind === "boolean") return json;
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? value : json;
}

/** Those that differ from their defaults: a default may be another one at the time of the run. */
export function readForm(fields: readonly FormField[], typed: Typed): Read {
  const params: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const text = typed[field.name];
    const isDefault =
      text === undefined ||
      (field.fallback !== null && text === textOf(field, field.fallback)) ||
      (text === "" && field.kind !== "text" && !field.isRequired) ||
      (text === "" && field.isSecret);
    if (isDefault) {
      if (field.isRequired) problems[field.name] = "is needed";
      continue;
    }
    const problem = problemOf(field, text);
    if (problem !== undefined) problems[field.name] = problem;
    else params[field.name] = valueOf(field, text);
  }
  return { params, problems };
}

const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function problemOf({ kind, isRequired }: FormField, text: string): string | undefined {
  if (isRequired && text.trim() === "") return "is needed";
  if (kind === "number" && !number.test(text.trim())) return "must be a number";
  if (kind !== "json") return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return 'must be JSON, such as [1, 2] or {"a": 1}';
  }
}

function valueOf({ kind }: FormField, text: string): unknown {
  switch (kind) {
    case "text":
      return text;
    case "any":
      // The pipeline's schema takes text as JSON where it wants that.
      return text;
    case "number":
      // Digits that a number would lose are for the pipeline to refuse.
      return String(Number(text)) === text.trim() ? Number(text) : text.trim();
    case "boolean":
    case "choice":
    case "json":
      return JSON.parse(text);
  }
}
