// A pipeline's parameters: a plain object of defaults, or any Standard Schema (https://standardschema.dev).

import { isPlainObject, NotJsonError, toJsonText } from "../protocol/json.ts";

/** The part of the Standard Schema interface (v1) that is used here. */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

type StandardIssue = {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
};

export type ParamDefaults = { readonly [name: string]: unknown };

/** `{ limit: 100 }` gives `{ limit: number }`: a default's literal type is not the parameter's. */
export type ParamsOf<Spec> =
  Spec extends StandardSchema<infer Output>
    ? Output
    : { readonly [Name in keyof Spec]: Widen<Spec[Name]> };

type Widen<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T;

/** What was given is wrong: a usage error that names the parameter and what is allowed. */
export class ParamsError extends Error {
  override readonly name = "ParamsError";
}

export const isStandardSchema = (spec: unknown): spec is StandardSchema<unknown> =>
  (typeof spec === "object" || typeof spec === "function") &&
  spec !== null &&
  typeof Reflect.get(spec, "~standard") === "object";

/**
 * The params of a run: the defaults with what was given laid over them, checked.
 * A given string is coerced where the default is a number, a boolean, a list or an object (JSON text).
 * @throws ParamsError
 */
export async function resolveParams(
  spec: ParamDefaults | StandardSchema<unknown> | undefined,
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const params = isStandardSchema(spec)
    ? await validate(spec, given)
    : overDefaults(spec ?? {}, given);
  try {
    toJsonText(params, "params");
  } catch (error) {
    if (error instanceof NotJsonError) {
      throw new ParamsError(`${error.path} is ${error.found}; params must be JSON values`);
    }
    throw error;
  }
  return params;
}

function overDefaults(
  defaults: ParamDefaults,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name))
      throw new ParamsError(unknownParam(name, Object.keys(defaults)));
    result[name] = coerce(name, value, defaults[name]);
  }
  return result;
}

function unknownParam(name: string, known: readonly string[]): string {
  const list =
    known.length === 0 ? "this pipeline has no parameters" : `known: ${known.join(", ")}`;
  return `unknown parameter "${name}"; ${list}`;
}

/** Text from the command line, or a JSON value from a file, as the type that the default has. */
function coerce(name: string, value: unknown, fallback: unknown): unknown {
  if (typeof fallback === "number") return coerceNumber(name, value);
  if (typeof fallback === "boolean") return coerceBoolean(name, value);
  if (typeof fallback === "string") return coerceText(name, value);
  return fallback === null || fallback === undefined ? value : coerceObject(name, value, fallback);
}

function coerceText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new ParamsError(`parameter "${name}" must be text, not ${JSON.stringify(value)}`);
}

function coerceNumber(name: string, value: unknown): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isFinite(number)) return number;
  throw new ParamsError(`parameter "${name}" must be a number, not ${JSON.stringify(value)}`);
}

function coerceBoolean(name: string, value: unknown): boolean {
  if (value === true || value === "true" || value === "1" || value === "yes") return true;
  if (value === false || value === "false" || value === "0" || value === "no") return false;
  throw new ParamsError(`parameter "${name}" must be true or false, not ${JSON.stringify(value)}`);
}

function coerceObject(name: string, value: unknown, fallback: unknown): unknown {
  const wanted = Array.isArray(fallback) ? "a list" : "an object";
  let parsed = value;
  if (typeof value === "string") {
    try {
      parsed = JSON.parse(value);
    } catch {
      parsed = undefined;
    }
  }
  const fits = Array.isArray(fallback)
    ? Array.isArray(parsed)
    : typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  if (fits) return parsed;
  throw new ParamsError(
    `parameter "${name}" must be ${wanted} as JSON text, not ${JSON.stringify(value)}`,
  );
}

/**
 * Text from a command line has no type, so what a schema refuses as text is tried as JSON:
 * `--param limit=5` may mean "5" or 5, and only the schema knows.
 */
async function validate(
  schema: StandardSchema<unknown>,
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const asGiven = await schema["~standard"].validate(given);
  if (asGiven.issues === undefined) return mustBeObject(asGiven.value);
  const typed = { ...given };
  for (const issue of asGiven.issues) {
    const name = issueKey(issue);
    if (name !== undefined) typed[name] = fromText(given[name]);
  }
  const asTyped = await schema["~standard"].validate(typed);
  if (asTyped.issues === undefined) return mustBeObject(asTyped.value);
  throw new ParamsError(asTyped.issues.map(issueLine).join("\n"));
}

function fromText(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function mustBeObject(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && isPlainObject(value)) {
    return value as Record<string, unknown>;
  }
  throw new ParamsError("the params schema must yield an object");
}

const pathKeys = (issue: StandardIssue): string[] =>
  (issue.path ?? []).map((step) => String(typeof step === "object" ? step.key : step));

const issueKey = (issue: StandardIssue): string | undefined => pathKeys(issue)[0];

function issueLine(issue: StandardIssue): string {
  const path = pathKeys(issue).join(".");
  return path === "" ? issue.message : `parameter "${path}": ${issue.message}`;
}
