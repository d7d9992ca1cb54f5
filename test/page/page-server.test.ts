import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import type { Change, DatabaseView, RunsView, RunView } from "../../src/page/contract.ts";
import { OneDatabase } from "../../src/page/overview/shown.ts";
import { PageServer } from "../../src/page/page-server.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { options } from "../store/write/options.ts";
import { pageRig } from "./page-rig.ts";

const addRun = (db: Database, pipeline: string, status: string): unknown =>
  db.run(
    `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total, counts)
      VALUES (?, '{"day":"<b>"}', ?, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:02.000Z', 2,
        '{"queued":0,"running":0,"done":2,"error":0,"cancelled":0,"skipped":0}')`,
    [pipeline, status],
  );

const setFirst = (db: Database, status: string): unknown =>
  db.run("UPDATE pipeline_runs SET status = ?, host = 'elsewhere' WHERE id = 1", [status]);

test("runs, by pipeline and status, in pages; and one run", async () => {
  await using rig = await pageRig((db) => {
    for (let i = 0; i < 5; i++)
      addRun(db, i % 2 === 0 ? "etl" : "sync", i === 3 ? "error" : "done");
  });
  const idsOf = async (path: string): Promise<number[]> =>
    (await rig.data<RunsView>(path)).runs.map(({ id }) => id);
  expect(await idsOf("/data/runs")).toEqual([5, 4, 3, 2, 1]);
  expect(await idsOf("/data/runs?pipeline=sync")).toEqual([4, 2]);
  expect(await idsOf("/data/runs?status=error")).toEqual([4]);
  expect(await idsOf("/data/runs?before=3&limit=1")).toEqual([2]);
  for (const odd of ["-5", "0", "1.5", "x", ""]) {
    expect(await idsOf(`/data/runs?limit=${odd}`)).toEqual([5, 4, 3, 2, 1]);
  }
  expect(await rig.data<RunsView>("/data/runs?limit=5")).toMatchObject({ hasMore: false });
  const { run } = await rig.data<RunView>("/data/runs/4");
  expect(run).toMatchObject({ pipeline: "sync", status: "error", params: '{"day":"<b>"}' });
  expect((run.finishedAt ?? 0) - run.startedAt).toBe(2000);
  expect(await rig.data<DatabaseView>("/data/db")).toMatchObject({ isReadOnly: false });
});

test("every address of the page is the page; what is not there is said", async () => {
  await using rig = await pageRig(() => {});
  for (const path of ["/", "/runs/12/tasks?status=error", "/anything/at.all"]) {
    const response = await rig.get(path);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toStartWith("default-src 'none'");
    expect(await response.text()).toContain("/* the app */");
  }
  for (const path of ["/data", "/data/runs/0", "/data/runs/9", "/data/runs/1e3", "/actions/x"]) {
    const response = await rig.get(path);
    expect([path, response.status]).toEqual([path, 404]);
    expect(await response.json()).toEqual({ problem: expect.any(String) });
  }
  expect((await rig.post("/data/runs", {})).status).toBe(404);
});

const loadApp = () => Promise.resolve({ script: "", style: "" });

test("a port that another page has is taken: two would each get half of the questions", async () => {
  await using rig = await pageRig(() => {});
  const { port } = rig.server;
  const shown = new OneDatabase(rig.database);
  const second = (): PageServer =>
    new PageServer({ loadApp, shown, host: "127.0.0.1", port, names: [], onEnter: () => {} });
  expect(second).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
});

test("who has not entered gets nothing, also of a raw path with dots (CVE-2026-27598)", async () => {
  await using rig = await pageRig((db) => addRun(db, "etl", "done"));
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: rig.server.port,
    socket: { data: (_, bytes) => resolve(bytes.toString()) },
  });
  // `fetch` would take the dots away.
  const host = `127.0.0.1:${rig.server.port}`;
  socket.write(`GET /assets/../data/runs HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect(await promise).toStartWith("HTTP/1.1 401");
  socket.end();
});

test("the stream tells which runs have changed", async () => {
  await using rig = await pageRig((db) => addRun(db, "etl", "done"));
  const { body } = await rig.get("/events");
  const changes = changesIn(body);
  const first = await changes.next();
  expect(first.value?.runs.map(({ id, status }) => [id, status])).toEqual([[1, "done"]]);
  {
    using db = openDatabase(options(rig.db));
    addRun(db, "sync", "done");
  }
  const second = await changes.next();
  expect(second.value?.runs.map(({ id, pipeline }) => [id, pipeline])).toEqual([[2, "sync"]]);
  await changes.return(undefined);
});

test("the stream tells the end of an old run that was continued, and of its next session", async () => {
  await using rig = await pageRig((db) => {
    for (let i = 0; i < 60; i++) addRun(db, "etl", "error");
    setFirst(db, "running");
  });
  const { body } = await rig.get("/events");
  const changes = changesIn(body);
  const first = await changes.next();
  expect(first.value?.runs.at(-1)?.id).toBe(1);
  for (const status of ["error", "done"] as const) {
    using db = openDatabase(options(rig.db));
    setFirst(db, status);
    const next = await changes.next();
    expect(next.value?.runs.map((run) => [run.id, run.status])).toEqual([[1, status]]);
  }
  await changes.return(undefined);
});

test("the stream tells of a commit that changes no run: lines of a log, or progress of a task", async () => {
  await using rig = await pageRig((db) => addRun(db, "etl", "done"));
  const { body } = await rig.get("/events");
  const changes = changesIn(body);
  await changes.next();
  {
    using db = openDatabase(options(rig.db));
    db.run(
      "INSERT INTO task_logs (run_id, task_id, attempt, at, level, line) VALUES (1, 1, 1, '2026-01-01T00:00:01.000Z', 'info', 'x')",
    );
  }
  expect((await changes.next()).value?.runs).toEqual([]);
  await changes.return(undefined);
});

async function* changesIn(
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Change, undefined> {
  let text = "";
  for await (const chunk of body ?? []) {
    text += new TextDecoder().decode(chunk);
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const message = text.slice(0, end);
      text = text.slice(end + 2);
      if (message.startsWith("data: ")) yield JSON.parse(message.slice("data: ".length)) as Change;
    }
  }
}
