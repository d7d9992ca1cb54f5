import { describe, expect, test } from "bun:test";

import { explainFileError } from "../../src/store/sqlite-error.ts";

class SystemError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`${code}: as the library puts it`);
    this.code = code;
  }
}

const explained = (code: string, access: "reading" | "writing") =>
  explainFileError(new SystemError(code), "/data/a.db", access);

/** Of SQLite, all that the state of a file, a disk or a machine can lead to; and of the system, for lock files. */
const codes = [
  ..."BUSY BUSY_RECOVERY LOCKED NOMEM READONLY READONLY_ROLLBACK READONLY_DBMOVED PERM FULL".split(
    " ",
  ),
  ..."IOERR IOERR_READ IOERR_WRITE IOERR_FSYNC IOERR_SHMSIZE IOERR_SHMMAP IOERR_TRUNCATE".split(
    " ",
  ),
  ..."CORRUPT NOTADB CANTOPEN PROTOCOL FORMAT NOLFS".split(" "),
].map((code) => `SQLITE_${code}`);

describe.each(["reading", "writing"] as const)("%s", (access) => {
  test.each([...codes, "ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE"])(
    "%s is said with the file, the next step and the code",
    (code) => {
      const message = explained(code, access)?.message;
      expect(message).toStartWith("/data/a.db ");
      expect(message).toContain("; ");
      expect(message).toEndWith(`(${code})`);
    },
  );

  test("anything else is a bug", () => {
    expect(explained("SQLITE_MISUSE", access)).toBeUndefined();
    expect(explained("ERR_INVALID_ARG_TYPE", access)).toBeUndefined();
    expect(explainFileError(new TypeError("x"), "/data/a.db", access)).toBeUndefined();
  });
});

test("the code of the error says what is wrong", () => {
  expect(explained("SQLITE_FULL", "writing")?.problem).toBe("disk-full");
  expect(explained("SQLITE_FULL", "reading")?.message).toContain("SQLITE_TMPDIR");
  expect(explained("EMFILE", "writing")).toMatchObject({
    problem: "limit",
    message: expect.stringContaining("ulimit -n"),
  });
});
