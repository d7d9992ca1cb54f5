import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { scheduleStore } from "../../src/serve/schedule-store.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("a database that cannot be used: what to do without --db, which serve and schedule do not have", async () => {
  using folder = tempFolder();
  const text = join(folder.path, "text.db");
  await Bun.write(text, "no database, and long enough to be looked at as one ".repeat(20));
  const directory = join(folder.path, "folder.db");
  mkdirSync(directory);
  const change = { kind: "resume", pipeline: "etl", at: 0 } as const;
  const answers = [text, directory].flatMap((db) => [
    scheduleStore.read(db, ["etl"], 0),
    scheduleStore.write(db, [change]),
  ]);
  for (const answer of answers) {
    expect(answer).toEqual({
      kind: "bad",
      reason: expect.stringContaining("`db` in the pipeline"),
    });
    expect(answer).toEqual({ kind: "bad", reason: expect.not.stringContaining("--db") });
  }
});
