import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";

import { inProcess, finished } from "../support/writer-under-test.ts";
import { FileWatch } from "../../src/store/file-watch.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { options, storeError } from "./write/options.ts";
import { tempFolder, type TempFolder } from "./write/temp-folder.ts";

// Windows does not let go of a file that is open.
const onPosix = process.platform !== "win32";

const losses: [string, (folder: TempFolder) => void][] = [
  ["moved", (folder) => renameSync(folder.file("d/a.db"), folder.file("d/b.db"))],
  ["deleted", (folder) => rmSync(folder.file("d/a.db"))],
  [
    "replaced by a copy",
    (folder) => {
      Bun.spawnSync(["cp", folder.file("d/a.db"), folder.file("c.db")]);
      renameSync(folder.file("c.db"), folder.file("d/a.db"));
    },
  ],
  ["its folder renamed", (folder) => renameSync(folder.file("d"), folder.file("e"))],
  ["its folder deleted", (folder) => rmSync(folder.file("d"), { recursive: true })],
  [
    "its folder replaced",
    (folder) => {
      renameSync(folder.file("d"), folder.file("e"));
      mkdirSync(folder.file("d"));
    },
  ],
];
const walLosses: typeof losses = [
  ["its -wal deleted", (folder) => rmSync(folder.file("d/a.db-wal"))],
  ["its -shm deleted", (folder) => rmSync(folder.file("d/a.db-shm"))],
];

function inFolder(): TempFolder {
  const folder = tempFolder();
  mkdirSync(folder.file("d"));
  return folder;
}

describe.if(onPosix)("the database", () => {
  test.each([...losses, ...walLosses])("%s", (_, lose) => {
    using folder = inFolder();
    const path = folder.file("d/a.db");
    using db = openDatabase(options(path));
    db.run("CREATE TABLE t (a)");
    const watch = new FileWatch(path, true);
    watch.check();
    lose(folder);
    const error = storeError(() => watch.check());
    expect(error.code).toBe("file-gone");
    // Once, and no other name of it.
    expect(error.message.split("a.db")).toHaveLength(error.message.includes("a.db-") ? 3 : 2);
    expect(error.message).toContain(path);
  });

  test("one that is gone before it is watched", () => {
    using folder = inFolder();
    const error = storeError(() => new FileWatch(folder.file("d/a.db"), true));
    expect(error.code).toBe("file-gone");
    expect(error.message).toStartWith(`${folder.file("d/a.db")} was moved, deleted or replaced`);
  });

  test("a link that leads elsewhere", () => {
    using folder = inFolder();
    const path = folder.file("d/a.db");
    const link = folder.file("link.db");
    openDatabase(options(path)).close(true);
    symlinkSync(path, link);
    using db = openDatabase(options(link, { wal: false }));
    db.run("CREATE TABLE t (a)");
    const watch = new FileWatch(link, false);
    watch.check();
    copyFileSync(path, folder.file("copy"));
    rmSync(link);
    symlinkSync(folder.file("copy"), link);
    expect(storeError(() => watch.check()).code).toBe("file-gone");
  });

  test("whoever reads it, writes it or cuts its -wal does not disturb", () => {
    using folder = inFolder();
    const path = folder.file("d/a.db");
    openDatabase(options(path)).close(true);
    symlinkSync(path, folder.file("link.db"));
    using db = openDatabase(options(folder.file("link.db")));
    db.run("CREATE TABLE t (a)");
    const watch = new FileWatch(folder.file("link.db"), true);
    using other = new Database(path);
    other.run("INSERT INTO t VALUES (1)");
    other.run("PRAGMA wal_checkpoint(TRUNCATE)");
    copyFileSync(`${path}-wal`, folder.file("copy"));
    watch.check();
    expect(watch.hasForeignWal).toBe(false);
    rmSync(`${path}-wal`);
    expect(watch.hasForeignWal).toBe(false);
    copyFileSync(folder.file("copy"), `${path}-wal`);
    expect(watch.hasForeignWal).toBe(true);
  });
});

describe.if(onPosix).each([true, false])("a run (wal: %p)", (wal) => {
  test.each(wal ? [...losses, ...walLosses] : losses)(
    "%s: nothing more is told",
    async (_, lose) => {
      using folder = inFolder();
      const path = folder.file("d/a.db");
      using writer = inProcess();
      await writer.open(path, { wal });
      const worker = writer.attach(0);
      worker.post(finished(1));
      await worker.acked();
      lose(folder);
      worker.post(finished(2));
      const { failure } = await writer.next("failed");
      expect(failure).toMatchObject({ name: "StoreError", code: "file-gone" });
      expect(writer.events.map((event) => "id" in event && Number(event.id))).toEqual([1]);
    },
  );

  test.each(losses)(
    "%s in the middle of a unit: said so, whatever SQLite calls it",
    async (_, lose) => {
      using folder = inFolder();
      using writer = inProcess();
      await writer.open(folder.file("d/a.db"), { wal }, { schema: "CREATE TABLE t (id)" });
      const worker = writer.attach(0);
      worker.batch(1, [1]);
      await worker.acked();
      lose(folder);
      worker.post(finished(1));
      expect((await writer.next("failed")).failure.code).toBe("file-gone");
    },
  );

  test("at the close too", async () => {
    using folder = inFolder();
    using writer = inProcess();
    await writer.open(folder.file("d/a.db"), { wal });
    rmSync(folder.file("d/a.db"));
    writer.send({ type: "close", status: "done", failure: null });
    const { failure } = await writer.next("failed");
    expect(failure.code).toBe("file-gone");
  });
});

test.if(onPosix)("a file that was moved has all that was committed to it", async () => {
  using folder = inFolder();
  using writer = inProcess();
  await writer.open(folder.file("d/a.db"));
  const worker = writer.attach(0);
  worker.post(finished(1));
  await worker.acked();
  renameSync(folder.file("d/a.db"), folder.file("d/b.db"));
  worker.post(finished(2));
  await writer.next("failed");
  using db = new Database(folder.file("d/b.db"), { readonly: true });
  expect(db.query("SELECT id FROM task_runs").values()).toEqual([[1], [2]]);
});
