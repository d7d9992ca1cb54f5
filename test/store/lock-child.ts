// Takes a run's lock in a process of its own and says so; then lives until it is killed.

import { copyFileSync, writeFileSync } from "node:fs";

import { controlPath } from "../../src/protocol/control-file.ts";
import { runId } from "../../src/protocol/ids.ts";
import { lockPath, tryRunLock } from "../../src/store/lock.ts";

const [db = "", run = "1", what] = process.argv.slice(2);
const id = runId(Number(run));
const lock = tryRunLock(db, id);
// As a task does that copies the folder: POSIX drops the process's locks on a file that it closes.
if (what === "copies") copyFileSync(lockPath(db, id), `${db}.copy`);
if (what === "control") writeFileSync(controlPath(db, id), "");
process.stdout.write(lock === undefined ? "busy\n" : "held\n");
Bun.gc(true);
if (lock !== undefined) setInterval(() => {}, 60_000);
