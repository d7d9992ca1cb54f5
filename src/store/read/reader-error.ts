// What can be wrong with a database that is only to be looked at, or with the question.

export type ReaderErrorCode =
  | "missing"
  | "is-folder"
  | "in-memory"
  | "not-sqlite"
  | "corrupt"
  | "locked"
  | "cannot-open"
  | "no-tables"
  | "newer-version"
  | "no-such-run"
  /** The question itself. */
  | "bad-sql"
  | "not-read-only";

/** The message names what is wrong, where, and the next step. */
export class ReaderError extends Error {
  override readonly name = "ReaderError";
  readonly code: ReaderErrorCode;
  constructor(code: ReaderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** SQLite's code for what was thrown, e.g. `SQLITE_BUSY`; "" when it is not SQLite's. */
export function sqliteCode(thrown: unknown): string {
  if (!(thrown instanceof Error) || !("code" in thrown)) return "";
  const { code } = thrown;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : "";
}

/** [prefix of SQLite's code, ours, what to say about the path] */
const known: readonly (readonly [string, ReaderErrorCode, string])[] = [
  ["SQLITE_BUSY", "locked", "is locked by another program; wait for it to finish, or close it"],
  ["SQLITE_NOTADB", "not-sqlite", "is not an SQLite database (or it is encrypted)"],
  [
    "SQLITE_CORRUPT",
    "corrupt",
    'is a damaged SQLite database; restore a copy, or save what is readable with the sqlite3 program\'s ".recover"',
  ],
  [
    "SQLITE_CANTOPEN",
    "cannot-open",
    "cannot be opened; check its permissions, and where its folder is read-only, copy it with its -wal to another one",
  ],
  ["SQLITE_IOERR", "cannot-open", "cannot be read (an I/O error); check the disk"],
];

/** What SQLite threw, as a ReaderError that names the file; anything else is returned as it is. */
export function toReaderError(thrown: unknown, path: string): unknown {
  const code = sqliteCode(thrown);
  const row = known.find(([prefix]) => code.startsWith(prefix));
  if (row === undefined) return thrown;
  return new ReaderError(row[1], `${path} ${row[2]} (${code})`, { cause: thrown });
}
