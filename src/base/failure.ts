// Failures as plain data: an Error subclass posted to another thread arrives as a bare Error.

import { JSON } from "./globals.ts";

/** An error in a form that survives threads, JSON and the database. */
export type Failure = {
  /** The error's class or kind, e.g. `TypeError`, `TimeoutError`, `WorkerExit`. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** A machine-readable code such as `ENOENT` or `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly code?: string;
  readonly cause?: Failure;
  /** The errors of an AggregateError: one per address tried, or per rejected promise. */
  readonly errors?: readonly Failure[];
};

/** Deeper causes are cut: a chain of causes may be a loop. */
const maxCauses = 8;
/** Bound on all causes and errors in one failure: they may be a tree with loops. */
const maxNested = 24;
const maxStackChars = 16_384;
const maxMessageChars = 65_536;

const cut = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max)}… (${text.length - max} more characters)`;

/** A property of an unknown object; undefined if its getter throws. */
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

/** Makes a Failure of anything thrown: an Error, a string, null, an object with hostile getters. */
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

/** The first `maxNested` elements; empty for a list that cannot be read. */
function listOf(value: unknown): unknown[] {
  try {
    return Array.isArray(value) ? value.slice(0, maxNested) : [];
  } catch {
    return [];
  }
}

/** The failure alone: `TypeError: x is not a function`, or the message for a bare Error, or where it begins with the name. */
export function failureHead({ name, message }: Failure): string {
  if (message === "") return name;
  const isSaid = name === "Error" || message.toLowerCase().startsWith(name.toLowerCase());
  return isSaid ? message : `${name}: ${message}`;
}

/** One line with causes and errors: `fetch failed; caused by: ECONNREFUSED`, `AggregateError (1: …; 2: …)`. */
export function failureLine(failure: Failure): string {
  const { errors, cause } = failure;
  const head = failureHead(failure);
  const list = errors === undefined ? "" : ` (${errors.map(numbered).join("; ")})`;
  const isSaid = cause === undefined || repeats(head, cause);
  return `${head}${list}${isSaid ? "" : `; caused by: ${failureLine(cause)}`}`;
}

/** A wrapping error often repeats the message of its cause, or SQLite's code with better words than SQLite's. */
const repeats = (head: string, { message, code }: Failure): boolean =>
  (message !== "" && head.includes(message)) ||
  (code?.startsWith("SQLITE_") === true && head.includes(code));

const numbered = (error: Failure, index: number): string => `${index + 1}: ${failureLine(error)}`;
