// A page over a database that a test fills: the server as it is, and a client that has entered.

import type { Database } from "bun:sqlite";
import { join } from "node:path";

import type { AppFiles } from "../../src/page/app-files.ts";
import { OneDatabase } from "../../src/page/overview/shown.ts";
import { PageDatabase } from "../../src/page/page-database.ts";
import { PageServer } from "../../src/page/page-server.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { options } from "../store/write/options.ts";
import { tempFolder } from "../store/write/temp-folder.ts";
import { repository } from "../support/program.ts";

const app: AppFiles = { script: "/* the app */", style: "" };

export type PageRig = AsyncDisposable & {
  readonly db: string;
  readonly database: PageDatabase;
  readonly server: PageServer;
  /** Asks as the page does. */
  get(path: string): Promise<Response>;
  data<T>(path: string): Promise<T>;
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response>;
};

/** @param fill gets the new database, with pipeloom's own tables */
export async function pageRig(fill: (db: Database) => void, isReadOnly = false): Promise<PageRig> {
  const folder = tempFolder();
  const db = folder.file("pipeloom.db");
  {
    using database = openDatabase(options(db));
    fill(database);
  }
  const own = [process.execPath, join(repository, "src/cli.ts")];
  const database = new PageDatabase({ path: db, isReadOnly, own });
  const server = new PageServer({
    loadApp: () => Promise.resolve(app),
    shown: new OneDatabase(database),
    host: "127.0.0.1",
    port: 0,
    names: [],
    onEnter: () => {},
  });
  const origin = `http://127.0.0.1:${server.port}`;
  const entered = await fetch(server.newLink(), { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  const get = (path: string): Promise<Response> => fetch(origin + path, { headers: { cookie } });
  return {
    db,
    database,
    server,
    get,
    data: async <T>(path: string) => (await get(path)).json() as Promise<T>,
    post: (path, body, signal) =>
      fetch(origin + path, {
        method: "POST",
        headers: { cookie, origin, "content-type": "application/json" },
        body: JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      database[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}
