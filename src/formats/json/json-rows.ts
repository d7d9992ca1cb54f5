// Parses the body of a response into rows while it arrives. Formats: one JSON value, one value per line, or a JSON text
// sequence (RFC 7464).

import { isJsonText } from "../../base/json.ts";
import { parseExact } from "./json-values.ts";

export type JsonRow = { readonly [name: string]: unknown };
/** A row, its place in the response (for messages), and its JSON text (for hashing). */
export type JsonRecord = { readonly row: JsonRow; readonly where: string; readonly text: string };

export const formats = ["auto", "json", "jsonl"] as const;
export type Format = (typeof formats)[number];

/** Precedes each value of a JSON text sequence. */
const recordSeparator = "\u001e";

/** The format by content type or address; `auto` if neither is specific, so that the first bytes decide. */
export function formatOf(url: string, contentType: string | null): Format {
  if (contentType !== null && /ndjson|jsonl|json-?lines|json-seq/i.test(contentType))
    return "jsonl";
  return /\.(?:jsonl|ndjson)(?:\.gz)?(?:$|[?#])/i.test(url) ? "jsonl" : "auto";
}

/**
 * @param path path of the array in the response (or in each line), e.g. `data.items`. Empty: the response is the array
 * @throws Error naming the place of a value that is not an object
 */
export async function* jsonRecords(
  texts: AsyncIterable<string>,
  format: Format,
  path: string,
): AsyncGenerator<JsonRecord> {
  const parts = new Parts(format);
  for await (const text of texts) for (const part of parts.add(text)) yield* recordsOf(part, path);
  for (const part of parts.end()) yield* recordsOf(part, path);
}

/** One JSON text of the response. */
type Part = { readonly text: string; readonly where: string; readonly isWhole: boolean };

/** Splits streamed text into JSON texts. */
class Parts {
  /** `null`: the whole response is one JSON text. `undefined`: not known yet. */
  #separator: string | null | undefined;
  readonly #format: Format;
  /** Text since the last separator. Joined once, because one value may be as long as the response. */
  #pieces: string[] = [];
  #count = 0;

  constructor(format: Format) {
    this.#format = format;
  }

  *add(text: string): Generator<Part> {
    let piece = text;
    if (this.#separator === undefined) {
      this.#pieces.push(piece);
      this.#separator = this.#look(piece);
      if (typeof this.#separator !== "string") return;
      piece = this.#take();
    }
    if (this.#separator === null) {
      this.#pieces.push(piece);
      return;
    }
    const [first = "", ...more] = piece.split(this.#separator);
    this.#pieces.push(first);
    for (const next of more) {
      yield* this.#part();
      this.#pieces.push(next);
    }
  }

  *end(): Generator<Part> {
    if (this.#format === "jsonl" || typeof this.#separator === "string") yield* this.#part();
    else yield { text: this.#take(), where: "the response", isWhole: true };
  }

  #take(): string {
    const text = this.#pieces.length === 1 ? this.#pieces[0] : this.#pieces.join("");
    this.#pieces = [];
    if (text === undefined) throw new Error("Internal error: a piece of text that is not there");
    return text;
  }

  *#part(): Generator<Part> {
    const text = this.#take();
    this.#count++;
    if (isBlank(text)) return;
    // Nothing precedes the first record separator, so the first part is empty.
    const where = this.#separator === "\n" ? `line ${this.#count}` : `record ${this.#count - 1}`;
    yield { text, where, isWhole: false };
  }

  /** Decides the separator from the beginning of the response. @param newest the last piece received */
  #look(newest: string): string | null | undefined {
    const isDecided =
      this.#format === "jsonl" || newest.includes("\n") || this.#pieces.length === 1;
    if (!isDecided) return undefined;
    const beginning = this.#pieces.join("").trimStart();
    if (beginning === "") return undefined;
    if (beginning.startsWith(recordSeparator)) return recordSeparator;
    if (this.#format === "jsonl") return "\n";
    if (this.#format === "json" || !beginning.startsWith("{")) return null;
    const lineEnd = beginning.indexOf("\n");
    if (lineEnd === -1) return undefined;
    return isJsonText(beginning.slice(0, lineEnd)) ? "\n" : null;
  }
}

const isBlank = (text: string): boolean => text.trim() === "";

function* recordsOf({ text, where, isWhole }: Part, path: string): Generator<JsonRecord> {
  const value = parsed(text, where, isWhole);
  if (!isWhole && path === "") {
    yield { row: object(value, where), where, text };
    return;
  }
  const found = path === "" ? value : pick(value, path);
  if (found === undefined) throw new Error(`${where} has no ${path}${namesOf(value)}`);
  const list: readonly unknown[] = Array.isArray(found) ? found : [found];
  const start = isWhole ? "" : `${where}: `;
  for (const [index, item] of list.entries()) {
    const at = `${start}${path}[${index}]`;
    yield { row: object(item, at), where: at, text: JSON.stringify(item) };
  }
}

/** Suggestions for `--path`. */
function namesOf(value: unknown): string {
  if (!isObject(value) || Array.isArray(value)) return "";
  const names = Object.keys(value);
  const more = names.length > maxNames ? ", …" : "";
  return names.length === 0 ? "" : `; it has: ${names.slice(0, maxNames).join(", ")}${more}`;
}

const maxNames = 10;

function parsed(text: string, where: string, isWhole: boolean): unknown {
  if (isBlank(text)) throw new Error(`${where} is empty, so it is not JSON`);
  try {
    return parseExact(text);
  } catch (cause) {
    const begins = JSON.stringify(text.slice(0, 40));
    const hint =
      isWhole && /^\s*\{[^\n]*\}\s*\n\s*\{/.test(text)
        ? " (for one value per line, use --format jsonl)"
        : "";
    throw new Error(`${where} is not JSON; it begins with ${begins}${hint}`, { cause });
  }
}

function object(value: unknown, where: string): JsonRow {
  if (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !JSON.isRawJSON(value)
  ) {
    return value as JsonRow;
  }
  throw new Error(`${where} is ${JSON.stringify(value)?.slice(0, 40)}, not an object`);
}

/** Reads `user.name` from `{ user: { name } }` or `{ "user.name": … }`; undefined if it is missing. */
function pick(value: unknown, path: string): unknown {
  if (isObject(value) && Object.hasOwn(value, path)) return Reflect.get(value, path);
  let found = value;
  for (const step of path.split(".")) {
    if (!isObject(found) || !Object.hasOwn(found, step)) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !JSON.isRawJSON(value);

/** Parses `id,title,author=user.name` to column → path. Empty: all columns of a row. @throws TypeError */
export function parseSelect(text: string): ReadonlyMap<string, string> {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  const select = new Map<string, string>();
  for (const item of items) {
    const split = item.indexOf("=");
    const [column, path] =
      split === -1 ? [item, item] : [item.slice(0, split).trim(), item.slice(split + 1).trim()];
    if (column === "" || path === "")
      throw new TypeError(`${JSON.stringify(item)} must be column or column=path`);
    if (select.has(column))
      throw new TypeError(`the column ${JSON.stringify(column)} is selected twice`);
    select.set(column, path);
  }
  return select;
}

/** The selected columns of a row. A column whose path is missing in the row is omitted. */
export function selected(row: JsonRow, select: ReadonlyMap<string, string>): JsonRow {
  if (select.size === 0) return row;
  const chosen: [string, unknown][] = [];
  for (const [column, path] of select) {
    const value = pick(row, path);
    if (value !== undefined) chosen.push([column, value]);
  }
  return Object.fromEntries(chosen);
}
