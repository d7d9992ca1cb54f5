// The rows that two databases do not have equally often → how many are lost, there twice, or changed, and the first of them.

import { valueText } from "./value-text.ts";

/** The rows that are compared. */
type Compared = {
  readonly kind: "rows" | "tasks";
  readonly name: string;
  readonly columns: readonly string[];
  /** The primary key, as far as it is compared. Empty: the whole row. */
  readonly key: readonly string[];
};

/** A row and how often it is there, or no such row. Only the columns that differ, if both have a row of the key. */
type Found = { readonly times: number; readonly row: Row } | null;

/** Integers are bigints: as numbers, two that differ could be equal. */
export type Row = Readonly<Record<string, unknown>>;

export type Difference = {
  readonly kind: Compared["kind"];
  /** `orders`, `task load-day`. */
  readonly place: string;
  /** The key's columns; none where there is no key, or where it is left out. */
  readonly key: Row;
  readonly undisturbed: Found;
  readonly found: Found;
};

export type Differences = {
  readonly lost: number;
  readonly twice: number;
  readonly changed: number;
  readonly first: Difference | undefined;
};

export const none: Differences = { lost: 0, twice: 0, changed: 0, first: undefined };

/** @param rows that one side has more often than the other: the columns as `c0`, `c1` …, and how often as `main` and `found` */
export function differencesIn(section: Compared, rows: Iterable<Row>): Differences {
  const byKey = new Map<string, Surplus>();
  for (const row of rows) {
    const seen = seenIn(section, row);
    const key = Object.fromEntries(section.key.map((name) => [name, seen.row[name]]));
    const id = Object.values(section.key.length > 0 ? key : seen.row)
      .map(valueText)
      .join();
    byKey.set(
      id,
      withSeen(byKey.get(id) ?? { key, lost: 0, twice: 0, missing: null, extra: null }, seen),
    );
  }
  return [...byKey.values()].map((surplus) => differencesOf(section, surplus)).reduce(added, none);
}

/** A row that the sides have not equally often. */
type Seen = { readonly row: Row; readonly main: number; readonly found: number };

function seenIn({ columns }: Compared, found: Row): Seen {
  const row = Object.fromEntries(columns.map((column, i) => [column, found[`c${i}`]]));
  return { row, main: Number(found["main"]), found: Number(found["found"]) };
}

/** What the sides have more of, under one key. */
type Surplus = {
  readonly key: Row;
  readonly lost: number;
  readonly twice: number;
  readonly missing: Found;
  readonly extra: Found;
};

function withSeen(surplus: Surplus, { row, main, found }: Seen): Surplus {
  const missing = main === 0 ? surplus.missing : { times: main, row };
  const extra = found === 0 ? surplus.extra : { times: found, row };
  return main > found
    ? { ...surplus, lost: surplus.lost + main - found, missing, extra: surplus.extra ?? extra }
    : {
        ...surplus,
        twice: surplus.twice + found - main,
        missing: surplus.missing ?? missing,
        extra,
      };
}

function differencesOf({ kind, name: place }: Compared, surplus: Surplus): Differences {
  const { key, missing, extra } = surplus;
  const changed = Math.min(surplus.lost, surplus.twice);
  return {
    lost: surplus.lost - changed,
    twice: surplus.twice - changed,
    changed,
    first: { kind, place, key, ...differingColumns(missing, extra) },
  };
}

function differingColumns(missing: Found, extra: Found): Pick<Difference, "undisturbed" | "found"> {
  if (missing === null || extra === null || missing.row === extra.row) {
    return { undisturbed: missing, found: extra };
  }
  const names = Object.keys(missing.row).filter(
    (name) => !Bun.deepEquals(missing.row[name], extra.row[name]),
  );
  const part = ({ times, row }: NonNullable<Found>): Found => ({
    times,
    row: Object.fromEntries(names.map((name) => [name, row[name]])),
  });
  return { undisturbed: part(missing), found: part(extra) };
}

export const added = (a: Differences, b: Differences): Differences => ({
  lost: a.lost + b.lost,
  twice: a.twice + b.twice,
  changed: a.changed + b.changed,
  first: a.first ?? b.first,
});
