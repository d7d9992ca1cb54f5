// `--wait`: the same run is going on already.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";

import type { RunRequest } from "../../../src/protocol/run-request.ts";
import { noReruns } from "../../../src/protocol/reruns.ts";
import { runId } from "../../../src/protocol/ids.ts";
import { endedSummary } from "../../../src/store/read/ended-summary.ts";
import type { WriterDeps } from "../../../src/store/write/writer.ts";
import { finished, inProcess, started } from "../../support/writer-under-test.ts";
import { SharedCount } from "../../../src/protocol/shared/shared-count.ts";
import { SharedFlag } from "../../../src/protocol/shared/shared-flag.ts";
import { options, request } from "./options.ts";
import { tempFolder } from "./temp-folder.ts";

const openWaiting = (
  db: string,
  wait: boolean,
  deps: Partial<WriterDeps> = {},
  more: Partial<RunRequest> = {},
) => {
  const writer = inProcess(deps);
  writer.send({
    type: "open",
    options: options(db),
    run: request({ wait, ...more }),
    module: null,
    givenUp: SharedFlag.create().buffer,
    recorded: SharedCount.create().buffer,
  });
  return writer;
};

test("without it the second is refused, and says which run it is", async () => {
  using folder = tempFolder();
  using first = inProcess();
  await first.open(folder.file("a.db"));
  using second = openWaiting(folder.file("a.db"), false);
  const message = await second.messages.next(({ type }) => type === "failed");
  expect(message).toMatchObject({
    failure: { code: "run-alive", message: expect.stringContaining(`pid ${process.pid}`) },
  });
  await first.close();
});

test("a run that ends well is the answer", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  using first = inProcess();
  await first.open(db);
  using second = openWaiting(db, true);
  expect(await second.next("output")).toMatchObject({
    level: "info",
    line: expect.stringMatching(/^run 1 of "posts" is going on in .*; waiting for its end$/),
  });
  const worker = first.attach(0);
  worker.post(started(1), finished(1));
  await worker.acked();
  await first.close();
  const { summary } = await second.next("done-elsewhere");
  expect(summary).toMatchObject({ run: 1, pipeline: "posts", status: "done", total: 1, done: 1 });
});

test("after a run that ended well, what is to run again does", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  using first = inProcess();
  await first.open(db);
  const reruns = { ...noReruns, rerun: ["t"] };
  using second = openWaiting(db, true, {}, { resume: "newest", tasks: ["t"], reruns });
  await second.next("output");
  const worker = first.attach(0);
  worker.post(started(1), finished(1));
  await worker.acked();
  await first.close();
  expect(await second.next("opened")).toMatchObject({
    started: { run: 1, resumed: true, alreadyDone: 0 },
    reruns: [{ task: "t", reason: "asked" }],
  });
  await second.close();
});

test.each(["error", "cancelled"] as const)("a run that ends as %s is continued", async (status) => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  using first = inProcess();
  await first.open(db);
  using second = openWaiting(db, true);
  await second.next("output");
  const worker = first.attach(0);
  worker.post(started(1), finished(1));
  await worker.acked();
  first.send({ type: "close", status, failure: null });
  expect((await second.next("opened")).started).toMatchObject({
    run: 1,
    resumed: true,
    alreadyDone: 1,
  });
  await second.close();
  using reader = new Database(db, { readonly: true });
  expect(reader.query("SELECT id, status FROM pipeline_runs").values()).toEqual([[1, "done"]]);
});

test("of two that wait, one continues the failed run, and the other waits for that one", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  const { first, second, look } = await waitsFor(db);
  const other = await waitsToo(db);
  first.send({ type: "close", status: "error", failure: null });
  await first.next("closed");
  await look();
  expect((await second.next("opened")).started).toMatchObject({ run: 1, resumed: true });
  await other.look();
  await second.close();
  await other.look();
  expect((await other.second.next("done-elsewhere")).summary).toMatchObject({ run: 1 });
});

/** The second looks when the test lets it. */
async function waitsFor(db: string) {
  const first = inProcess();
  await first.open(db, { wal: false });
  return { first, ...(await waitsToo(db)) };
}

async function waitsToo(db: string) {
  let look = Promise.withResolvers<() => void>();
  let now = 0;
  const second = openWaiting(db, true, {
    after: (_, work) => look.resolve(work),
    clock: { now: () => (now += 3_000), sleep: () => undefined },
  });
  await second.next("output");
  return {
    second,
    look: async (): Promise<void> => {
      const work = await look.promise;
      look = Promise.withResolvers();
      work();
    },
  };
}

test("another program's lock on what the run came to is waited for", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  const { first, second, look } = await waitsFor(db);
  await first.close();
  using other = new Database(db);
  other.run("BEGIN EXCLUSIVE");
  await look();
  await look();
  await look();
  expect((await second.next("output")).line).toMatch(/is locked by .*; waiting until it lets go/);
  other.run("COMMIT");
  await look();
  expect((await second.next("done-elsewhere")).summary).toMatchObject({ run: 1, status: "done" });
});

test("a run that died in a transaction, without WAL, has not ended", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const dead = folder.file("dead.db");
  using db = new Database(path);
  db.run("PRAGMA cache_size = 1");
  db.run("CREATE TABLE t (a)");
  db.run("BEGIN");
  for (let row = 0; row < 50; row++) db.run("INSERT INTO t VALUES (randomblob(3000))");
  for (const suffix of ["", "-journal"]) copyFileSync(path + suffix, dead + suffix);
  expect(endedSummary(dead, runId(1))).toBeUndefined();
});
