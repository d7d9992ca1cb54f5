// Takes a run's lock in a process of its own and says so; then lives until it is killed.

import { runId } from "../../src/protocol/ids.ts";
import { tryRunLock } from "../../src/writer/lock.ts";

const lock = tryRunLock(process.argv[2] ?? "", runId(Number(process.argv[3])));
process.stdout.write(lock === undefined ? "busy\n" : "held\n");
Bun.gc(true);
if (lock !== undefined) setInterval(() => {}, 60_000);
