// What changes while it is looked at: a run that goes on, a server that ends, and what the page itself starts and ends.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";

import { openDatabase } from "../../../src/store/open-database.ts";
import { options } from "../../store/write/options.ts";
import { pipeloom } from "../../support/program.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { describeInBrowser, Tab } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(60_000);

/** Each task ends when the test says so. */
const gates = (folder: string): string => `
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pipeline, task } from "pipeloom";
const gate = task({
  name: "gate",
  async run({ n }: { n: number }, ctx) {
    ctx.log.info("at gate " + n);
    while (!existsSync(${JSON.stringify(folder)} + "/gate" + n)) {
      ctx.signal.throwIfAborted();
      await Bun.sleep(5);
    }
    if (n === 3 && !existsSync(${JSON.stringify(folder)} + "/mended")) throw new Error("gate 3 is stuck");
    return n;
  },
});
export default pipeline({ name: "gates", params: { note: "a\\nb" }, tasks: () => [1, 2, 3, 4].map((n) => gate({ n })) });
`;

const doneText = (amount: number): string => `✓ done ${amount}`;

describeInBrowser("the live page", () => {
  let folder: TempFolder;
  let ui: Ui;
  let tab: Tab;
  let runs = 0;
  const opened = (name: string): Promise<number> => Bun.write(`${folder.path}/${name}`, "");
  const startRun = () =>
    Bun.spawn([...pipeloom, "run", "gates.ts", "--db", "a.db", "--fresh", "-c", "4"], {
      cwd: folder.path,
      stdio: ["ignore", "ignore", "ignore"],
    });

  beforeAll(async () => {
    folder = tempFolder();
    await Bun.write(`${folder.path}/gates.ts`, gates(folder.path));
    openDatabase(options(`${folder.path}/a.db`)).close();
    ui = await startUi(`${folder.path}/a.db`);
    tab = await Tab.open(ui.link);
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    await ui.stop();
    folder[Symbol.dispose]();
  });

  test("an empty database says how it is filled, in each view", async () => {
    await tab.untilText("Nothing has run yet");
    await tab.go(`${ui.origin}/runs`);
    await tab.untilText("No runs yet");
    await tab.go(`${ui.origin}/schedules`);
    await tab.untilText("No run was for a schedule yet");
    expect(await tab.text("main")).toContain("pipeloom serve etl.ts");
    await tab.go(`${ui.origin}/runs/1`);
    await tab.untilText("The runs that there are");
    await tab.clickText("pipeloom");
    await tab.untilText("Nothing has run yet");
  });

  test("a run appears, goes on and ends without a reload; paused, nothing changes", async () => {
    await using run = startRun();
    await tab.clickText("gates");
    await tab.clickText(String(++runs), "tbody");
    await tab.untilText("▸ running 4", ".counts");
    await tab.clickText("Tasks", ".tabs");
    await opened("gate1");
    await tab.untilText(doneText(1), ".counts");
    await tab.until("document.querySelectorAll('.task-list .status.done').length === 1");
    await tab.press("p");
    await tab.untilText("paused at", ".live");
    await opened("gate2");
    using other = await Tab.open(`${ui.origin}/runs/1`);
    await other.untilText(doneText(2), ".counts");
    expect(await tab.text(".counts")).toContain(doneText(1));
    await tab.press("p");
    await tab.untilText(doneText(2), ".counts");
    await opened("gate3");
    await opened("gate4");
    await tab.untilText("failed", ".run-header .toolbar");
    await tab.untilText(doneText(3), ".counts");
    expect(await run.exited).toBe(1);
    expect(await tab.problems(ui.origin)).toEqual([expect.stringContaining("404")]);
  });

  test("what has failed is run again, with the output of the program that does it", async () => {
    await opened("mended");
    await tab.clickText("Rerun 1 failed");
    await tab.untilText("1 failed task runs again", "dialog");
    await tab.clickText("Rerun", "dialog");
    await tab.untilText("exit 0", ".job-panel");
    await tab.untilText(doneText(4), ".counts");
    expect(await tab.text(".job-command")).toContain("--rerun failed");
    await tab.press("Escape");
    await tab.until("document.querySelector('.job-panel') === null");
  });

  test("a run that another terminal has started is cancelled, and resumed", async () => {
    const { unlink } = await import("node:fs/promises");
    for (const n of [1, 2, 3, 4]) await unlink(`${folder.path}/gate${n}`);
    await using run = startRun();
    await tab.until(
      `fetch("/data/runs/${++runs}").then((response) => response.ok)`,
      `run ${runs} in the database`,
    );
    await tab.go(`${ui.origin}/runs/${runs}`);
    await tab.untilText("▸ running 4", ".counts");
    await tab.clickText("Cancel", ".run-header");
    await tab.clickText("Cancel the run", "dialog");
    await tab.untilText("cancelled", ".run-header .toolbar");
    expect(await run.exited).not.toBe(0);
    for (const n of [1, 2, 3, 4]) await opened(`gate${n}`);
    await tab.clickText("Resume", ".run-header");
    await tab.clickText("Resume", "dialog");
    await tab.untilText(doneText(4), ".counts");
    expect(existsSync(`${folder.path}/a.db`)).toBe(true);
  });

  test("a text of many lines has all of them in the form", async () => {
    await tab.clickText("Run again", ".run-header");
    await tab.until("document.querySelector('dialog .field textarea')?.value === 'a\\nb'");
    await tab.clickText("Leave it", "dialog");
    await tab.until("document.querySelector('dialog[open]') === null");
  });

  test("a page that only shows has no button that acts, and its server refuses all the same", async () => {
    await using shown = await startUi(`${folder.path}/a.db`, { flags: ["--read-only"] });
    using reader = await Tab.open(shown.link);
    for (const place of ["/", "/runs", "/runs/1", "/runs/1/tasks?task=1"]) {
      await reader.go(shown.origin + place);
      await reader.untilText("read-only", ".bar");
      await reader.until("document.querySelector('.loading') === null");
      expect(await reader.text("body")).not.toMatch(/^(?:Run|Rerun|Cancel|Resume)\b.*…$/m);
    }
    const status = await reader.evaluate<number>(
      `fetch("/actions/runs/1/resume", { method: "POST", body: "{}" }).then(({ status }) => status)`,
    );
    expect(status).toBe(403);
  });
});

