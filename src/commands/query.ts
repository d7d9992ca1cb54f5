// `pipeloom query`: runs a SELECT on a read-only connection and prints rows as they arrive.

import { asUserError, waitingReader } from "./waiting-reader.ts";
import { queryEndsAfterVariable } from "../protocol/page-variables.ts";
import { spawnBounds } from "../spawn.ts";
import { ReaderError } from "../store/read/reader-error.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { shownOn } from "../base/streams.ts";
import { defineCliCommand } from "../cli/command.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { type RowFormat, rowFormats, rowWriter } from "./rows-format.ts";
import { Printer } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import type { Bounds } from "../watchdog/bounds-main.ts";
import { takeVariable } from "./take-variable.ts";

export const command = defineCliCommand({
  meta: {
    name: "query",
    details:
      "Opens the database read-only, also while a run writes. Prints rows as they arrive, in any number. A very slow reader keeps SQLite from reusing its write-ahead log.",
    examples: [
      {
        line: `pipeloom query "SELECT status, COUNT(*) AS n FROM task_runs GROUP BY status"`,
        what: "the number of tasks in each state",
      },
      {
        line: `pipeloom query --format csv "SELECT * FROM posts" > posts.csv`,
        what: "a table as a CSV file",
      },
    ],
  },
  args: {
    sql: {
      type: "positional",
      description: "one statement that reads; - reads it from standard input",
    },
    db: readDbFlag,
    format: {
      type: "enum",
      alias: "f",
      options: [...rowFormats],
      default: "table",
      description: "the output format",
    },
  },
  async run(flags) {
    setBounds();
    const sql = flags.sql === "-" ? await Bun.stdin.text() : flags.sql;
    try {
      write(databaseOf(flags.db, flags.format !== "table"), sql, flags.format);
      return 0;
    } catch (thrown) {
      throw explained(thrown);
    }
  },
});

/** For the page. A row of 1 GB, which SQLite can make, would take 6 GB here. */
const maxBytes = 500_000_000;

function setBounds(): void {
  const endsAfterMs = Number(takeVariable(queryEndsAfterVariable) ?? 0);
  if (endsAfterMs > 0) spawnBounds().postMessage({ endsAfterMs, maxBytes } satisfies Bounds);
}

function write(db: string, sql: string, format: RowFormat): void {
  using reader = waitingReader(db);
  const { columns, rows } = reader.iterate(sql);
  const { isTTY, columns: width } = shownOn("stdout");
  const writer = rowWriter({
    format,
    columns,
    width: isTTY ? width : Number.POSITIVE_INFINITY,
    colors: paletteOf(colorLevel(process.env, isTTY)),
  });
  const printer = new Printer();
  printer.print(writer.begin());
  for (const row of rows) printer.print(writer.row(row));
  printer.print(writer.end());
  printer.flush();
}

function explained(thrown: unknown): unknown {
  const isUsage = thrown instanceof ReaderError && thrown.code === "not-read-only";
  return isUsage ? new UsageError(thrown.message) : asUserError(thrown);
}
