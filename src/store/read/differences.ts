// What differs between two databases: user tables row by row, and the tasks of a run. Rows are compared as a multiset, by
// SQLite itself, because a table may not fit into memory.

import { Database } from "bun:sqlite";

import { quoteIdentifier } from "../../base/quote-identifier.ts";
import { isOwnTable } from "../own-tables.ts";
import { valueText } from "./value-text.ts";

/** A database, and the run in it. */
export type Side = { readonly path: string; readonly run: number };

/** Rows that are compared: those of a table, or the tasks of one name. */
type Section = {
  readonly kind: "rows" | "tasks";
  readonly name: string;
  readonly columns: readonly string[];
  /** The primary key, as far as it is compared. Empty: the whole row. */
  readonly key: readonly string[];
  readonly table: string;
  /** The column that SQLite numbers, in the order of commits, where the row does not. */
  readonly rowid?: string | undefined;
  /** For `tasks`: their names, as a condition in SQL; undefined: all. */
  readonly where?: string;
};

export type ComparePlan = {
  readonly sections: readonly Section[];
  /** The user tables that the undisturbed runs have. */
  readonly tables: readonly string[];
  /** The tasks of all other names; none where one section has the tasks of all names. */
  readonly otherTasks: readonly Section[];
  /** Columns that two undisturbed runs do not agree on: `orders.loaded_at`. */
  readonly leftOut: readonly string[];
  /** Sections with another number of rows in each: `orders: 12 and 15`. */
  readonly unequal: readonly string[];
};

/** A row and how often it is there, or no such row. Only the columns that differ, if both have a row of the key. */
type Found = { readonly times: number; readonly row: Row } | null;

/** Integers are bigints: as numbers, two that differ could be equal. */
type Row = Readonly<Record<string, unknown>>;

export type Difference = {
  readonly kind: Section["kind"];
  /** `orders`, `task load-day`. */
  readonly place: string;
  /** The key's columns; none where there is no key, or where it is left out. */
  readonly key: Row;
  readonly undisturbed: Found;
  readonly found: Found;
};

type Differences = {
  readonly lost: number;
  readonly twice: number;
  readonly changed: number;
  readonly first: Difference | undefined;
};

type Compared = Readonly<Record<Section["kind"], Differences>>;

const none: Differences = { lost: 0, twice: 0, changed: 0, first: undefined };

/** More names of tasks are compared together. */
const maxTaskNames = 50;

const sides = ["main", "found"] as const;

/** Both are opened for writing: an unfinished transaction is rolled back first. */
export class DatabasePair implements Disposable {
  readonly #db: Database;
  readonly #runs: Readonly<Record<(typeof sides)[number], number>>;

  constructor(undisturbed: Side, found: Side) {
    this.#db = new Database(undisturbed.path);
    this.#db.run("ATTACH ? AS found", [found.path]);
    this.#runs = { main: undisturbed.run, found: found.run };
  }

  /** For two undisturbed runs: which sections and columns they agree on. */
  plan(): ComparePlan {
    const sections: Section[] = [];
    const leftOut: string[] = [];
    const unequal: string[] = [];
    const tables = this.#tableSections();
    const { named, others } = this.#taskSections();
    for (const section of [...named, ...tables]) {
      if (!this.#agree(section, [])) {
        unequal.push(`${section.name}: ${this.#counts(section)}`);
        continue;
      }
      const columns = this.#stableColumns(section);
      const away = section.columns.filter((column) => !columns.includes(column));
      leftOut.push(...away.map((column) => `${section.name}.${column}`));
      sections.push({ ...section, columns, key: isKept(section.key, columns) ? section.key : [] });
    }
    return {
      sections,
      tables: tables.map(({ table }) => table),
      otherTasks: others,
      leftOut,
      unequal,
    };
  }

