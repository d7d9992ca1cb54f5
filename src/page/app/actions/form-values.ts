// What is typed into the form of a run, as params. Pure.

import type { FormField, FormView } from "../../contract-actions.ts";

/** What is in the form, by the name of its field. Absent: the default. */
export type Typed = { readonly [name: string]: string };

type Read = {
  /** JSON texts: `JSON.parse` would round numbers, and keep the last of two equal keys. */
  readonly params: Record<string, string>;
  /** What is wrong, by the name of the field. */
  readonly problems: Record<string, string>;
};

/** How a value is shown in its field. @param json JSON text */
export function textOf(field: FormField, json: string): string {
  if (field.kind === "json" || field.kind === "choice" || field.kind === "boolean") return json;
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? value : json;
}

/**
 * Those that differ from their defaults: a default may be another one at the time of the run.
 * @param used by the run that is begun again: where a field still shows such a value, it is that one, also null or a number in a text field
 */
export function readForm(
  fields: readonly FormField[],
  typed: Typed,
  used: FormView["used"] = {},
): Read {
  const params: Record<string, string> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const text = typed[field.name];
    const kept = JSON.stringify(used[field.name]);
    if (kept !== undefined && kept !== field.fallback && text === textOf(field, kept)) {
      params[field.name] = kept;
      continue;
    }
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
    else params[field.name] = jsonOf(field, text);
  }
  return { params, problems };
}

const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function problemOf({ kind, isRequired }: FormField, text: string): string | undefined {
  if (isRequired && text.trim() === "") return "is needed";
  if (kind === "number" && !number.test(text.trim())) return "must be a number";
  return undefined;
}

function jsonOf({ kind }: FormField, text: string): string {
  const trimmed = text.trim();
  switch (kind) {
    case "text":
    case "any":
      // The pipeline's schema takes text as JSON where it wants that.
      return JSON.stringify(text);
    case "number":
      // Digits that a number would lose are for the pipeline to refuse.
      return String(Number(text)) === trimmed ? trimmed : JSON.stringify(trimmed);
    case "boolean":
    case "choice":
    case "json":
      return text;
  }
}
