// Begins (or continues) a run in a process of its own, says which, and lives until it is killed.

import { openDatabase } from "../../../src/store/open-database.ts";
import { prepareRun } from "../../../src/store/write/prepare-run.ts";
import { StoreError } from "../../../src/store/store-error.ts";
import { options, request } from "./options.ts";

const [path = "", resume = "auto", marker = ""] = process.argv.slice(2);
const writer = options(path);
const db = openDatabase(writer);
try {
  const asked = resume === "auto" || resume === "fresh" || resume === "last" ? resume : "auto";
  const run = prepareRun(db, writer, request({ resume: asked }), Date.now());
  db.run(
    "INSERT INTO task_runs (run_id, id, name, key, status) VALUES (?, 1, 't', 't:1', 'running')" +
      " ON CONFLICT DO UPDATE SET status = 'running'",
    [run.id],
  );
  process.stdout.write(`${run.id} ${run.resumed}${marker}\n`);
  setInterval(() => {}, 60_000);
} catch (thrown) {
  process.stdout.write(`${thrown instanceof StoreError ? thrown.code : String(thrown)}\n`);
}
