// The page of `serve`: several databases, their pipelines and schedules, and what a monitor asks.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";

import type { Change, DatabaseView, RunsView } from "../../src/page/contract.ts";
import type { JobBrief, JobView } from "../../src/page/contract-actions.ts";
import type { PipelinesView } from "../../src/page/contract-runs.ts";
import type { SchedulesView } from "../../src/page/contract-schedules.ts";
import { PageOverview } from "../../src/page/overview/page-overview.ts";
import { ServedDatabases } from "../../src/page/overview/served-databases.ts";
import type { ServedSource } from "../../src/serve/served.ts";
import { SlotCounters } from "../../src/serve/slot-counters.ts";
import { tempFolder } from "../store/write/temp-folder.ts";
import { parseExposition } from "./exposition-parser.ts";
import { addPipelines, addSlotRun, servedPipeline, serveRig } from "./serve-rig.ts";
import { pageRig } from "./page-rig.ts";

const hour = 3_600_000;
const noon = Date.UTC(2026, 5, 1, 12);

const idsOf = async (rig: Awaited<ReturnType<typeof serveRig>>): Promise<readonly number[]> =>
  (await rig.data<DatabaseView>("/data/db")).databases.map(({ id }) => id);

test("each database has its own addresses; without one, the pipelines of all, the last to run first", async () => {
  await using rig = await serveRig((folder) => [
    servedPipeline(folder, "etl", { next: [{ slot: noon, start: noon + 5 }] }),
    servedPipeline(folder, "sync"),
    servedPipeline(folder, "never"),
    servedPipeline(folder, "memory", { db: null }),
  ]);
  addSlotRun(`${rig.folder}/etl.db`, "etl", "done", noon - 2 * hour);
  addSlotRun(`${rig.folder}/sync.db`, "sync", "error", noon - hour);
  addSlotRun(`${rig.folder}/sync.db`, "by hand", "done", null);
  const view = await rig.data<DatabaseView>("/data/db");
  expect(view).toMatchObject({ path: null, isServing: true, isReadOnly: false });
  expect(view.databases.map(({ path }) => path.slice(rig.folder.length + 1))).toEqual([
    "etl.db",
    "never.db",
    "sync.db",
  ]);
  const [etl = 0, never = 0, sync = 0] = view.databases.map(({ id }) => id);
  const { pipelines } = await rig.data<PipelinesView>("/data/pipelines");
  expect(pipelines.map(({ name, database, next }) => [name, database, next])).toEqual([
    ["sync", sync, null],
    ["etl", etl, noon + 5],
    ["by hand", sync, null],
  ]);
  const { runs } = await rig.data<RunsView>(`/db/${sync}/data/runs`);
  expect(runs.map(({ pipeline, status }) => [pipeline, status])).toEqual([
    ["by hand", "done"],
    ["sync", "error"],
  ]);
  expect((await rig.data<PipelinesView>(`/db/${etl}/data/pipelines`)).pipelines).toHaveLength(1);
  expect(await rig.data<DatabaseView>(`/db/${etl}/data/db`)).toMatchObject({
    path: expect.stringMatching(/etl\.db$/),
  });
  // It is said, and made by nobody who only looks.
  expect((await rig.get(`/db/${never}/data/runs`)).status).toBe(503);
  expect(existsSync(`${rig.folder}/never.db`)).toBe(false);
});

test("of many pipelines in several databases, pages of 200, and how many there are", async () => {
  await using rig = await serveRig((folder) => [
    servedPipeline(folder, "many"),
    servedPipeline(folder, "few"),
  ]);
  addSlotRun(`${rig.folder}/few.db`, "the first", "done", noon);
  addSlotRun(`${rig.folder}/many.db`, "the last", "done", noon - 1_000 * hour);
  addSlotRun(`${rig.folder}/many.db`, "many", "done", noon - hour);
  addPipelines(`${rig.folder}/many.db`, 438);
  const pageAt = async (offset: number): Promise<readonly unknown[]> => {
    const { pipelines, total, ...view } = await rig.data<PipelinesView>(
      `/data/pipelines?offset=${offset}`,
    );
    return [view.offset, pipelines.length, total, pipelines[0]?.name, pipelines.at(-1)?.name];
  };
  expect(await pageAt(0)).toEqual([0, 200, 441, "the first", "etl 240"]);
  expect(await pageAt(200)).toEqual([200, 200, 441, "etl 239", "etl 40"]);
  expect(await pageAt(400)).toEqual([400, 41, 441, "etl 39", "the last"]);
  expect(await pageAt(1e14)).toEqual([1e14, 0, 441, undefined, undefined]);
  const [, many = 0] = await idsOf(rig);
  const last = await rig.data<PipelinesView>(`/db/${many}/data/pipelines?offset=400`);
  expect([last.pipelines.length, last.total, last.pipelines.at(-1)?.name]).toEqual([
    40,
    440,
    "the last",
  ]);
});

