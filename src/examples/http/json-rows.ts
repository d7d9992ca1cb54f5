// The body of an answer as rows: one JSON array, or a JSON value a line, read as it comes.

export type JsonRow = { readonly [name: string]: unknown };
export const formats = ["auto", "json", "jsonl"] as const;
export type Format = (typeof formats)[number];

/** What an answer's type or its address says; `json` when neither does. */
export function formatOf(url: string, contentType: string | null): "json" | "jsonl" {
  if (contentType !== null && /ndjson|jsonl|json-?lines|json-seq/i.test(contentType))
    return "jsonl";
  return /\.(?:jsonl|ndjson)(?:$|[?#])/i.test(url) ? "jsonl" : "json";
}

/**
 * @param path where the array is in the answer, e.g. `data.items`; empty: it is the answer
 * @throws Error naming the place for what is not an object
 */
export async function* jsonRows(
  response: Response,
  format: "json" | "jsonl",
  path: string,
): AsyncGenerator<JsonRow> {
  if (format === "json") {
    yield* arrayRows(parsed(await response.text()), path);
    return;
  }
  let line = 0;
  for await (const text of lines(response)) {
    line++;
    if (text.trim() !== "") yield object(parsed(text, `line ${line}`), `line ${line}`);
  }
}

function parsed(text: string, where = "the answer"): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const begins = JSON.stringify(text.slice(0, 40));
    throw new Error(`${where} is not JSON; it begins with ${begins}`, { cause });
  }
}

function* arrayRows(value: unknown, path: string): Generator<JsonRow> {
  const found = path === "" ? value : pick(value, path);
  const list: readonly unknown[] = Array.isArray(found) ? found : [found];
  for (const [index, item] of list.entries()) yield object(item, `${path}[${index}]`);
}

function object(value: unknown, where: string): JsonRow {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`${where} is ${JSON.stringify(value)?.slice(0, 40)}, not an object`);
}

async function* lines(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body) {
    const text = rest + decoder.decode(bytes, { stream: true });
    const parts = text.split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  yield rest + decoder.decode();
}

/** `user.name` of `{ user: { name } }`; undefined where there is nothing. */
export function pick(value: unknown, path: string): unknown {
  let found: unknown = value;
  for (const step of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step))
      return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}

/** Column → path. Reads `id,title,author=user.name`; empty for all of a row. @throws TypeError */
export function parseSelect(text: string): ReadonlyMap<string, string> {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  return new Map(
    items.map((item) => {
      const split = item.indexOf("=");
      const [column, path] =
        split === -1 ? [item, item] : [item.slice(0, split), item.slice(split + 1)];
      if (column === "" || path === "")
        throw new TypeError(`select: ${JSON.stringify(item)} must be column or column=path`);
      return [column, path];
    }),
  );
}

export function selected(row: JsonRow, select: ReadonlyMap<string, string>): JsonRow {
  if (select.size === 0) return row;
  return Object.fromEntries(
    Array.from(select, ([column, path]) => [column, pick(row, path) ?? null]),
  );
}
