// What reads rows: a Reader, or the writer's connection.

import type { Database } from "bun:sqlite";

import type { Row } from "./read/reader.ts";

export type Queries = {
  query(sql: string, params?: readonly (string | number | null)[]): readonly Row[];
};

export const queriesOf = (db: Database): Queries => ({
  query(sql, params = []) {
    using statement = db.prepare<Row, (string | number | null)[]>(sql);
    return statement.all(...params);
  },
});
