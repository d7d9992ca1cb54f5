// The timeline of a run on machines: the names of the machines, and of each its threads; live, and in a report.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { pathToFileURL } from "node:url";

import { openDatabase } from "../../../src/store/open-database.ts";
import { pipeloom, run } from "../../support/program.ts";
import { options } from "../../store/write/options.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { describeInBrowser, Tab, widthProblems } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(60_000);

const longName = "ip-10-0-0-1.eu-central-1.compute.internal";
const hostileName = "<img src=x onerror=document.title='bad'>";

/** Ten machines of four threads: each runs twenty tasks. */
function fill(path: string): void {
  using db = openDatabase(options(path));
  db.run(
    `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total, engine)
      VALUES ('p', '{}', 'done', '2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z', 800, 'redis://10.0.0.5')`,
  );
  const machine = db.prepare("INSERT INTO pipeloom_machines VALUES (1, ?, ?)");
  const names = [longName, hostileName, ...Array.from({ length: 8 }, (_, i) => `web${i + 3}`)];
  for (const [i, name] of names.entries()) machine.run(i + 1, name);
  machine.finalize();
  db.run(
    `WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 800)
      INSERT INTO task_runs (run_id, id, name, key, status, attempt, worker, machine, started_at, finished_at)
      SELECT 1, id, 'load', 'load:' || id, 'done', 1, id % 40 + 1, id % 10 + 1,
        strftime('%Y-%m-%dT%H:%M:%S.000Z', 1767225600 + id / 40 * 3, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%S.500Z', 1767225601 + id / 40 * 3 + id % 2, 'unixepoch')
      FROM n`,
  );
}

/** The number of a thread is seen whole, also where the name of its machine has no room. */
const cutParts = `[...document.querySelectorAll(".timeline-names a > *")].filter((each) => {
  const [inner, outer] = [each, each.parentElement].map((one) => one.getBoundingClientRect());
  return inner.width < 5 || inner.top < outer.top || inner.bottom > outer.bottom || inner.right > outer.right;
}).length`;

async function looks(tab: Tab): Promise<void> {
  for (const width of [1280, 360]) {
    await tab.resize(width, 800);
    await tab.untilText("web10", ".timeline-names");
    const names = await tab.evaluate<readonly string[]>(
      "[...document.querySelectorAll('.timeline-names a')].map((each) => each.innerText.replace(/\\s+/g, ' '))",
    );
    expect(names).toHaveLength(40);
    expect(names.slice(0, 5)).toEqual([
      ...[1, 2, 3, 4].map((thread) => `${hostileName} ${thread} 20`),
      `${longName} 1 20`,
    ]);
    expect(names.slice(-2)).toEqual(["web10 3 20", "web10 4 20"]);
    expect(await tab.evaluate<number>(cutParts)).toBe(0);
    expect(await tab.evaluate<readonly string[]>(widthProblems)).toEqual([]);
  }
  await tab.resize(1280, 800);
  await tab.clickText("web10", ".timeline-names");
  await tab.untilText("20 tasks");
  await tab.untilText(" on web10 ✕");
  expect(await tab.evaluate<string>("document.title")).not.toBe("bad");
}

describeInBrowser("a run on machines", () => {
  let folder: TempFolder;
  let ui: Ui;
  beforeAll(async () => {
    folder = tempFolder();
    fill(`${folder.path}/test.db`);
    ui = await startUi(`${folder.path}/test.db`);
  });
  afterAll(async () => {
    await ui.stop();
    folder[Symbol.dispose]();
  });

  test("its timeline has the machines and their threads, and leads to their tasks", async () => {
    using tab = await Tab.open(ui.link);
    await tab.go(`${ui.origin}/runs/1/timeline`);
    await looks(tab);
    expect(await tab.problems(ui.origin)).toEqual([]);
  });

  test("a report has the same", async () => {
    const file = `${folder.path}/report.html`;
    const words = ["report", "1", "--db", `${folder.path}/test.db`, "-o", file];
    expect(await run([...pipeloom, ...words], folder.path)).toMatchObject({ code: 0 });
    const address = pathToFileURL(file).href;
    using tab = await Tab.open(address);
    await tab.clickText("Timeline", ".tabs");
    await looks(tab);
    expect(await tab.problems(address)).toEqual([]);
  });
});
