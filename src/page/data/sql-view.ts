// SQL that a person types, and the tables of the database.

import { systemClock } from "../../base/clock.ts";
import { JSON } from "../../base/globals.ts";
import { foldCase } from "../../base/fold-case.ts";
import { quoteIdentifier } from "../../base/quote-identifier.ts";
import { isOwnTable } from "../../store/own-tables.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import type { Reader } from "../../store/read/reader.ts";
import { lastWrites } from "../../store/read/table-writes.ts";
import { type Asked, memberOf, Refused } from "../asked.ts";
import type { SqlAnswer, TablesView, TableView } from "../contract-data.ts";
import type { PageDatabase } from "../page-database.ts";

const timeoutMs = 30_000;
const countTimeoutMs = 2_000;

/** Answers a POST, so that no other site can make the machine work by an address. */
export async function sqlAnswer(
  database: PageDatabase,
  { body, signal }: Asked,
): Promise<SqlAnswer> {
  const sql = memberOf(body, "sql");
  if (typeof sql !== "string" || sql.trim() === "") {
    throw new Refused(400, "there is no SQL to run");
  }
  const began = systemClock.now();
  const { lines, isCut } = await database.queries.rows(sql, timeoutMs, signal);
  return { lines, isCut, tookMs: systemClock.now() - began };
}

/** With how many rows each table has, where counting all of them takes less than 2 s. */
export async function tablesView(database: PageDatabase, { signal }: Asked): Promise<TablesView> {
  const tables = namedTables(database);
  const counts = await countsOf(
    database,
    tables.flatMap(({ name, problem }) => (problem === null ? [name] : [])),
    signal,
  );
  const writes = lastWrites(database.reader);
  return {
    tables: tables.map((table) => ({
      ...table,
      rows: counts.get(table.name) ?? null,
      lastWrite: writes.get(foldCase(table.name)) ?? null,
    })),
  };
}

type NamedTable = Pick<TableView, "name" | "columns" | "problem">;

function namedTables({ reader }: PageDatabase): readonly NamedTable[] {
  const names = reader
    .query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
    .map((row) => String(row["name"]))
    .filter((name) => !isOwnTable(name) && !/^(?:sqlite|pipeloom)_/i.test(name));
  return names.map((name) => ({ name, ...columnsOf(reader, name) }));
}

function columnsOf(reader: Reader, name: string): Pick<TableView, "columns" | "problem"> {
  try {
    const columns = reader
      .query("SELECT name, type FROM pragma_table_info(?)", [name])
      .map((column) => ({ name: String(column["name"]), type: String(column["type"]) }));
    return { columns, problem: null };
  } catch (thrown) {
    // A view stays when its table is dropped. It is no reason to hide all others.
    if (!(thrown instanceof ReaderError) || thrown.code !== "bad-sql") throw thrown;
    return { columns: [], problem: thrown.message };
  }
}

async function countsOf(
  database: PageDatabase,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  if (names.length === 0) return new Map();
  const counts = names.map((name) => `(SELECT count(*) FROM ${quoteIdentifier(name)})`);
  try {
    const sql = `SELECT json_array(${counts.join(", ")}) AS counts`;
    const { lines } = await database.counts.rows(sql, countTimeoutMs, signal);
    const values: unknown = JSON.parse(JSON.parse(lines[0] ?? "{}").counts);
    return new Map(Array.isArray(values) ? names.map((name, i) => [name, Number(values[i])]) : []);
  } catch (thrown) {
    // Too many rows to count.
    if (thrown instanceof Refused) return new Map();
    throw thrown;
  }
}
