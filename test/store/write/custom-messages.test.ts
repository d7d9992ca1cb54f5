import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  message,
  type MessageDb,
  type MessageHandle,
  type MessageParam,
} from "../../../src/api/message.ts";
import type { Json } from "../../../src/base/json.ts";
import { taskId } from "../../../src/protocol/ids.ts";
import { CustomMessages } from "../../../src/store/write/custom-messages.ts";
import { unlocked } from "./options.ts";

let db: Database;
beforeEach(() => {
  db = new Database(":memory:");
  db.run("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)");
  db.run("BEGIN");
});
afterEach(() => db.close(true));

function emit(handles: MessageHandle<never>[], name: string, payload: Json): void {
  const messages = new CustomMessages(db, handles, unlocked);
  try {
    messages.apply({
      type: "emit",
      id: taskId(1),
      message: name,
      payload: JSON.stringify(payload),
    });
  } finally {
    messages.close();
  }
}

/** A message that runs `use` and nothing else. */
const using = (use: (db: MessageDb) => unknown): MessageHandle<never>[] => [message("m", use)];

test("apply reads and writes with the payload", () => {
  const save = message<{ id: number; name: string }>("save-user", (unit, user) => {
    const known = unit.get<{ name: string }>("SELECT name FROM users WHERE id = ?", user.id);
    unit.run(
      "INSERT INTO users VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
      user.id,
      `${known?.name ?? "new"}>${user.name}`,
    );
  });
  emit([save], "save-user", { id: 1, name: "ada" });
  emit([save], "save-user", { id: 1, name: "bob" });
  expect(db.prepare("SELECT * FROM users").values()).toEqual([[1, "new>ada>bob"]]);
});

test("what apply throws comes out as it is, with its stack", () => {
  const boom = new RangeError("no such user");
  let thrown: unknown;
  try {
    emit(
      using(() => {
        throw boom;
      }),
      "m",
      null,
    );
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBe(boom);
});

test("a message that is not listed: the error names those that are", () => {
  expect(() =>
    emit(
      using(() => undefined),
      "n",
      1,
    ),
  ).toThrow(`message "n" is not in the pipeline's \`messages\`; it lists: "m"`);
  expect(() => emit([], "n", 1)).toThrow("it lists none");
});

// Seen as the values of another task in this one's row.
test("a statement that is given no values does not run with those of its last run", () => {
  const insert = "INSERT INTO users (name) VALUES (?)";
  const twice = using((unit) => {
    unit.run(insert, "ada");
    unit.run(insert);
  });
  expect(() => emit(twice, "m", 1)).toThrow(
    `this SQL takes values (1), and was given none: ${insert}`,
  );
  expect(db.prepare("SELECT name FROM users").values()).toEqual([["ada"]]);
});

test.each<[string, unknown]>([
  ["an integer beyond 64 bits", 2n ** 63n],
  ["NaN", Number.NaN],
  ["half of a surrogate pair", "\ud800"],
  ["named values", { id: 1 }],
  ["undefined", undefined],
])("%s is refused: SQLite would store another value", (_, value) => {
  const insert = using((unit) =>
    unit.run("INSERT INTO users (name) VALUES (?)", value as MessageParam),
  );
  expect(() => emit(insert, "m", null)).toThrow("value 1 of the SQL is");
  expect(db.prepare("SELECT COUNT(*) FROM users").values()).toEqual([[0]]);
});

test("too few values do not run with those of the last run", () => {
  const insert = using((unit) => {
    unit.run("INSERT INTO users VALUES (?, ?)", 1, "ada");
    unit.run("INSERT INTO users VALUES (?, ?)", 2);
  });
  expect(() => emit(insert, "m", null)).toThrow("this SQL takes values (2), and was given 1");
});

test("the transaction cannot be touched, nor the connection", () => {
  for (const sql of [
    "COMMIT",
    "/**/ rollback",
    "SAVEPOINT a",
    "ATTACH 'x' AS y",
    "PRAGMA query_only = 1",
    "VACUUM",
    // Seen as a run that waited for ever for "another program's" lock.
    "EXPLAIN INSERT INTO users VALUES (1, 'a')",
    "explain query plan DELETE FROM users",
  ]) {
    expect(() =>
      emit(
        using((unit) => unit.run(sql)),
        "m",
        1,
      ),
    ).toThrow("here");
  }
  expect(() =>
    emit(
      using((unit) => unit.run("SELECT 1; COMMIT")),
      "m",
      1,
    ),
  ).toThrow("one statement at a time");
  expect(() =>
    emit(
      using((unit) => unit.run(" -- nothing")),
      "m",
      1,
    ),
  ).toThrow("no statement");
  expect(db.inTransaction).toBe(true);
  db.run("ROLLBACK");
});

test("an async apply is refused, and its later use of the db too", async () => {
  let late: unknown;
  const handles = using(async (unit) => {
    await Promise.resolve();
    try {
      unit.run("INSERT INTO users VALUES (1, 'late')");
    } catch (error) {
      late = error;
      throw error;
    }
  });
  expect(() => emit(handles, "m", 1)).toThrow("apply must not be async");
  await Bun.sleep(0);
  expect(String(late)).toContain("works only while its apply runs");
  expect(db.prepare("SELECT * FROM users").values()).toEqual([]);
});

test("SQL texts made per call do not pile up", () => {
  emit(
    using((unit) => {
      for (let i = 0; i < 1000; i++) unit.run(`INSERT INTO users VALUES (${i}, 'x')`);
    }),
    "m",
    1,
  );
  expect(db.prepare("SELECT count(*) FROM users").values()).toEqual([[1000]]);
});
