// Opens a database beside which a killed run has left a WAL, commits, and prints what was written and synced, in order.

import { openDatabase } from "../../src/store/open-database.ts";
import { readTrace } from "../../src/prove/power-cut.ts";
import { startRecorder } from "../../src/prove/write-recorder.ts";

const [db = "", trace = ""] = process.argv.slice(2);
startRecorder(trace, db);
const opened = openDatabase({ db, wal: true, durability: "full", storeTaskStatus: false });
opened.run("INSERT INTO t VALUES (2)");
const operations = readTrace(trace).map((one) =>
  one.type === "note" ? one.type : `${one.type} ${one.file}`,
);
process.stdout.write(JSON.stringify(operations));
// The end of the process would be the same.
process.kill(process.pid, "SIGKILL");
