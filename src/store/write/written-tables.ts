// Which tables a unit writes: what SQLite's own program for each statement opens for writing. So triggers and the actions of
// foreign keys count too.

import type { Database } from "bun:sqlite";

import type { UnitWrites } from "./history.ts";

/** Tables of the main database; `all` where the statement may write to others, or changes the schema. */
type Written = readonly string[] | "all";

type Operation = {
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p5: number;
};

/** P2 is a register that has the root page: of a table that the statement itself makes. */
const rootIsInRegister = 0x10;
const mainDatabase = 0;
const tempDatabase = 1;
const changesSchema = new Set([
  "CreateBtree",
  "Destroy",
  "DropTable",
  "DropIndex",
  "ParseSchema",
  "VUpdate",
  "VCreate",
  "VDestroy",
  "VRename",
]);

export class WrittenTables {
  readonly #db: Database;
  readonly #known = new Map<string, Written>();
  #tables = new Set<string>();
  #all = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * The open unit runs this statement.
   * @param key equal for equal statements
   */
  note(key: string, sql: () => string): void {
    let written = this.#known.get(key);
    if (written === undefined) this.#known.set(key, (written = tablesWrittenBy(this.#db, sql())));
    if (written === "all") this.#all = true;
    else for (const table of written) this.#tables.add(table);
  }

  /** Of the unit that has ended; undefined where it has written nothing. */
  take(): Omit<UnitWrites, "hasEmitted"> | undefined {
    const [tables, all] = [this.#tables, this.#all];
    if (tables.size === 0 && !all) return undefined;
    this.#tables = new Set();
    this.#all = false;
    return { tables, all };
  }
}

function tablesWrittenBy(db: Database, sql: string): Written {
  using program = db.prepare<Operation, []>(`EXPLAIN ${sql}`);
  const pages = new Set<number>();
  for (const { opcode, p1, p2, p3, p5 } of program.all()) {
    if (changesSchema.has(opcode)) return "all";
    const [page, database] = opcode === "OpenWrite" ? [p2, p3] : opcode === "Clear" ? [p1, p2] : [];
    if (page === undefined || database === tempDatabase) continue;
    const isRegister = opcode === "OpenWrite" && (p5 & rootIsInRegister) !== 0;
    if (database !== mainDatabase || isRegister) return "all";
    pages.add(page);
  }
  using names = db.prepare<{ name: string }, [number]>(
    "SELECT tbl_name AS name FROM sqlite_schema WHERE rootpage = ?",
  );
  const tables = new Set<string>();
  for (const page of pages) {
    const found = names.get(page);
    if (found === null) return "all";
    tables.add(found.name);
  }
  return [...tables];
}
