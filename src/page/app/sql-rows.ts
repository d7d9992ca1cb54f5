// Rows of SQL: JSON lines whose numbers keep all digits.

type Cell = string | null;

export type SqlRows = {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** Columns that have numbers, and nothing else but NULL. */
  readonly numeric: ReadonlySet<string>;
};

/** A number as it was sent. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Parsed = Readonly<Record<string, string | null | Digits>>;

/** @param lines of one query: each has the same keys */
export function parseRows(lines: readonly string[]): SqlRows {
  const parsed = lines.map((line): Parsed => JSON.parse(line, reviver));
  const columns = Object.keys(parsed[0] ?? {});
  const isNumeric = (name: string): boolean => {
    const values = parsed.map((row) => row[name]).filter((value) => value !== null);
    return values.length > 0 && values.every((value) => value instanceof Digits);
  };
  return {
    columns,
    numeric: new Set(columns.filter(isNumeric)),
    rows: parsed.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)])),
    ),
  };
}

const textOf = (value: string | null | Digits): Cell =>
  value instanceof Digits ? value.text : value;

/** @param context has the digits; older browsers do not give it */
const reviver = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" ? new Digits(context?.source ?? String(value)) : value;