/** The one that has this among its words. */
function processWith(word: string): number {
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => wordsOf(pid).includes(word));
  if (found === undefined) throw new Error(`no process has ${word}`);
  return Number(found);
}

function wordsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    // It has ended.
    return [];
  }
}

/** The rest after an answer, 250 ms to 5 s on a busy machine, has no end. */
const endlessRest = `
  performance.now = () => 0;
  const soon = globalThis.setTimeout;
  globalThis.setTimeout = (call, ms) => soon(call, ms === 250 ? 1e9 : ms);
`;

describeInBrowser("the list of runs, while the server rests", () => {
  test("has a run as soon as it begins, and its pipeline among those to choose from", async () => {
    using folder = tempFolder();
    await Bun.write(`${folder.path}/gates.ts`, gates(folder.path));
    const db = `${folder.path}/a.db`;
    using writer = openDatabase(options(db));
    writer.run(
      `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total)
        VALUES ('first', '{}', 'done', '2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z', 0)`,
    );
    await using ui = await startUi(db);
    using tab = await Tab.open(ui.link);
    await tab.cdp("Page.addScriptToEvaluateOnNewDocument", { source: endlessRest });
    await tab.go(`${ui.origin}/runs`);
    await tab.untilText("first", "tbody");
    await tab.untilText("first", "select");
    await using run = Bun.spawn([...pipeloom, "run", "gates.ts", "--db", "a.db"], {
      cwd: folder.path,
      stdio: ["ignore", "ignore", "ignore"],
    });
    await tab.untilText("gates", "tbody");
    await tab.untilText("gates", "select");
    expect(await tab.text("tbody")).toContain("running");
    expect(run.exitCode).toBeNull();
    expect(await tab.problems(ui.origin)).toEqual([]);
  });
});

describeInBrowser("a server that ends", () => {
  test("what is shown says of when it is; a new start wants its own address", async () => {
    using folder = tempFolder();
    const db = `${folder.path}/a.db`;
    openDatabase(options(db)).close();
    const first = await startUi(db);
    using tab = await Tab.open(first.link);
    await tab.untilText("live", ".live");
    await first.stop();
    await tab.untilText("pipeloom does not answer", "[role=alert]");
    await tab.untilText("as of", "[role=alert]");
    const port = new URL(first.origin).port;
    await using second = await startUi(db, { port });
    await tab.untilText("This page is of an earlier start of pipeloom", "[role=alert]");
    await tab.go(second.link);
    await tab.untilText("live", ".live");
  });

  test("with a token that the user has chosen, the page goes on by itself", async () => {
    using folder = tempFolder();
    const db = `${folder.path}/a.db`;
    openDatabase(options(db)).close();
    const env = { PIPELOOM_UI_TOKEN: "a token that is long enough for this" };
    const first = await startUi(db, { env });
    using tab = await Tab.open(first.link);
    await tab.untilText("live", ".live");
    await first.stop();
    await tab.untilText("pipeloom does not answer", "[role=alert]");
    const port = new URL(first.origin).port;
    await using second = await startUi(db, { env, port, flags: ["--read-only"] });
    await tab.until("document.querySelector('[role=alert]') === null");
    await tab.untilText("live", ".live");
    // What is known of the server is asked again.
    await tab.untilText("read-only", ".bar");
    expect(second.origin).toBe(first.origin);
  });

  test("a server that is stopped, and not ended, is noticed too", async () => {
    using folder = tempFolder();
    const db = `${folder.path}/a.db`;
    openDatabase(options(db)).close();
    await using ui = await startUi(db);
    using tab = await Tab.open(ui.link);
    await tab.untilText("live", ".live");
    const pid = processWith(db);
    process.kill(pid, "SIGSTOP");
    try {
      await tab.untilText("pipeloom does not answer", "[role=alert]");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await tab.until("document.querySelector('[role=alert]') === null");
    await tab.untilText("live", ".live");
  });
});
