// `pipeloom init-db`: creates pipeloom's tables in a database before any run.

import { migrations } from "../store/migrate.ts";
import { closeDatabase } from "../store/write/close-database.ts";
import { noLock } from "../store/lock.ts";
import { openDatabase, shortTuning } from "../store/open-database.ts";
import { StoreError } from "../store/store-error.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { busyHandlerFor } from "./waiting-reader.ts";

export const command = defineCliCommand({
  meta: {
    name: "init-db",
    details:
      "Creates a missing database, adds missing tables of pipeloom, and migrates older ones. A run does all this itself; use this command to look at the tables or to grant rights before the first run.",
    examples: [
      { line: "pipeloom init-db", what: "creates ./pipeloom.db" },
      { line: "pipeloom init-db --db data/app.db", what: "adds the tables to your database" },
    ],
  },
  args: {
    db: {
      type: "string",
      valueHint: "db",
      default: "./pipeloom.db",
      description: "the database",
    },
    wal: {
      type: "boolean",
      default: true,
      description: "use SQLite's write-ahead log",
      negativeDescription: "use a rollback journal",
    },
  },
  async run({ db, wal }) {
    if (db === ":memory:")
      throw new UsageError("--db must be a file: a :memory: database ends with this command");
    prepare(db, wal);
    process.stderr.write(`${db} is ready: pipeloom's tables have version ${migrations.length}\n`);
    return 0;
  },
});

function prepare(db: string, wal: boolean): void {
  try {
    const options = { db, wal, durability: "full", storeTaskStatus: true } as const;
    const opened = busyHandlerFor(db).run(() => openDatabase(options, shortTuning));
    closeDatabase(opened, noLock);
  } catch (thrown) {
    throw thrown instanceof StoreError ? new UserError(thrown.message) : thrown;
  }
}
