// `--wait`: the same run is going on already.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { finished, inProcess, started } from "../support/writer-under-test.ts";
import { givenUpCell, options, request } from "./options.ts";
import { tempFolder } from "./temp-folder.ts";

const openWaiting = (db: string, wait: boolean) => {
  const writer = inProcess();
  writer.send({
    type: "open",
    options: options(db),
    run: request({ wait }),
    module: null,
    givenUp: givenUpCell(),
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

test("after a run that failed, one of its own begins", async () => {
  using folder = tempFolder();
  const db = folder.file("a.db");
  using first = inProcess();
  await first.open(db);
  using second = openWaiting(db, true);
  await second.next("output");
  first.send({ type: "close", status: "error", failure: null });
  expect((await second.next("opened")).started).toMatchObject({ run: 2, resumed: false });
  await second.close();
  using reader = new Database(db, { readonly: true });
  expect(reader.query("SELECT status FROM pipeline_runs").values()).toEqual([["error"], ["done"]]);
});
