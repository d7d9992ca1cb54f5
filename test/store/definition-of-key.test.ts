import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { assert, oneof, property, string, stringMatching } from "fast-check";

import { definitionIn, definitionSql } from "../../src/store/definition-of-key.ts";

const db = new Database(":memory:");
const query = db.query<{ definition: string }, [string, string]>(
  `SELECT ${definitionSql} AS definition FROM (SELECT ?1 AS name, ?2 AS key) AS task_runs`,
);

const definitionOf = (key: string, name = "another name"): string =>
  definitionIn(query.get(name, key)?.definition);

test("the definition of a key is what is before its hash, of any length and whatever the name has", () => {
  const hash = stringMatching(/^[0-9a-z]{1,14}$/);
  const name = oneof(string({ minLength: 1 }), stringMatching(/^[a-z0-9:é ]{1,20}$/));
  assert(
    property(
      name.filter((text) => !text.includes("\0")),
      hash,
      (text, end) => {
        expect(definitionOf(`${text}:${end}`)).toBe(text);
      },
    ),
  );
});

test.each(["load", "load:x", "a:b:0123456789abc", "0123456789abc"])(
  "a task that was never ready has the key %p for its name",
  (key) => {
    expect(definitionOf(key, key)).toBe(key);
  },
);