test("what has changed in a file is seen, what cannot be read is said, and what is gone is gone", async () => {
  await using rig = await serveRig((folder) => [
    servedPipeline(folder, "etl"),
    servedPipeline(folder, "broken"),
  ]);
  const path = `${rig.folder}/etl.db`;
  addSlotRun(path, "etl", "done", noon);
  await Bun.write(
    `${rig.folder}/broken.db`,
    "not a database, and long enough to be none".repeat(50),
  );
  const countOf = async (): Promise<readonly number[]> =>
    (await rig.data<PipelinesView>("/data/pipelines")).pipelines.map(({ runs }) => runs);
  expect(await countOf()).toEqual([1]);
  addSlotRun(path, "etl", "done", noon + hour);
  expect(await countOf()).toEqual([2]);
  const { unreadable } = await rig.data<PipelinesView>("/data/pipelines");
  expect(unreadable).toEqual([
    { path: expect.stringMatching(/broken\.db$/), problem: expect.stringContaining("database") },
  ]);
  for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
  expect(await countOf()).toEqual([]);
});

test("a database that is locked is asked again after 5 s, not for each of its pipelines", async () => {
  using folder = tempFolder();
  const path = folder.file("etl.db");
  addSlotRun(path, "etl", "done", noon);
  const served = servedPipeline(folder.path, "etl");
  const source: ServedSource = {
    served: () => ({ at: noon, startedAt: noon, health: "healthy", pipelines: [served] }),
    onChange: () => () => {},
  };
  using shown = new ServedDatabases({ served: source, isReadOnly: true });
  let now = 0;
  const overview = new PageOverview(shown, { now: () => now });
  using other = new Database(path);
  other.run("PRAGMA journal_mode = DELETE");
  other.run("BEGIN EXCLUSIVE");
  const stateOf = async (): Promise<readonly number[]> => {
    const { pipelines, unreadable } = await overview.pipelines({
      search: new URLSearchParams(),
    });
    return [pipelines.length, unreadable.length];
  };
  expect(await stateOf()).toEqual([0, 1]);
  other.run("ROLLBACK");
  now = 4_999;
  expect(await stateOf()).toEqual([0, 1]);
  now = 5_000;
  expect(await stateOf()).toEqual([1, 0]);
});

