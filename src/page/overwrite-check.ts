// Whether other bytes were copied into the file that a connection has open (`cp other.db app.db`). SQLite notices a replaced file as
// little as this: it keeps the pages that it has read, and answers with the old ones.

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { openReader, type Reader } from "../store/read/reader.ts";

/** A checkpoint of a run changes the file too, several times a second. */
const checkEveryMs = 1_000;

export class OverwriteCheck {
  readonly #path: string;
  /** Size and time of the file when it was found to be the same. */
  #state: string;
  #checkedAt = systemClock.now();

  constructor(path: string, state: string) {
    this.#path = path;
    this.#state = state;
  }

  /**
   * A second connection reads the file, but only where its size or time has changed.
   * @param reader has been open all the time
   * @param state size and time of the file
   */
  isOverwritten(reader: Reader, state: string): boolean {
    if (state === this.#state) return false;
    const now = systemClock.now();
    if (now - this.#checkedAt < checkEveryMs) return false;
    this.#checkedAt = now;
    const is = this.#differs(reader);
    if (is === false) this.#state = state;
    return is === true;
  }

  /** Undefined: something was committed meanwhile, so it is looked at again. */
  #differs(reader: Reader): boolean | undefined {
    try {
      const version = reader.version();
      const seen = firstRun(reader);
      using other = openReader(this.#path);
      const found = firstRun(other);
      if (found === seen) return false;
      return reader.version() === version ? true : undefined;
    } catch {
      // Opened again, it says what is wrong with it.
      return true;
    }
  }
}

/** No two databases have the same, unless one is a copy of the other. */
export function firstRun(reader: Reader): string {
  const has = reader.query("SELECT 1 FROM sqlite_schema WHERE name = 'pipeline_runs'").length > 0;
  if (!has) return "";
  return JSON.stringify(
    reader.query(
      "SELECT id, pipeline, file, params, started_at FROM pipeline_runs ORDER BY id LIMIT 1",
    ),
  );
}
