// Runs SQL in a process of its own and says so; then keeps its locks until it is killed.

import { Database } from "bun:sqlite";

const [path = "", sql = ""] = process.argv.slice(2);
const db = new Database(path);
for (const statement of sql.split(";")) db.query(statement).all();
process.stdout.write("held\n");
setInterval(() => db.filename, 60_000);
