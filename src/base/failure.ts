// Failures as plain data: an Error subclass that is posted to another thread arrives as a bare Error.

import { JSON } from "./globals.ts";

/** What went wrong, in a form that survives threads, JSON and the database. */
export type Failure = {
  /** The error's class or kind, e.g. `TypeError`, `TimeoutError`, `WorkerExit`. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** A machine-readable code such as `ENOENT` or `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly code?: string;
  readonly cause?: Failure;
  /** What an AggregateError holds: each address that was tried, each promise that was rejected. */
  readonly errors?: readonly Failure[];
};

/** Causes deeper than this are cut: a chain that loops must not loop here. */
const maxCauses = 8;
/** All causes and errors within one failure; they may be a tree, and loop. */
const maxNested = 24;
const maxStackChars = 16_384;
const maxMessageChars = 65_536;

const cut = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max)}… (${text.length - max} more characters)`;

/** A property of something unknown; a getter that throws counts as absent. */
function read(thrown: object, key: string): unknown {
  try {
    return (thrown as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function describe(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  try {
    return typeof thrown === "object" && thrown !== null
      ? (JSON.stringify(thrown) ?? String(thrown))
      : String(thrown);
  } catch {
    return "a value that cannot be shown";
  }
}

const looksLikeError = (thrown: unknown): thrown is object =>
  typeof thrown === "object" && thrown !== null && typeof read(thrown, "message") === "string";

/** Makes a Failure of whatever was thrown: an Error, a string, null, an object with hostile getters. */
export const toFailure = (thrown: unknown): Failure => failureOf(thrown, 0, { left: maxNested });

function failureOf(thrown: unknown, depth: number, nested: { left: number }): Failure {
  if (!looksLikeError(thrown)) {
    return { name: "Error", message: cut(`thrown: ${describe(thrown)}`, maxMessageChars) };
  }
  const name = read(thrown, "name");
  const message = read(thrown, "message");
  const stack = read(thrown, "stack");
  const code = read(thrown, "code");
  const cause = read(thrown, "cause");
  const within = (inner: unknown): Failure[] =>
    depth >= maxCauses || nested.left-- <= 0 ? [] : [failureOf(inner, depth + 1, nested)];
  const [causedBy] = cause === undefined || cause === null ? [] : within(cause);
  const errors = listOf(read(thrown, "errors")).flatMap(within);
  return {
    name: typeof name === "string" && name !== "" ? cut(name, 256) : "Error",
    message: cut(typeof message === "string" ? message : describe(message), maxMessageChars),
    ...(typeof stack === "string" ? { stack: cut(stack, maxStackChars) } : {}),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(causedBy === undefined ? {} : { cause: causedBy }),
    ...(errors.length === 0 ? {} : { errors }),
  };
}

/** At most so many elements as a failure may hold; a list that cannot be read is empty. */
function listOf(value: unknown): unknown[] {
  try {
    return Array.isArray(value) ? value.slice(0, maxNested) : [];
  } catch {
    return [];
  }
}

/** The failure alone: `TypeError: x is not a function`, or the message for a bare Error. */
export function failureHead({ name, message }: Failure): string {
  if (message === "") return name;
  return name === "Error" ? message : `${name}: ${message}`;
}

/** One line for a person, with what it is about: `fetch failed; caused by: ECONNREFUSED`, `AggregateError (1: …; 2: …)`. */
export function failureLine(failure: Failure): string {
  const { errors, cause } = failure;
  const head = failureHead(failure);
  const list = errors === undefined ? "" : ` (${errors.map(numbered).join("; ")})`;
  // Who wraps an error often repeats its message.
  const isSaid = cause === undefined || (cause.message !== "" && head.includes(cause.message));
  return `${head}${list}${isSaid ? "" : `; caused by: ${failureLine(cause)}`}`;
}

const numbered = (error: Failure, index: number): string => `${index + 1}: ${failureLine(error)}`;