test("schedules: what needs a person first, with slots that never ran beside those that did", async () => {
  await using rig = await serveRig((folder) => {
    const soon = (ms: number) => ({ next: [{ slot: noon + ms, start: noon + ms }] });
    const counters = new SlotCounters();
    counters.missed(1);
    return [
      servedPipeline(folder, "later", soon(2 * hour)),
      servedPipeline(folder, "soon", {
        ...soon(hour),
        counts: counters.counts,
        slots: [
          { kind: "missed", slot: noon - 3 * hour, why: "the machine was off" },
          {
            kind: "ran",
            slot: noon - 2 * hour,
            run: 1,
            startedAt: noon,
            finishedAt: noon + 1,
            outcome: "done",
            delayMs: 7_000,
            why: "caught up",
          },
        ],
        running: [{ slot: noon, run: null, pid: 7, startedAt: noon }],
      }),
      servedPipeline(folder, "held", {
        state: { kind: "paused", since: noon, by: { kind: "person" } },
      }),
      servedPipeline(folder, "gave up", {
        state: { kind: "paused", since: noon, by: { kind: "failures", count: 3 } },
      }),
      servedPipeline(folder, "bad", {
        name: null,
        schedule: null,
        state: { kind: "broken", message: "bad.ts:3: no", since: noon, hasSchedule: false },
      }),
    ];
  });
  addSlotRun(`${rig.folder}/soon.db`, "soon", "done", noon - 2 * hour);
  addSlotRun(`${rig.folder}/soon.db`, "soon", "error", noon - 5 * hour);
  const view = await rig.data<SchedulesView>("/data/schedules");
  expect(view).toMatchObject({ serve: { health: "healthy" }, total: 5, troubled: 2 });
  expect(view.schedules.map(({ name }) => name)).toEqual([
    null,
    "gave up",
    "held",
    "later",
    "soon",
  ]);
  // What cannot be loaded can neither be paused nor resumed.
  expect(view.schedules.map(({ id }) => id === null)).toEqual([true, false, false, false, false]);
  const soon = view.schedules.find(({ name }) => name === "soon");
  expect(soon).toMatchObject({ missed: 1, hasRun: true, tz: "Europe/Berlin" });
  expect(
    soon?.slots.map(({ slot, state, run, delayMs, why }) => [slot, state, run, delayMs, why]),
  ).toEqual([
    [noon - 5 * hour, "error", 2, null, null],
    [noon - 3 * hour, "missed", null, null, "the machine was off"],
    [noon - 2 * hour, "done", 1, 7_000, "caught up"],
    [noon, "running", null, null, null],
  ]);
  expect(view.schedules.find(({ name }) => name === "gave up")?.state).toEqual({
    kind: "paused",
    since: noon,
    failures: 3,
  });
  const found = await rig.data<SchedulesView>("/data/schedules?text=LATER");
  expect([found.total, found.schedules.map(({ name }) => name)]).toEqual([1, ["later"]]);
});

test("schedules: what was told and is not over needs a look, also after serve was started again", async () => {
  await using rig = await serveRig((folder) => {
    const trouble = (kind: "failed" | "late" | "slow" | "paused") =>
      servedPipeline(folder, kind, { trouble: { kind, slot: kind === "paused" ? null : noon } });
    const held = { kind: "paused", since: noon, by: { kind: "person" } } as const;
    return [
      servedPipeline(folder, "fine"),
      ...(["failed", "late", "slow", "paused"] as const).map(trouble),
      servedPipeline(folder, "held", { state: held, trouble: { kind: "failed", slot: noon } }),
    ];
  });
  const { troubled, schedules } = await rig.data<SchedulesView>("/data/schedules");
  expect(troubled).toBe(4);
  expect(schedules.map(({ name, trouble }) => [name, trouble])).toEqual([
    ["failed", { kind: "failed", slot: noon }],
    ["late", { kind: "late", slot: noon }],
    // Resumed, and nothing is done since.
    ["paused", { kind: "failed", slot: null }],
    ["slow", { kind: "slow", slot: noon }],
    ["held", null],
    ["fine", null],
  ]);
});

test("of many schedules, a page of 50", async () => {
  await using rig = await serveRig((folder) =>
    Array.from({ length: 120 }, (_, i) =>
      servedPipeline(folder, `etl ${String(i).padStart(3, "0")}`, {
        next: [{ slot: noon + i, start: noon + i }],
      }),
    ),
  );
  const last = await rig.data<SchedulesView>("/data/schedules?offset=100");
  expect([last.total, last.offset, last.schedules.length]).toEqual([120, 100, 20]);
  expect(last.schedules[0]?.name).toBe("etl 100");
});

