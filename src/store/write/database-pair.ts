// What differs between two databases: user tables row by row, and the tasks of a run. Rows are compared as a multiset, by
// SQLite itself, because a table may not fit into memory.

import { Database } from "bun:sqlite";

import { quoteIdentifier } from "../../base/quote-identifier.ts";
import { isOwnTable } from "../own-tables.ts";
import { added, type Differences, differencesIn, none, type Row } from "../read/row-differences.ts";

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

type Compared = Readonly<Record<Section["kind"], Differences>> & {
  /** `orders.id`: the same rows, which SQLite has numbered in another order. */
  readonly renumbered: readonly string[];
};

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
    const renumbered: string[] = [];
    const others = this.#tableSections().filter(({ table }) => !tables.includes(table));
    for (const section of [...sections, ...otherTasks, ...others]) {
      const differences = this.#differences(section);
      const { rowid } = section;
      if (differences.first !== undefined && rowid !== undefined && this.#isRenumbered(section)) {
        renumbered.push(`${section.name}.${rowid}`);
      } else total[section.kind] = added(total[section.kind], differences);
    }
    return { ...total, renumbered };
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
      ).filter(({ name, hidden }) => hidden !== 1 && !(table === stateTable && isOfRun.test(name)));
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

  /**
   * Whether the differences are only that SQLite has numbered the rows in another order: that of the commits, which a kill
   * changes. SQLite counts up from the last row, so from the first row that differs no number is missing.
   */
  #isRenumbered(section: Section): boolean {
    const { columns, rowid = "" } = section;
    const at = columns.indexOf(rowid);
    const rest = columns.filter((column) => column !== rowid);
    if (at < 0 || !this.#agree(section, rest) || !this.#agree(section, [rowid])) return false;
    const id = quoteIdentifier(rowid);
    const [row] = this.#all<{ isCounted: number }>(
      `SELECT COUNT(*) = MAX(${id}) - MIN(${id}) + 1 AS isCounted FROM ${this.#source("main", section)} ` +
        `WHERE ${id} >= (SELECT MIN(c${at}) FROM (${this.#surplusSql(section, columns)}))`,
    );
    return row?.isCounted === 1;
  }

  #differences(section: Section): Differences {
    using statement = this.#db.prepare(this.#surplusSql(section, section.columns));
    return differencesIn(section, statement.safeIntegers(true).iterate() as Iterable<Row>);
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

/** Its values are the tasks' own. */
const stateTable = "pipeloom_state";
/** Which task has set a value, and when. */
const isOfRun = /^(?:run_id|task_id|at)$/;

const isUsers = (table: string): boolean =>
  table === stateTable || (!isOwnTable(table) && !/^(?:sqlite|pipeloom)_/i.test(table));
