// Failures as plain data: an Error subclass that is posted to another thread arrives as a bare Error.

/** What went wrong, in a form that survives threads, JSON and the database. */
export type Failure = {
  /** The error's class or kind, e.g. `TypeError`, `TimeoutError`, `WorkerExit`. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** A machine-readable code such as `ENOENT` or `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly code?: string;
  readonly cause?: Failure;
};

/** Causes deeper than this are cut: a chain that loops must not loop here. */
const maxCauses = 8;
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
export function toFailure(thrown: unknown, depth = 0): Failure {
  if (!looksLikeError(thrown)) {
    return { name: "Error", message: cut(`thrown: ${describe(thrown)}`, maxMessageChars) };
  }
  const name = read(thrown, "name");
  const message = read(thrown, "message");
  const stack = read(thrown, "stack");
  const code = read(thrown, "code");
  const cause = read(thrown, "cause");
  return {
    name: typeof name === "string" && name !== "" ? cut(name, 256) : "Error",
    message: cut(typeof message === "string" ? message : describe(message), maxMessageChars),
    ...(typeof stack === "string" ? { stack: cut(stack, maxStackChars) } : {}),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(cause === undefined || cause === null || depth >= maxCauses
      ? {}
      : { cause: toFailure(cause, depth + 1) }),
  };
}

/** One line for a person: `TypeError: x is not a function`, or the message alone for a bare Error. */
export const failureLine = (failure: Failure): string =>
  failure.name === "Error" ? failure.message : `${failure.name}: ${failure.message}`;