test("the schedules of a database without serve: those that its runs had", async () => {
  await using rig = await pageRig((db) => {
    db.run(
      `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, scheduled_for)
        VALUES ('etl', '{}', 'done', '2026-06-01T12:00:01.000Z', '2026-06-01T12:00:03.000Z', '2026-06-01T12:00:00.000Z'),
          ('by hand', '{}', 'done', '2026-06-01T12:00:01.000Z', '2026-06-01T12:00:03.000Z', NULL)`,
    );
  });
  const { serve, schedules } = await rig.data<SchedulesView>("/data/schedules");
  expect(serve).toBeNull();
  expect(schedules).toMatchObject([
    {
      name: "etl",
      id: null,
      state: { kind: "unknown" },
      slots: [{ slot: noon, run: 1, state: "done" }],
    },
  ]);
  addPipelines(rig.db, 230, 1);
  const all = await rig.data<SchedulesView>("/data/schedules?offset=200");
  expect([all.total, all.schedules.length]).toEqual([231, 31]);
  expect((await rig.get("/metrics")).status).toBe(404);
  expect((await rig.get("/db/5/data/runs")).status).toBe(404);
});

test("a schedule is paused and resumed by a program of pipeloom, and by nothing else", async () => {
  const own = [process.execPath, "-e", "console.log(process.argv.slice(1).join(' '))"];
  await using rig = await serveRig((folder) => [servedPipeline(folder, "etl")], { own });
  const { schedules } = await rig.data<SchedulesView>("/data/schedules");
  const id = schedules[0]?.id ?? 0;
  for (const action of ["pause", "resume"]) {
    const job = (await (
      await rig.post(`/actions/schedules/${id}/${action}`, {})
    ).json()) as JobBrief;
    expect(job).toMatchObject({ database: null, run: null, isRun: false });
    let view: JobView;
    do view = await rig.data<JobView>(`/data/jobs/${job.id}`);
    while (view.job.ended === null);
    expect(view.output).toBe(`schedule ${action} ${rig.folder}/etl.ts\n`);
  }
  expect((await rig.post(`/actions/schedules/${id + 1}/pause`, {})).status).toBe(404);
  expect((await rig.get(`/actions/schedules/${id}/pause`)).status).toBe(404);
  await using shown = await serveRig((folder) => [servedPipeline(folder, "etl")], {
    isReadOnly: true,
  });
  expect((await shown.post(`/actions/schedules/${id}/pause`, {})).status).toBe(403);
});

/** Names of files that have one hash of 32 bits. */
function twins(ends: string, folder: string): readonly [string, string] {
  const seen = new Map<number, string>();
  for (let i = 0; ; i++) {
    const hash = Bun.hash.xxHash32(`${folder}/etl-${i}${ends}`);
    const twin = seen.get(hash);
    if (twin !== undefined) return [twin, `etl-${i}`];
    seen.set(hash, `etl-${i}`);
  }
}

test("two files whose 32-bit hashes are the same are told apart", async () => {
  const own = [process.execPath, "-e", "console.log(process.argv.slice(1).join(' '))"];
  let second = "";
  let databases = 0;
  await using rig = await serveRig(
    (folder) => {
      const [first, file] = twins(".ts", folder);
      second = `${folder}/${file}.ts`;
      const names = new Set([first, file, ...twins(".db", folder)]);
      databases = names.size;
      return [...names].map((name) => servedPipeline(folder, name));
    },
    { own },
  );
  expect(new Set(await idsOf(rig)).size).toBe(databases);
  const { schedules } = await rig.data<SchedulesView>("/data/schedules");
  const id = schedules.find(({ file }) => file === second)?.id ?? 0;
  const job = (await (await rig.post(`/actions/schedules/${id}/pause`, {})).json()) as JobBrief;
  expect(job.command).toContain(second);
});

test("the stream of all says that something has changed: a file, or what serve knows", async () => {
  await using rig = await serveRig((folder) => [servedPipeline(folder, "etl")]);
  addSlotRun(`${rig.folder}/etl.db`, "etl", "done", noon);
  const response = await rig.get("/events");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const next = async (): Promise<Change> => {
    for (;;) {
      const { value = "", done } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error("the stream has ended");
      const data = /^data: (.*)$/m.exec(value)?.[1];
      if (data !== undefined) return JSON.parse(data) as Change;
    }
  };
  addSlotRun(`${rig.folder}/etl.db`, "etl", "done", noon + hour);
  expect(await next()).toMatchObject({ runs: [] });
  rig.say({ health: "stopping" });
  expect(await next()).toMatchObject({ runs: [] });
  await reader?.cancel();
});

