// What has changed is shown, also where the page was not told of it, was asking just then, or is given a part of it only.

import type { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { renameSync, rmSync } from "node:fs";

import { openDatabase } from "../../../src/store/open-database.ts";
import { options } from "../../store/write/options.ts";
import { pipeloom } from "../../support/program.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { describeInBrowser, Tab } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(60_000);

const lines = 2_000;

/** Each task ends when the test says so, and the last one writes many lines at once. */
const gates = (folder: string): string => `
import { existsSync } from "node:fs";
import { pipeline, task } from "pipeloom";
const gate = task({
  name: "gate",
  async run({ n }: { n: number }, ctx) {
    while (!existsSync(${JSON.stringify(folder)} + "/gate" + n)) await Bun.sleep(5);
    if (n === 4) for (let i = 1; i <= ${lines}; i++) ctx.log.info("line " + i);
  },
});
export default pipeline({ name: "gates", tasks: () => [1, 2, 3, 4].map((n) => gate({ n })) });
`;

/** From now on, answers to questions that have this in them are held back. */
const hold = (part: string): string => `(() => {
  const real = globalThis.fetch;
  globalThis.held = [];
  globalThis.isHolding = true;
  globalThis.fetch = async (...asked) => {
    const answer = await real(...asked);
    if (globalThis.isHolding && String(asked[0]).includes("${part}"))
      await new Promise((resolve) => globalThis.held.push(resolve));
    return answer;
  };
})()`;

const release = `(() => {
  globalThis.isHolding = false;
  for (const resolve of globalThis.held) resolve();
})()`;

describeInBrowser("changes", () => {
  let folder: TempFolder;
  let ui: Ui;
  let tab: Tab;
  let run: Bun.Subprocess;
  const open = (gate: number): Promise<number> => Bun.write(`${folder.path}/gate${gate}`, "");

  beforeAll(async () => {
    folder = tempFolder();
    await Bun.write(`${folder.path}/gates.ts`, gates(folder.path));
    openDatabase(options(`${folder.path}/a.db`)).close();
    run = Bun.spawn([...pipeloom, "run", "gates.ts", "--db", "a.db", "-c", "4"], {
      cwd: folder.path,
      stdio: ["ignore", "ignore", "ignore"],
    });
    ui = await startUi(`${folder.path}/a.db`);
    tab = await Tab.open(ui.link);
    await tab.clickText("gates");
    await tab.clickText("1", "tbody");
    await tab.untilText("▸ running 4", ".counts");
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    run.kill("SIGKILL");
    await run.exited;
    await ui.stop();
    folder[Symbol.dispose]();
  });

  test("of a change that only another tab was told of", async () => {
    using other = await Tab.open(`${ui.origin}/runs/1`);
    await other.untilText("▸ running 4", ".counts");
    await open(1);
    // This tab is told of the first one, so it knows a state that is about to be old.
    for (const each of [tab, other]) await each.untilText("✓ done 1", ".counts");
    await tab.press("p");
    await tab.untilText("paused at", ".live");
    await open(2);
    await other.untilText("✓ done 2", ".counts");
    await tab.press("p");
    await tab.untilText("✓ done 2", ".counts");
  });

  test("of a change during a question, whose answer does not have it", async () => {
    await tab.clickText("Tasks", ".tabs");
    const done = "document.querySelectorAll('.task-list .status.done').length";
    await tab.until(`${done} === 2`);
    await tab.evaluate(hold("/tasks?"));
    // Any change makes it ask.
    for (let i = 0; i < 2; i++) await tab.press("p");
    await tab.until("globalThis.held.length > 0");
    await open(3);
    await tab.untilText("✓ done 3", ".counts");
    expect(await tab.evaluate<number>(done)).toBe(2);
    await tab.evaluate(release);
    await tab.until(`${done} === 3`);
  });

  test("of how long a task has been running, and of a search that the person went back from", async () => {
    const took = ".task-list .row:has(.status.running) [role=cell]:nth-child(4)";
    expect(await tab.text(took)).toMatch(/^[\d.]+ m?s$/);
    await tab.clickText("done 3", ".filters");
    await tab.click("[aria-label='search tasks']");
    await tab.type("nowhere");
    await tab.untilText("No task is like that");
    await tab.back();
    await tab.until("document.querySelectorAll('.task-list .status.done').length === 3");
    expect(await tab.evaluate<string>("document.activeElement.value")).toBe("");
  });

  test("before its tasks are read, the graph does not say how many are done", async () => {
    await tab.evaluate(hold("/definitions"));
    await tab.clickText("Graph", ".tabs");
    const text = "document.querySelector('.graph svg')?.textContent ?? ''";
    await tab.until(`(${text}).includes("4 tasks")`);
    expect(await tab.evaluate<string>(text)).toContain("not read yet");
    await tab.evaluate(release);
    await tab.until(`(${text}).includes("3 of 4 done")`);
  });

  test("of a log that has grown by many pages, and of the end of a run while a question rests", async () => {
    using list = await Tab.open(`${ui.origin}/runs/1/tasks`);
    const done = "document.querySelectorAll('.task-list .status.done').length";
    await list.until(`${done} === 3`);
    await list.evaluate(hold("/tasks?"));
    for (let i = 0; i < 2; i++) await list.press("p");
    await list.until("globalThis.held.length > 0");
    // After an answer that took so long, the next question would come in some seconds: they never pass.
    await Bun.sleep(100);
    await list.evaluate(`(() => {
      const real = globalThis.setTimeout;
      globalThis.setTimeout = (act, ms) => (ms > 1_000 ? 0 : real(act, ms));
    })()`);
    await list.evaluate(release);
    await list.clickText("Cancel", ".run-header");
    await tab.clickText("Logs", ".tabs");
    await tab.untilText("No lines.");
    await open(4);
    await tab.until(`document.querySelectorAll(".log .line").length === ${lines}`);
    await list.until(`${done} === 4`);
    await list.untilText("run 1 has ended meanwhile", "dialog");
    expect(await tab.problems(ui.origin)).toEqual([]);
  });
});

describeInBrowser("a run that has changed", () => {
  test("long ago, as many others have since, is not kept as it was then", async () => {
    using folder = tempFolder();
    const path = `${folder.path}/a.db`;
    stored(path, "old");
    const change = (sql: string): void => {
      using db = openDatabase(options(path));
      db.run(sql);
    };
    await using ui = await startUi(path);
    using tab = await Tab.open(ui.link);
    await tab.go(`${ui.origin}/runs/1`);
    change("UPDATE pipeline_runs SET status = 'cancelled' WHERE id = 1");
    await tab.untilText("cancelled", ".run-header");
    change(`WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
      INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) SELECT i, 'many', '{}', 'done', '2026-01-01T00:00:00.000Z' FROM n`);
    using list = await Tab.open(`${ui.origin}/runs?pipeline=many`);
    await list.untilText("60", "tbody");
    change("UPDATE pipeline_runs SET status = 'error' WHERE id = 1");
    await tab.untilText("failed", ".run-header");
  });

  test("to an interrupted one took nobody knows how long, and not 1 ms", async () => {
    using folder = tempFolder();
    const path = `${folder.path}/a.db`;
    stored(path, "old");
    {
      using db = openDatabase(options(path));
      db.run("UPDATE pipeline_runs SET status = 'running', finished_at = NULL");
    }
    await using ui = await startUi(path);
    using tab = await Tab.open(ui.link);
    await tab.untilText("interrupted", ".pipeline");
    expect(await tab.text(".readout")).toBe("one run");
  });
});

/** With one run that is over. */
function stored(path: string, line: string): void {
  using db = openDatabase(options(path));
  db.run(
    "INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total) VALUES (?, '{}', 'done', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:02.000Z', 1)",
    [line],
  );
  db.run(
    "INSERT INTO task_runs (run_id, id, name, key, status, attempt) VALUES (1, 1, 'talk', 'talk:1', 'done', 1)",
  );
  addLines(db, 1, 3, line);
}

const addLines = (db: Database, from: number, to: number, line: string): unknown =>
  db.run(
    `WITH RECURSIVE n (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO task_logs (run_id, task_id, attempt, at, level, line)
      SELECT 1, 1, 1, '2026-01-01T00:00:01.000Z', 'info', ? || ' ' || i FROM n`,
    [from, to, line],
  );

const texts = "[...document.querySelectorAll('.log .line .text')].map((each) => each.innerText)";

describeInBrowser("a log", () => {
  let folder: TempFolder;
  let ui: Ui;
  let tab: Tab;
  const path = (): string => `${folder.path}/a.db`;

  beforeAll(async () => {
    folder = tempFolder();
    stored(path(), "old");
    ui = await startUi(path());
    tab = await Tab.open(ui.link);
    await tab.go(`${ui.origin}/runs/1/logs`);
    await tab.until(`${texts}.join() === "old 1,old 2,old 3"`);
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    await ui.stop();
    folder[Symbol.dispose]();
  });

  test("that is faster than it can be read is followed at its end, and those in between are there", async () => {
    {
      using db = openDatabase(options(path()));
      addLines(db, 4, 20_000, "old");
    }
    await tab.until(`${texts}.at(-1) === "old 20000"`);
    const first = await tab.evaluate<string>(`${texts}[0]`);
    await tab.clickText("Earlier lines", ".log");
    await tab.until(`${texts}[0] !== "${first}"`);
    const all = await tab.evaluate<readonly string[]>(texts);
    const begin = 20_001 - all.length;
    expect(all).toEqual(Array.from(all, (_, i) => `old ${begin + i}`));
  });

  test("from which the first lines are left out, because there are many, has them on demand", async () => {
    await tab.until(`(() => {
      const box = document.querySelector(".log");
      box.scrollTop = 0;
      box.querySelector(".earlier:enabled")?.click();
      return box.querySelectorAll(".line").length === 5_000;
    })()`);
    // The last lines are left out now: they come back where the end is looked at.
    await tab.clickText("↓ Newest", ".log");
    await tab.until(`${texts}.at(-1) === "old 20000"`);
    const all = await tab.evaluate<readonly string[]>(texts);
    const begin = 20_001 - all.length;
    expect(all).toEqual(Array.from(all, (_, i) => `old ${begin + i}`));
    await tab.until("document.querySelector('.log .earlier:enabled') !== null");
  });

  test("of a database that was replaced is not shown with that of the new one", async () => {
    const other = `${folder.path}/b.db`;
    stored(other, "new");
    for (const end of ["-wal", "-shm"]) rmSync(path() + end, { force: true });
    renameSync(other, path());
    await tab.untilText("new", "h1");
    await tab.until(`${texts}.join() === "new 1,new 2,new 3"`);
  });

  test("a view that could not be read while the file was locked comes by itself", async () => {
    await tab.evaluate(`(() => {
      const real = globalThis.fetch;
      globalThis.fetch = (...asked) => {
        if (!String(asked[0]).includes("/failures")) return real(...asked);
        globalThis.fetch = real;
        return Promise.resolve(new Response('{"problem":"locked"}', { status: 503 }));
      };
    })()`);
    await tab.clickText("Failures", ".tabs");
    await tab.untilText("locked", "[role=alert]");
    await tab.untilText("No task has failed");
  });
});
