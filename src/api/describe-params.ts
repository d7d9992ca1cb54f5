// What parameters a pipeline takes, for people: their types, defaults and descriptions, as far as its `params` tell.

import { JSON } from "../base/globals.ts";
import {
  isStandardSchema,
  type ParamDefaults,
  resolveParams,
  type StandardSchema,
} from "./params.ts";

export type DescribedParam = {
  readonly name: string;
  /** `number`, `text`, `a|b`; `value` where it is not known. */
  readonly type: string;
  /** The values that it may have; undefined: others too, or not known. */
  readonly choices?: readonly unknown[] | undefined;
  /** JSON text; undefined: none. */
  readonly fallback: string | undefined;
  readonly required: boolean;
  readonly description: string | undefined;
};

/** Empty: none, or a schema that tells nothing. */
export async function describeParams(
  spec: ParamDefaults | StandardSchema<unknown> | undefined,
): Promise<DescribedParam[]> {
  if (!isStandardSchema(spec)) return Object.entries(spec ?? {}).map(fromDefault);
  return fromJsonSchema(spec) ?? fromEntries(spec) ?? (await fromValidation(spec));
}

const fromDefault = ([name, value]: [string, unknown]): DescribedParam => ({
  name,
  type: typeOfValue(value),
  // None where the default is undefined.
  fallback: JSON.stringify(value),
  required: false,
  description: undefined,
});

function typeOfValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return typeof value;
  if (typeof value === "string") return "text";
  return value === null || value === undefined ? "value" : "json";
}

// ── a schema that gives JSON Schema (zod from 4.2, arktype): standardschema.dev/json-schema ──────────────

type JsonSchema = {
  readonly type?: unknown;
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
};

/** Undefined where the schema gives none, or cannot put itself in these terms. */
function fromJsonSchema(schema: StandardSchema<unknown>): DescribedParam[] | undefined {
  const standard: object = schema["~standard"];
  try {
    const { jsonSchema } = standard as {
      readonly jsonSchema?: { input(options: { readonly target: string }): JsonSchema };
    };
    const { properties, required = [] } = jsonSchema?.input({ target: "draft-2020-12" }) ?? {};
    if (properties === undefined) return undefined;
    return Object.entries(properties).map(([name, property]) => ({
      name,
      type: typeOfProperty(property),
      choices: choicesOf(property),
      fallback: "default" in property ? JSON.stringify(property.default) : undefined,
      required: required.includes(name) && !("default" in property),
      description: property.description,
    }));
  } catch {
    return undefined;
  }
}

function typeOfProperty({ type, enum: choices, const: only, anyOf }: JsonSchema): string {
  if (Array.isArray(choices)) return choices.map(String).join("|");
  if (only !== undefined) return String(only);
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOfProperty))].join("|");
  const types = [type].flat().filter((each) => each !== "null");
  return types.length === 1 ? (words.get(types[0]) ?? String(types[0])) : "value";
}

function choicesOf({ enum: choices, const: only, anyOf }: JsonSchema): unknown[] | undefined {
  if (Array.isArray(choices)) return choices;
  if (only !== undefined) return [only];
  const all = anyOf?.map(choicesOf);
  return all?.every((some) => some !== undefined) === true ? all.flat() : undefined;
}

const words: ReadonlyMap<unknown, string> = new Map([
  ["string", "text"],
  ["integer", "number"],
  ["array", "json"],
  ["object", "json"],
  [undefined, "value"],
]);

// ── valibot ──────────────────────────────────────────────────────────────────────────────────────────────

type Entry = {
  readonly type: string;
  readonly wrapped?: Entry;
  readonly default?: unknown;
  readonly options?: readonly unknown[];
  readonly pipe?: readonly { readonly type: string; readonly description?: string }[];
};

function fromEntries(schema: StandardSchema<unknown>): DescribedParam[] | undefined {
  const { entries } = schema as { readonly entries?: Readonly<Record<string, Entry>> };
  if (typeof entries !== "object") return undefined;
  return Object.entries(entries).map(([name, entry]) => {
    const inner = innermost(entry);
    return {
      name,
      type: inner.type === "picklist" ? (inner.options ?? []).join("|") : typeWord(inner.type),
      choices: inner.type === "picklist" ? inner.options : undefined,
      fallback: entry.default === undefined ? undefined : JSON.stringify(entry.default),
      required: !["optional", "nullish", "exact_optional", "undefinedable"].includes(entry.type),
      description: descriptionOf(entry) ?? descriptionOf(inner),
    };
  });
}

const innermost = (entry: Entry): Entry =>
  entry.wrapped === undefined ? entry : innermost(entry.wrapped);

const typeWord = (type: string): string =>
  words.get(type) ?? (["number", "boolean"].includes(type) ? type : "value");

const descriptionOf = ({ pipe }: Entry): string | undefined =>
  pipe?.findLast(({ type }) => type === "description")?.description;

// ── any other: what it says of no parameters at all ──────────────────────────────────────────────────────

async function fromValidation(schema: StandardSchema<unknown>): Promise<DescribedParam[]> {
  const defaults = await resolveParams(schema, {}).catch(() => undefined);
  if (defaults !== undefined) return Object.entries(defaults).map(fromDefault);
  const issues = await issuesOf(schema);
  const names = issues
    .flatMap(({ path = [] }) => path.slice(0, 1))
    .map((step) => String(typeof step === "object" ? step.key : step));
  return [...new Set(names)].map((name) => ({
    name,
    type: "value",
    fallback: undefined,
    required: true,
    description: undefined,
  }));
}

type Issues = NonNullable<
  Awaited<ReturnType<StandardSchema<unknown>["~standard"]["validate"]>>["issues"]
>;

/** None where the schema itself fails: a run says so. */
async function issuesOf(schema: StandardSchema<unknown>): Promise<Issues> {
  try {
    return (await schema["~standard"].validate({})).issues ?? [];
  } catch {
    return [];
  }
}