test("whoever asks is told whether it works, under any name, and nothing else", async () => {
  await using rig = await serveRig((folder) => [servedPipeline(folder, "etl")]);
  const healthOf = async (headers = {}): Promise<readonly unknown[]> => {
    const response = await rig.get("/healthz", headers);
    return [response.status, await response.text()];
  };
  expect(await healthOf()).toEqual([200, "ok\n"]);
  expect(await healthOf({ host: "10.0.0.7:4800" })).toEqual([200, "ok\n"]);
  expect((await healthOf({ "sec-fetch-site": "cross-site" }))[0]).toBe(403);
  for (const health of ["stalled", "stopping"] as const) {
    rig.say({ health });
    expect(await healthOf()).toEqual([503, "not ok\n"]);
  }
  for (const path of ["/healthz/", "/healthz/x", "/data/healthz", "/healthz?x", "/db/1/healthz"]) {
    expect([path, (await rig.get(path, {})).status]).toEqual([path, 401]);
  }
  expect((await fetch(`${rig.origin}/healthz`, { method: "POST" })).status).toBe(401);
});

const bearer = (of: string) => ({ authorization: `Bearer ${of}` });

test("metrics: by the bearer token, which opens nothing else; or by what opens the page", async () => {
  const token = "a token of the user, long enough".replaceAll(" ", "-");
  const metricsToken = "b".repeat(30);
  await using rig = await serveRig((folder) => [servedPipeline(folder, "etl")], {
    token,
    metricsToken,
  });
  const response = await rig.get("/metrics", bearer(metricsToken));
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(parseExposition(await response.text()).has("pipeloom_runs_total")).toBe(true);
  const statusOf = async (path: string, headers: Readonly<Record<string, string>>) =>
    (await rig.get(path, headers)).status;
  expect(await statusOf("/metrics", bearer(token))).toBe(200);
  expect((await rig.get("/metrics")).status).toBe(200);
  for (const path of [
    "/data/runs",
    "/events",
    "/",
    "/metrics/",
    "/data/metrics",
    "/db/1/metrics",
  ]) {
    expect([path, await statusOf(path, bearer(metricsToken))]).toEqual([path, 401]);
    expect([path, await statusOf(path, bearer(token))]).toEqual([path, 401]);
  }
  expect(await statusOf("/metrics", {})).toBe(401);
  expect(await statusOf("/metrics", bearer("c".repeat(30)))).toBe(401);
  expect(await statusOf("/metrics", { authorization: `Basic ${metricsToken}` })).toBe(401);
  expect(await statusOf(`/metrics?token=${metricsToken}`, {})).toBe(401);
  expect(await statusOf("/metrics", { ...bearer(metricsToken), host: "evil.example" })).toBe(421);
  expect(
    await statusOf("/metrics", { ...bearer(metricsToken), "sec-fetch-site": "cross-site" }),
  ).toBe(403);
  expect(
    (await fetch(`${rig.origin}/metrics`, { method: "POST", headers: bearer(metricsToken) }))
      .status,
  ).toBe(401);
});

test("an address names a database by its number, and by nothing else", async () => {
  await using rig = await serveRig((folder) => [servedPipeline(folder, "etl")]);
  addSlotRun(`${rig.folder}/etl.db`, "etl", "done", noon);
  const [id = 0] = await idsOf(rig);
  expect((await rig.get(`/db/${id}/data/runs/1`)).status).toBe(200);
  for (const path of [
    "/data/runs",
    `/db/${id + 1}/data/runs`,
    `/db/${id}/db/${id}/data/runs`,
    "/db/0/data/runs",
    "/db/1e3/data/runs",
    `/db/${"9".repeat(30)}/data/runs`,
    `/db/${id}/data/runs/..%2f..`,
  ]) {
    const response = await rig.get(path);
    expect([path, response.status === 404 || response.headers.get("content-type")]).toEqual([
      path,
      response.status === 404 ? true : "text/html; charset=utf-8",
    ]);
  }
  // Without a cookie, neither.
  for (const path of [`/db/${id}/data/runs`, `/db/${id}/events`, `/db/${id}/`]) {
    expect([path, (await rig.get(path, {})).status]).toEqual([path, 401]);
  }
});
