// A pipeline's parameters: a plain object of defaults, or any Standard Schema (https://standardschema.dev).

import { JSON } from "../base/globals.ts";
import {
  AlteredJsonError,
  alteredNumber,
  isExactNumber,
  parseExactJson,
} from "../base/exact-json.ts";
import { failureLine, toFailure } from "../base/failure.ts";
import { isObject, isPlainObject, NotJsonError, parseFrozen, toJsonText } from "../base/json.ts";

/** The part of the Standard Schema interface (v1) that pipeloom uses. */
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

/** The types of the params. `{ limit: 100 }` gives `{ limit: number }`, not `{ limit: 100 }`. */
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

/** A given value is wrong. The message names the parameter, and what is allowed. */
export class ParamsError extends Error {
  override readonly name = "ParamsError";
}

export const isStandardSchema = (spec: unknown): spec is StandardSchema<unknown> =>
  (typeof spec === "object" || typeof spec === "function") &&
  spec !== null &&
  typeof Reflect.get(spec, "~standard") === "object";

/**
 * The params of a run: the given values, with the defaults for the others, checked and deeply frozen (tasks share them).
 * A given string is converted to the type of the default; for a list or an object, it is JSON text.
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
    return parseFrozen(toJsonText(params, "params")) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof NotJsonError) {
      throw new ParamsError(`${error.path} is ${error.found}; params must be JSON values`);
    }
    throw error;
  }
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

/** Converts text from the command line, or a JSON value from a file, to the type of the default. */
function coerce(name: string, value: unknown, fallback: unknown): unknown {
  if (typeof fallback === "number") return coerceNumber(name, value);
  if (typeof fallback === "boolean") return coerceBoolean(name, value);
  if (typeof fallback === "string") return coerceText(name, value);
  return fallback === null || fallback === undefined ? value : coerceObject(name, value, fallback);
}

function coerceText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new ParamsError(`parameter "${name}" must be text, not ${shown(value)}`);
}

/** Decimal numbers only. `Number()` also accepts hexadecimal, "Infinity" and an empty text. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function coerceNumber(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const literal = typeof value === "string" ? value.trim() : "";
  if (!decimal.test(literal)) {
    throw new ParamsError(`parameter "${name}" must be a number, not ${shown(value)}`);
  }
  assertExact(name, literal);
  return Number(literal);
}

function assertExact(name: string, literal: string): void {
  if (isExactNumber(literal)) return;
  throw new ParamsError(
    `parameter "${name}": ${alteredNumber(literal)}; declare it as text in the pipeline's params to pass it as text`,
  );
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["off", false],
  ["0", false],
]);

function coerceBoolean(name: string, value: unknown): boolean {
  const boolean = typeof value === "string" ? booleans.get(value.trim().toLowerCase()) : value;
  if (typeof boolean === "boolean") return boolean;
  throw new ParamsError(`parameter "${name}" must be true or false, not ${shown(value)}`);
}

function coerceObject(name: string, value: unknown, fallback: unknown): unknown {
  const isList = Array.isArray(fallback);
  const parsed = typeof value === "string" ? parsedOrUndefined(name, value) : value;
  const fits = isList ? Array.isArray(parsed) : isObject(parsed);
  if (fits) return parsed;
  const [what, example] = isList ? ["a list", "[1,2]"] : ["an object", '{"a":1}'];
  throw new ParamsError(
    `parameter "${name}" must be ${what} as JSON text such as ${example}, not ${shown(value)}`,
  );
}

function parsedOrUndefined(name: string, text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (error instanceof AlteredJsonError) throw altered(name, error);
    return undefined;
  }
}

function altered(name: string, { path, message }: AlteredJsonError): ParamsError {
  const place = path === "" || path.startsWith("[") ? path : `.${path}`;
  return new ParamsError(
    `parameter "${name}"${place === "" ? "" : ` (${name}${place})`}: ${message}`,
  );
}

const maxShownChars = 200;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > maxShownChars ? `${text.slice(0, maxShownChars)}…` : text;
}

/**
 * `--param limit=5` may mean "5" or 5, and only the schema knows which. So a parameter that the schema refuses as text is
 * tried as JSON.
 */
async function validate(
  schema: StandardSchema<unknown>,
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const asGiven = await callValidate(schema, given);
  if (asGiven.issues === undefined) return accepted(schema, given, asGiven.value);
  const typed = { ...given };
  for (const issue of asGiven.issues) {
    const name = issueKey(issue);
    if (name !== undefined && Object.hasOwn(given, name)) typed[name] = fromText(name, given[name]);
  }
  const asTyped = await callValidate(schema, typed);
  if (asTyped.issues === undefined) return accepted(schema, typed, asTyped.value);
  throw new ParamsError(asTyped.issues.map(issueLine).join("\n"));
}

async function callValidate(
  schema: StandardSchema<unknown>,
  value: Readonly<Record<string, unknown>>,
): Promise<StandardResult<unknown>> {
  try {
    return await schema["~standard"].validate(value);
  } catch (thrown) {
    throw new ParamsError(`the params schema failed: ${failureLine(toFailure(thrown))}`);
  }
}

async function accepted(
  schema: StandardSchema<unknown>,
  given: Readonly<Record<string, unknown>>,
  value: unknown,
): Promise<Record<string, unknown>> {
  const params = mustBeObject(value);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(params, name) && (await isIgnored(schema, given, name, params)))
      throw new ParamsError(`unknown parameter "${name}"; the pipeline's schema does not read it`);
  }
  return params;
}

/**
 * Most schemas drop unknown keys, so a misspelled parameter would be dropped in silence. But a schema may also read a
 * parameter and rename it. The probe: replace the value by a function, which no parameter can be. If the schema's result
 * stays the same, the schema does not read the parameter.
 */
async function isIgnored(
  schema: StandardSchema<unknown>,
  given: Readonly<Record<string, unknown>>,
  name: string,
  params: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const probed = await callValidate(schema, {
    ...given,
    [name]: Object.freeze(() => undefined),
  }).catch(() => undefined);
  return (
    probed !== undefined && probed.issues === undefined && Bun.deepEquals(probed.value, params)
  );
}

function fromText(name: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return parseExactJson(value);
  } catch (error) {
    if (error instanceof AlteredJsonError) throw altered(name, error);
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
