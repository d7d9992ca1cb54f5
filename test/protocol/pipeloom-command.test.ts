import { expect, test } from "bun:test";

import { pipeloomCommand } from "../../src/protocol/pipeloom-command.ts";

test("words that need no quotes stay as they are", () => {
  expect(pipeloomCommand("cancel", 12, "--now", "--db", "/data/app.db")).toBe(
    "pipeloom cancel 12 --now --db /data/app.db",
  );
});

test("a word that a shell would split or expand is quoted", () => {
  expect(pipeloomCommand("run", "it's.ts", "--db", "my $data.db")).toBe(
    "pipeloom run 'it'\\''s.ts' --db 'my $data.db'",
  );
});

test("a backslash needs quotes where it is no part of a path", () => {
  const word = String.raw`data\app.db`;
  expect(pipeloomCommand("status", "--db", word)).toBe(
    `pipeloom status --db ${process.platform === "win32" ? word : `'${word}'`}`,
  );
});
