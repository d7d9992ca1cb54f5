// Commits one row per message, and then notifies the main thread.

import { Database } from "bun:sqlite";

declare const self: Worker;

type Boot = { readonly port: MessagePort; readonly db: string };

self.addEventListener("message", (event: MessageEvent<Boot>) => {
  const { port, db } = event.data;
  const database = new Database(db, { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = NORMAL");
  database.run("CREATE TABLE links (id INTEGER PRIMARY KEY, result TEXT)");
  const insert = database.prepare("INSERT INTO links (result) VALUES (?)");
  port.addEventListener("message", (message) => {
    const link = String(message.data);
    insert.run(link);
    self.postMessage(link, []);
  });
  port.start();
});