  compare({ sections, tables, otherTasks }: ComparePlan): Compared {
    const total = { rows: none, tasks: none };
    const others = this.#tableSections().filter(({ table }) => !tables.includes(table));
    for (const section of [...sections, ...otherTasks, ...others]) {
      total[section.kind] = added(total[section.kind], this.#differences(section));
    }
    return total;
  }

  /** How many rows of each kind the sections have in the undisturbed run. */
  size({ sections }: ComparePlan): Readonly<Record<Section["kind"], number>> {
    const size = { rows: 0, tasks: 0 };
    for (const section of sections) size[section.kind] += this.#count("main", section);
    return size;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #tableSections(): Section[] {
    const sql = sides
      .map((side) => `SELECT name, sql FROM ${side}.sqlite_schema WHERE type = 'table'`)
      .join(" UNION ");
    const names = new Set(
      this.#all<{ name: string; sql: string | null }>(`${sql} ORDER BY name`)
        .filter(({ name, sql: made }) => isUsers(name) && !/^CREATE VIRTUAL/i.test(made ?? ""))
        .map(({ name }) => name),
    );
    return [...names].map((table) => {
      const side = sides.find((one) => this.#has(one, table)) ?? "main";
      const columns = this.#all<{ name: string; type: string; pk: number; hidden: number }>(
        `PRAGMA ${side}.table_xinfo(${quoteIdentifier(table)})`,
      ).filter(({ hidden }) => hidden !== 1);
      const keys = columns.filter(({ pk }) => pk > 0);
      const rowid =
        keys.length === 1 ? keys.find(({ type }) => /^INTEGER$/i.test(type)) : undefined;
      return {
        kind: "rows",
        name: table,
        table,
        columns: columns.map(({ name }) => name),
        key: keys.map(({ name }) => name),
        rowid: rowid?.name,
      };
    });
  }

  /** One for each name, and one for the names that neither side has. */
  #taskSections(): { readonly named: readonly Section[]; readonly others: readonly Section[] } {
    const whole: Section = {
      kind: "tasks",
      name: "tasks",
      table: "task_runs",
      columns: ["name", "key", "status", "result", "error"],
      key: ["key"],
    };
    const [main, found] = sides.map((side) => `SELECT name FROM ${this.#source(side, whole)}`);
    const names = this.#all<{ name: string }>(
      `${main} UNION ${found} LIMIT ${maxTaskNames + 1}`,
    ).map(({ name }) => name);
    if (names.length > maxTaskNames) return { named: [whole], others: [] };
    return {
      named: names.map((name) => ({
        ...whole,
        name: `task ${name}`,
        where: `name = ${sqlText(name)}`,
      })),
      others: [
        {
          ...whole,
          name: "other task",
          key: ["name", "key"],
          where: `name NOT IN (${names.map(sqlText).join()})`,
        },
      ],
    };
  }

  /**
   * Leaves out columns whose values differ (times, random values), then columns that are only joined differently (ids in
   * the order of commits): as few as are needed, at most two.
   */
  #stableColumns(section: Section): readonly string[] {
    const { columns } = section;
    if (this.#agree(section, columns)) return columns;
    const alike = columns.filter((column) => this.#agree(section, [column]));
    for (const away of mayLeaveOut(section, alike)) {
      const rest = alike.filter((column) => !away.includes(column));
      if (this.#agree(section, rest)) return rest;
    }
    return [];
  }

  #agree(section: Section, columns: readonly string[]): boolean {
    const [row] = this.#all(`${this.#surplusSql(section, columns)} LIMIT 1`);
    return row === undefined;
  }

  #differences(section: Section): Differences {
    const byKey = new Map<string, Surplus>();
    using statement = this.#db.prepare(this.#surplusSql(section, section.columns));
    for (const found of statement.safeIntegers(true).iterate()) {
      const seen = seenIn(section, found as Row);
      const key = Object.fromEntries(section.key.map((name) => [name, seen.row[name]]));
      const id = Object.values(section.key.length > 0 ? key : seen.row)
        .map(valueText)
        .join();
      byKey.set(
        id,
        withSeen(byKey.get(id) ?? { key, lost: 0, twice: 0, missing: null, extra: null }, seen),
      );
    }
    return [...byKey.values()]
      .map((surplus) => differencesOf(section, surplus))
      .reduce(added, none);
  }

  /** Rows that one side has more often than the other. */
  #surplusSql(section: Section, columns: readonly string[]): string {
    const values = columns.map((column, i) => {
      const name = quoteIdentifier(column);
      return `typeof(${name}) AS t${i}, ${name} COLLATE BINARY AS c${i}, `;
    });
    const [found, main] = [this.#source("found", section), this.#source("main", section)];
    const grouped = columns.map((_, i) => `t${i}, c${i}`).join(", ") || "NULL";
    return (
      `SELECT ${grouped}, SUM(n = 1) AS found, SUM(n = -1) AS main FROM ` +
      `(SELECT ${values.join("")} 1 AS n FROM ${found} UNION ALL SELECT ${values.join("")} -1 FROM ${main}) ` +
      `GROUP BY ${grouped} HAVING SUM(n) <> 0`
    );
  }

  #source(side: (typeof sides)[number], { kind, table, where = "1", columns }: Section): string {
    if (!this.#has(side, table)) {
      const nothing = columns.map((column) => `NULL AS ${quoteIdentifier(column)}`);
      return `(SELECT ${nothing.join(", ")} WHERE 0)`;
    }
    const from = `${side}.${quoteIdentifier(table)}`;
    if (kind === "rows") return from;
    return `(SELECT * FROM ${from} WHERE run_id = ${this.#runs[side]} AND ${where})`;
  }

  #has(side: (typeof sides)[number], table: string): boolean {
    const sql = `SELECT 1 FROM ${side}.sqlite_schema WHERE type = 'table' AND name = ?`;
    return this.#db.query(sql).get(table) !== null;
  }

  #counts(section: Section): string {
    return sides.map((side) => this.#count(side, section)).join(" and ");
  }

  #count(side: (typeof sides)[number], section: Section): number {
    const [row] = this.#all<{ n: number }>(
      `SELECT COUNT(*) AS n FROM ${this.#source(side, section)}`,
    );
    return row?.n ?? 0;
  }

  #all<Result>(sql: string): Result[] {
    using statement = this.#db.prepare<Result, []>(sql);
    return statement.all();
  }
}

/** A row that the sides have not equally often. */
type Seen = { readonly row: Row; readonly main: number; readonly found: number };

function seenIn({ columns }: Section, found: Row): Seen {
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

function differencesOf({ kind, name: place }: Section, surplus: Surplus): Differences {
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

const added = (a: Differences, b: Differences): Differences => ({
  lost: a.lost + b.lost,
  twice: a.twice + b.twice,
  changed: a.changed + b.changed,
  first: a.first ?? b.first,
});

/** The likeliest first: none, numbers that SQLite gives, one column, two. */
function* mayLeaveOut(
  { rowid }: Section,
  columns: readonly string[],
): Generator<readonly string[]> {
  yield [];
  if (rowid !== undefined) {
    yield [rowid];
    for (const column of columns) yield [rowid, column];
  }
  for (const column of columns) yield [column];
  for (const a of columns) for (const b of columns) if (a < b) yield [a, b];
}

const isKept = (key: readonly string[], columns: readonly string[]): boolean =>
  key.every((column) => columns.includes(column));

const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const isUsers = (table: string): boolean =>
  !isOwnTable(table) && !/^(?:sqlite|pipeloom)_/i.test(table);
