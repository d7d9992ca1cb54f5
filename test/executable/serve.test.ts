// `pipeloom serve` with processes: slots, signals, kills, files that change, two at once.

import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { processStat } from "../../src/base/process-stat.ts";
import { below, randomOf } from "../crash/random.ts";
import { openPty } from "../support/pty.ts";
import { pipeloom, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { ServeProcess } from "./serve-process.ts";

setDefaultTimeout(60_000);

/** @param body of its task */
const file = (schedule: string, body = "", name = "orders"): string => `
import { existsSync } from "node:fs";
import { pipeline, task } from "pipeloom";
const load = task({ name: "load", async run(_: object, ctx) {
  ${body}
  await ctx.insert("loaded", [{ slot: ctx.run.scheduledFor, previous: ctx.run.previous }]);
} });
export default pipeline({
  name: "${name}",
  schedule: ${schedule},
  schema: "CREATE TABLE IF NOT EXISTS loaded (slot TEXT, previous TEXT)",
  tasks: () => load({}),
});
`;

const waitFor = (path: string): string =>
  `while (!existsSync(${JSON.stringify(path)})) { if (ctx.signal.aborted) throw ctx.signal.reason; await Bun.sleep(20); }`;

const rows = (folder: string, sql: string): unknown[] => {
  using db = new Database(join(folder, "pipeloom.db"), { readonly: true });
  // The next run may be about to recover the write-ahead log, and locks readers out meanwhile.
  db.run("PRAGMA busy_timeout = 5000");
  return db.query(sql).values();
};

test.skipIf(process.platform === "win32")(
  "a log that nobody reads keeps no slot from starting, and serve from no end",
  async () => {
    using folder = tempFolder();
    const text = file('{ every: "1s" }', "", `orders${"-long".repeat(9_000)}`);
    writeFileSync(join(folder.path, "orders.ts"), text);
    // The shell has the other end of the pipe, and reads nothing.
    const script = `exec 3<&0; "$@" 2>&1 | { echo ready >&2; head -c 1 >/dev/null <&3; cat >/dev/null; }`;
    const child = Bun.spawn(["sh", "-c", script, "sh", ...pipeloom, "serve", "--no-page"], {
      cwd: folder.path,
      stdio: ["pipe", "ignore", "pipe"],
    });
    await untilRow(folder.path, "id = 4 AND status = 'done'");
    const { stdout } = Bun.spawnSync(["pgrep", "-P", String(child.pid), "-f", "serve --no-page"]);
    const pid = Number(stdout.toString().trim().split("\n")[0]);
    process.kill(pid, "SIGTERM");
    while (isAlive(pid)) await Bun.sleep(20);
    void child.stdin.write("x");
    void child.stdin.end();
    await child.exited;
  },
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("each slot once, with its time; SIGTERM ends it with 0", async () => {
  using folder = tempFolder();
  writeFileSync(join(folder.path, "orders.ts"), file('{ every: "1s" }'));
  await using serve = new ServeProcess(folder.path);
  await serve.line(/serving 1 pipeline with a schedule, of 1 file/);
  for (let runs = 0; runs < 3; runs++) await serve.line(/orders: .*: run \d+ done in/);
  serve.signal("SIGTERM");
  expect(await serve.ended).toBe(0);
  const runs = rows(
    folder.path,
    "SELECT scheduled_for, trigger, status FROM pipeline_runs WHERE status = 'done' ORDER BY id",
  ) as [string, string, string][];
  expect(runs.length).toBeGreaterThanOrEqual(3);
  expect(new Set(runs.map(([slot]) => slot)).size).toBe(runs.length);
  for (const [slot, trigger] of runs)
    expect([slot.slice(-5), trigger]).toEqual([".000Z", "schedule"]);
  expect(rows(folder.path, "SELECT slot FROM loaded").length).toBe(runs.length);
});

test("SIGTERM stops a run, and the next serve goes on with it", async () => {
  using folder = tempFolder();
  const gate = join(folder.path, "gate");
  writeFileSync(join(folder.path, "orders.ts"), file('{ every: "1s" }', waitFor(gate)));
  {
    await using first = new ServeProcess(folder.path, ["--no-page", "-v"]);
    await first.line(/starting/);
    await untilRow(folder.path, "status = 'running'");
    first.signal("SIGTERM");
    await first.line(/was stopped with serve after .*; the next serve continues it/);
    expect(await first.ended).toBe(0);
  }
  // A signal that comes while the run is being opened ends its process.
  const stopped = rows(folder.path, "SELECT status FROM pipeline_runs WHERE id = 1");
  expect(JSON.stringify(stopped)).toMatch(/^\[\["(?:cancelled|running)"\]\]$/);
  writeFileSync(gate, "");
  await using second = new ServeProcess(folder.path);
  await second.line(/run 1 done in .* \(continued\)/);
  expect(rows(folder.path, "SELECT stopped FROM pipeloom_schedules")).toEqual([["[]"]]);
});

/** The database is written by others: it is asked until it says so. */
async function untilRow(folder: string, where: string): Promise<void> {
  for (;;) {
    try {
      if (rows(folder, `SELECT 1 FROM pipeline_runs WHERE ${where}`).length > 0) return;
    } catch {
      // The file is being made.
    }
    await Bun.sleep(10);
  }
}

test.each<[string, number, number]>([
  ["skip", 75, 1],
  ["queue", 75, 1],
  ["cancel", 75, 1],
  ["allow", 0, 2],
])(
  "%s: a run that a person began while the process of a slot loaded its file",
  async (overlap, code, runs) => {
    using folder = tempFolder();
    const gate = join(folder.path, "gate");
    const schedule = `{ every: "1h", overlap: "${overlap}" }`;
    const waits = `if (ctx.run.scheduledFor === null) ${waitFor(gate)}`;
    writeFileSync(join(folder.path, "orders.ts"), file(schedule, waits));
    const byHand = run([...pipeloom, "run", "orders.ts"], folder.path);
    await untilRow(folder.path, "status = 'running'");
    const slot = ["--scheduled-for", "2026-11-27T02:00:00Z", "--quiet"];
    const ofServe = Bun.spawn([...pipeloom, "run", "orders.ts", ...slot], {
      cwd: folder.path,
      env: { ...process.env, PIPELOOM_TRIGGER: "schedule" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const said = await new Response(ofServe.stderr).text();
    expect(await ofServe.exited).toBe(code);
    if (code === 75) expect(said).toMatch(/^error: run 1 of "orders" is going on in .*overlap/);
    expect(rows(folder.path, "SELECT id FROM pipeline_runs")).toHaveLength(runs);
    writeFileSync(gate, "");
    expect((await byHand).code).toBe(0);
  },
);

test("a token that was chosen for the page is not in the log", async () => {
  using folder = tempFolder();
  const token = "chosen-by-the-user-for-this-test";
  const env = { PIPELOOM_UI_TOKEN: token };
  await using serve = new ServeProcess(folder.path, ["--port", "0"], env);
  expect(await serve.line(/the page: /)).toContain("/?token=$PIPELOOM_UI_TOKEN");
  expect(serve.log).not.toContain(token);
});

const tokenLike = /[?&]token=[\w-]{22,}/;

test("a link that opens the page is not in a log, which says how to get in", async () => {
  using folder = tempFolder();
  await using serve = new ServeProcess(folder.path, ["--port", "0", "-l", "serve.log"]);
  const line = await serve.line(/the page: /);
  expect(line).toMatch(
    /http:\/\/127\.0\.0\.1:\d+\/, which needs a token .*: export PIPELOOM_UI_TOKEN/,
  );
  await serve.line(/serving /);
  expect(serve.log).not.toMatch(tokenLike);
  const log = join(folder.path, "serve.log");
  expect(await Bun.file(log).text()).not.toMatch(tokenLike);
  if (process.platform !== "win32") expect(statSync(log).mode & 0o777).toBe(0o600);
});

test.skipIf(process.platform === "win32")(
  "a terminal shows a link that opens the page, and the next one when it was used; the log file has none",
  async () => {
    using folder = tempFolder();
    const args = ["serve", "--port", "0", "-l", "serve.log"];
    await using pty = openPty(args, { cwd: folder.path, columns: 200 });
    const shown = (): string => pty.screen.lines().join("\n");
    await pty.until(() => tokenLike.test(shown()), "the link");
    const [link = ""] = /http:\S+/.exec(shown()) ?? [];
    expect((await fetch(link, { redirect: "manual" })).status).toBe(303);
    await pty.until(() => /for another browser: http/.test(shown()), "the next link");
    const log = await Bun.file(join(folder.path, "serve.log")).text();
    expect(log).toContain("the page: http://127.0.0.1");
    expect(log).toContain("a browser has opened the page");
    expect(log).not.toMatch(tokenLike);
    pty.type("\x03");
    expect(await pty.exited).toBe(0);
  },
);

test("a database that is deleted while a run goes on is told, and so is the recovery", async () => {
  using folder = tempFolder();
  const gate = join(folder.path, "gate");
  const db = join(folder.path, "pipeloom.db");
  writeFileSync(join(folder.path, "orders.ts"), file('{ every: "1s" }', waitFor(gate)));
  await using serve = new ServeProcess(folder.path, ["--no-page", "-v"]);
  await serve.line(/starting/);
  await untilRow(folder.path, "status = 'running'");
  // Until serve has seen it.
  await Bun.sleep(1_500);
  for (const name of [db, `${db}-wal`, `${db}-shm`]) rmSync(name, { force: true });
  writeFileSync(gate, "");
  const line = await serve.line(/run 1 failed after/);
  expect(line).toContain(`its database ${db} was moved, deleted or replaced`);
  expect(line).toMatch(/pipeloom run \S+orders\.ts --scheduled-for \S+Z$/);
  await serve.line(/run \d+ done/);
  await serve.line(/recovered: it had failed/);
});

test("a broken file keeps its last good schedule, and is mended", async () => {
  using folder = tempFolder();
  const path = join(folder.path, "orders.ts");
  writeFileSync(path, file('{ every: "1s" }'));
  await using serve = new ServeProcess(folder.path);
  await serve.line(/run \d+ done/);
  writeFileSync(path, file('{ every: "soon" }'));
  // Which of the two is first depends on when the next slot comes.
  const both = /(?:the file is broken|no run began): orders\.ts:\d+:\d+: .*schedule\.every must be/;
  const said = [await serve.line(both), await serve.line(both)].join("\n");
  expect(said).toMatch(/the file is broken: .*; its last good schedule goes on/);
  expect(said).toMatch(/no run began: .*; tried again in/);
  writeFileSync(path, file('{ every: "1s" }', "", "orders"));
  await serve.line(/the file can be loaded again/);
  await serve.line(/run \d+ done/);
  rmSync(path);
  await serve.line(/no longer served/);
});

test("a file that was broken before serve was started, and is named twice", async () => {
  using folder = tempFolder();
  const path = join(folder.path, "orders.ts");
  writeFileSync(path, "export default pipeline({");
  await using serve = new ServeProcess(folder.path, ["orders.ts", "orders.ts", "--no-page"]);
  await serve.line(/the file is broken: orders\.ts:1:.*; it is not served until it can be loaded$/);
  await serve.line(/serving 0 pipelines with a schedule, of 1 file in [^,]*orders\.ts$/);
  writeFileSync(path, file('{ every: "1s" }'));
  await serve.line(/orders: the file can be loaded again/);
  await serve.line(/orders: .*: run 1 done/);
});

test("an import that is missing, and then there", async () => {
  using folder = tempFolder();
  const text = file('{ every: "1s" }').replace("\n", '\nimport "./rates.ts";\n');
  writeFileSync(join(folder.path, "orders.ts"), text);
  await using serve = new ServeProcess(folder.path);
  await serve.line(/the file is broken: .*rates/);
  writeFileSync(join(folder.path, "rates.ts"), "export const rate = 1;\n");
  await serve.line(/run 1 done/);
});

test("what cannot be served is told with its reason", async () => {
  using folder = tempFolder();
  const texts = {
    "memory.ts": file('{ every: "1h" }').replace(
      'name: "orders",',
      'name: "memory", db: ":memory:",',
    ),
    "plain.ts": file("undefined", "", "plain"),
    "twin-a.ts": file('{ every: "1h" }', "", "twin"),
    "twin-b.ts": file('{ every: "1h" }', "", "twin"),
    "exits.ts": `${file('{ every: "1h" }', "", "exits")}\nprocess.exit(3);`,
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder.path, name), text);
  await using serve = new ServeProcess(folder.path, ["--no-page", ".", "plain.ts"]);
  await serve.line(/serving 1 pipeline with a schedule, of 5 files/);
  expect(serve.log).toMatch(/memory: cannot be served: its database is :memory:/);
  expect(serve.log).toMatch(/plain: cannot be served: it has no schedule; add one, e\.g\./);
  expect(serve.log).toMatch(
    /twin: cannot be served: "twin" is the name of the pipeline in \S+twin-[ab]\.ts too/,
  );
  expect(serve.log).toMatch(/exits\.ts: the file is broken: exits\.ts called process\.exit\(3\)/);
});

test("a file that prints a million lines while it loads holds nobody up", async () => {
  using folder = tempFolder();
  const noise = "for (let i = 0; i < 1_000_000; i++) console.error(`noise ${i}`);";
  writeFileSync(join(folder.path, "noise.ts"), `${file('{ every: "1h" }', "", "noise")}\n${noise}`);
  writeFileSync(join(folder.path, "orders.ts"), file('{ every: "1s" }'));
  await using serve = new ServeProcess(folder.path);
  await serve.line(/orders: .*: run \d+ done/);
  serve.signal("SIGTERM");
  expect(await serve.ended).toBe(0);
});

test("a program that calls runPipeline is looked at, and not run", async () => {
  using folder = tempFolder();
  const text = `${file('{ every: "1h" }')}
import { runPipeline } from "pipeloom";
await runPipeline("${join(folder.path, "orders.ts")}");`;
  writeFileSync(join(folder.path, "orders.ts"), text);
  await using serve = new ServeProcess(folder.path);
  await serve.line(/serving \d pipeline/);
  expect(
    existsSync(join(folder.path, "pipeloom.db")) &&
      rows(folder.path, "SELECT 1 FROM pipeline_runs").length > 0,
  ).toBe(false);
});

test("the webhook is told of the first failure and of the recovery, also if it was away", async () => {
  using folder = tempFolder();
  const gate = join(folder.path, "gate");
  const fails = `if (!existsSync(${JSON.stringify(gate)})) throw new Error("no orders");`;
  writeFileSync(join(folder.path, "orders.ts"), file('{ every: "1s" }', fails));
  const texts: string[] = [];
  let asked = 0;
  const recovered = Promise.withResolvers<void>();
  using server = Bun.serve({
    port: 0,
    async fetch(request) {
      if (asked++ === 0) return new Response("away", { status: 503 });
      const body = (await request.json()) as { text: string; event: { kind: string } };
      texts.push(body.text);
      if (body.event.kind === "recovered") recovered.resolve();
      return new Response("ok");
    },
  });
  const env = { PIPELOOM_WEBHOOK: `http://127.0.0.1:${server.port}/hook?token=abc` };
  await using serve = new ServeProcess(folder.path, ["--no-page"], env);
  for (let runs = 0; runs < 3; runs++) await serve.line(/run \d+ failed after .*: .*no orders/);
  writeFileSync(gate, "");
  await serve.line(/recovered: it had failed/);
  await recovered.promise;
  expect(texts).toEqual([
    expect.stringMatching(
      /^pipeloom: orders: .*: run 1 failed after .*no orders; pipeloom status --run 1/,
    ),
    expect.stringMatching(/^pipeloom: orders: .*: recovered: it had failed$/),
  ]);
  expect(serve.log).not.toContain("token");
});

test("kill -9 while the webhook does not answer: the next serve sends the message", async () => {
  using folder = tempFolder();
  writeFileSync(
    join(folder.path, "orders.ts"),
    file('{ every: "1s", pauseAfter: 1 }', 'throw new Error("no orders");'),
  );
  let isAway = true;
  const kinds: string[] = [];
  const asked = Promise.withResolvers<void>();
  const both = Promise.withResolvers<void>();
  using server = Bun.serve({
    port: 0,
    async fetch(request) {
      asked.resolve();
      if (isAway) return new Promise<Response>(() => undefined);
      kinds.push(((await request.json()) as { event: { kind: string } }).event.kind);
      if (kinds.length === 2) both.resolve();
      return new Response();
    },
  });
  const env = { PIPELOOM_WEBHOOK: `http://127.0.0.1:${server.port}/` };
  {
    await using killed = new ServeProcess(folder.path, ["--no-page"], env);
    await killed.line(/paused after 1 failed slot/);
    await asked.promise;
    killed.signal("SIGKILL");
    await killed.ended;
  }
  isAway = false;
  await using _ = new ServeProcess(folder.path, ["--no-page"], env);
  await both.promise;
  expect(kinds).toEqual(["ended", "paused"]);
  const untold = (): unknown =>
    rows(folder.path, "SELECT trouble FROM pipeloom_schedules")[0]?.toString();
  while (untold() !== '{"kind":"paused","slot":null}') await Bun.sleep(20);
});

test("a pipeline that has two names is served by the one that is asked for", async () => {
  using folder = tempFolder();
  writeFileSync(
    join(folder.path, "orders.ts"),
    file('{ cron: "0 0 * * *" }').replace("export default", "export const again =") +
      "\nexport default again;\nexport { again as third };\n",
  );
  const listed = async (argument: string): Promise<unknown> => {
    const list = await run([...pipeloom, "schedule", "list", argument, "--json"], folder.path);
    return JSON.parse(list.out).schedules;
  };
  for (const argument of ["orders.ts:third", "orders.ts:again"]) {
    expect(await listed(argument)).toMatchObject([
      { file: join(folder.path, argument), pipeline: "orders", state: "scheduled" },
    ]);
  }
  expect(await listed("orders.ts")).toMatchObject([{ file: join(folder.path, "orders.ts") }]);
  expect(await listed("orders.ts:fourth")).toMatchObject([
    { state: "refused", reason: "it exports no pipeline called fourth" },
  ]);
});

test("pause and resume, from another process", async () => {
  using folder = tempFolder();
  writeFileSync(join(folder.path, "orders.ts"), file('{ every: "1s" }'));
  await using serve = new ServeProcess(folder.path);
  await serve.line(/run \d+ done/);
  const pause = await run([...pipeloom, "schedule", "pause", "orders.ts"], folder.path);
  expect(pause).toMatchObject({ code: 0, err: "" });
  expect(pause.out).toMatch(
    /^"orders" is now paused; to resume: pipeloom schedule resume \S+orders\.ts\n$/,
  );
  await serve.line(/orders: paused; to resume/);
  const list = await run([...pipeloom, "schedule", "list", "--json"], folder.path);
  expect(JSON.parse(list.out)).toMatchObject({
    schedules: [{ pipeline: "orders", state: "paused", last: { status: "done" } }],
  });
  const resume = await run([...pipeloom, "schedule", "resume", "orders.ts"], folder.path);
  expect(resume.out).toBe('"orders" is resumed\n');
  expect((await run([...pipeloom, "schedule", "resume", "orders.ts"], folder.path)).out).toBe(
    '"orders" was not paused\n',
  );
  await serve.line(/orders: resumed/);
  await serve.line(/run \d+ done/);
});

/** Starts a process as the first one of a container. */
const asFirst = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"];
const canBeFirst =
  process.platform === "linux" && Bun.spawnSync([...asFirst, "true"]).exitCode === 0;

test.skipIf(!canBeFirst)(
  "as the first process of a container, it keeps no process that runs have left behind",
  async () => {
    using folder = tempFolder();
    // The shell that would end the programs of a killed run outlives the run, and so does what a program leaves behind.
    const text = `
import { pipeline, sh } from "pipeloom";
const load = sh({ name: "load", shell: true, command: "setsid sleep 0.1 & true" });
export default pipeline({ name: "orders", schedule: { every: "1s" }, tasks: () => load() });
`;
    writeFileSync(join(folder.path, "orders.ts"), text);
    await using serve = new ServeProcess(folder.path, ["--no-page"], {}, asFirst);
    await serve.line(/run 1 done/);
    const left = await zombieOf(serve.pid);
    while (processStat(left) !== undefined) await serve.line(/run \d+ done/);
    // What it has started itself is waited for by nobody else.
    for (let runs = 0; runs < 3; runs++) await serve.line(/run \d+ done/);
  },
);

async function zombieOf(parent: number): Promise<number> {
  for (;;) {
    const zombie = readdirSync("/proc").find((entry) => {
      const stat = /^\d+$/.test(entry) ? processStat(Number(entry)) : undefined;
      return stat?.parent === parent && !stat.runs;
    });
    if (zombie !== undefined) return Number(zombie);
    await Bun.sleep(20);
  }
}

const seconds = Number(process.env["SERVE_S"] ?? 8);

test(`killed at random for ${seconds} s, with its runs or without, two at once: each slot has one run, and none is lost`, async () => {
  using folder = tempFolder();
  const schedule = '{ every: "1s", catchUp: "all", overlap: "queue" }';
  writeFileSync(join(folder.path, "orders.ts"), file(schedule, "await Bun.sleep(150);"));
  const random = randomOf(Number(process.env["SERVE_SEED"] ?? 1));
  const until = performance.now() + seconds * 1000;
  await using other = new ServeProcess(folder.path);
  await other.line(/serving 1/);
  let kills = 0;
  for (; performance.now() < until; kills++) {
    await using serve = new ServeProcess(folder.path);
    await serve.line(/serving 1/);
    await Bun.sleep(below(random, 1500));
    if (below(random, 2) === 0) killChildrenOf(serve.pid);
    serve.signal("SIGKILL");
    await serve.ended;
  }
  const last = Math.floor(Date.now() / 1000) * 1000;
  await untilRow(
    folder.path,
    `status = 'done' AND scheduled_for >= '${new Date(last).toISOString()}'`,
  );
  const runs = rows(
    folder.path,
    "SELECT scheduled_for, status FROM pipeline_runs ORDER BY scheduled_for",
  ) as [string, string][];
  const slots = runs.map(([slot]) => Date.parse(slot)).filter((slot) => slot <= last);
  const wanted = Array.from(
    { length: (last - (slots[0] ?? 0)) / 1000 + 1 },
    (_, n) => (slots[0] ?? 0) + n * 1000,
  );
  expect(slots).toEqual(wanted);
  const loaded = rows(
    folder.path,
    "SELECT slot, COUNT(*) FROM loaded GROUP BY slot HAVING COUNT(*) > 1",
  );
  expect(loaded).toEqual([]);
  expect(kills).toBeGreaterThan(1);
});

function killChildrenOf(pid: number): void {
  const { stdout } = Bun.spawnSync(["pgrep", "-P", String(pid)]);
  for (const child of stdout.toString().trim().split("\n").filter(Boolean)) {
    try {
      process.kill(Number(child), "SIGKILL");
    } catch {
      // It has ended.
    }
  }
}
