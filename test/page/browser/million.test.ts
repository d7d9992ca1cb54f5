// A run of a million tasks, made by SQL: the page's answers are those that SQL gives, and the list can be scrolled to its end. Times are
// printed, not judged: machines are noisy.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { openDatabase } from "../../../src/store/open-database.ts";
import { options } from "../../store/write/options.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { describeInBrowser, Tab } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(120_000);

const amount = 1_000_000;
/** Every 1,000th fails. */
const failed = amount / 1_000;
const logLines = 100_000;

/** 20 definitions; each task takes 0..99 ms on one of 8 workers. */
function fill(path: string): void {
  using db = openDatabase(options(path));
  const counts = {
    queued: 0,
    running: 0,
    done: amount - failed,
    error: failed,
    cancelled: 0,
    skipped: 0,
  };
  db.run(
    `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total, counts)
      VALUES ('large', '{}', 'error', '2026-01-01T00:00:00.000Z', '2026-01-01T02:00:00.000Z', ?, ?)`,
    [amount, JSON.stringify(counts)],
  );
  db.run(
    `WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${amount})
      INSERT INTO task_runs (run_id, id, name, key, status, attempt, worker, started_at, finished_at, rows, waited_ms, input, error)
      SELECT 1, id, 'load-' || (id % 20), 'load-' || (id % 20) || ':' || id, iif(id % 1000 = 0, 'error', 'done'), 1, id % 8,
        strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + id / 200, 'unixepoch') || printf('.%03dZ', id % 200 * 4),
        strftime('%Y-%m-%dT%H:%M:%S', 1767225601 + id / 200, 'unixepoch') || printf('.%03dZ', id % 100),
        id % 7, 0, json_object('n', id),
        iif(id % 1000 = 0, json_object('name', 'Error', 'message', 'row ' || id || ' is bad'), NULL)
      FROM n`,
  );
  db.run(
    `WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${logLines})
      INSERT INTO task_logs (run_id, task_id, attempt, at, level, line)
      SELECT 1, id, 1, '2026-01-01T00:00:00.000Z', iif(id % 1000 = 0, 'error', 'info'), 'line ' || id FROM n`,
  );
}

describeInBrowser("a run of a million tasks", () => {
  let folder: TempFolder;
  let ui: Ui;
  let tab: Tab;
  const took: string[] = [];
  /** What a person waits for. */
  const timed = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    const began = performance.now();
    await act();
    took.push(`${what} ${Math.round(performance.now() - began)} ms`);
  };

  beforeAll(async () => {
    folder = tempFolder();
    fill(`${folder.path}/a.db`);
    ui = await startUi(`${folder.path}/a.db`);
    tab = await Tab.open(ui.link);
  });
  afterAll(async () => {
    console.log(`1,000,000 tasks: ${took.join(", ")}`);
    tab[Symbol.dispose]();
    await ui.stop();
    folder[Symbol.dispose]();
  });

  test("its list has each task, in each order, and an end", async () => {
    await timed("first view", async () => {
      await tab.go(`${ui.origin}/runs/1/tasks`);
      await tab.untilText("load-1", ".task-list");
    });
    await timed("all read", () => tab.untilText("1,000,000 tasks as of"));
    await timed("scrolled to the end", async () => {
      await tab.evaluate("document.querySelector('.task-list').scrollTo(0, 1e9)");
      await tab.untilText("#1000000", ".task-list");
    });
    await timed("failed ones", async () => {
      await tab.clickText("failed 1,000");
      await tab.untilText("1,000 tasks");
    });
    // Another list begins at its beginning.
    await tab.untilText("row 1000 is bad", ".task-list");
    await timed("sorted", async () => {
      await tab.go(`${ui.origin}/runs/1/tasks?sort=rows&order=desc`);
      await tab.until(
        "document.querySelectorAll('.task-list .seen .row:not(.waiting)').length > 5",
      );
    });
    const rows = await tab.evaluate<readonly string[]>(
      "[...document.querySelectorAll('.task-list .seen .row')].map((each) => each.children[5].innerText)",
    );
    expect(new Set(rows)).toEqual(new Set(["6"]));
    await timed("searched", async () => {
      await tab.go(`${ui.origin}/runs/1/tasks?text=${encodeURIComponent('"n":777777')}`);
      await tab.untilText("#777777", ".task-list");
    });
    await timed("opened", async () => {
      await tab.clickText("load-17 n=777777", ".task-list");
      await tab.untilText("777777", ".drawer");
    });
  });

  test("its timeline, failures and log", async () => {
    await timed("timeline", async () => {
      await tab.go(`${ui.origin}/runs/1/timeline`);
      await tab.untilText("worker 7");
    });
    await timed("failures", async () => {
      await tab.clickText("Failures", ".tabs");
      await tab.untilText("1,000 tasks", "main");
    });
    await timed("log", async () => {
      await tab.clickText("Logs", ".tabs");
      await tab.untilText("line 100000", ".log");
    });
    expect(
      await tab.evaluate<number>("document.querySelectorAll('.log .line').length"),
    ).toBeLessThan(1_000);
    await timed("errors of the log", async () => {
      await tab.go(`${ui.origin}/runs/1/logs?level=error`);
      await tab.untilText("line 99000", ".log");
    });
    expect(await tab.text(".log")).not.toContain("line 99999");
    expect(await tab.problems(ui.origin)).toEqual([]);
  });
});
