// What has changed is shown, also where the page was not told of it, was asking just then, or is given a part of it only.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

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

  test("before its tasks are read, the graph does not say how many are done", async () => {
    await tab.evaluate(hold("/definitions"));
    await tab.clickText("Graph", ".tabs");
    const text = "document.querySelector('.graph svg')?.textContent ?? ''";
    await tab.until(`(${text}).includes("4 tasks")`);
    expect(await tab.evaluate<string>(text)).toContain("not read yet");
    await tab.evaluate(release);
    await tab.until(`(${text}).includes("3 of 4 done")`);
  });

  test("of a log that has grown by many pages", async () => {
    await tab.clickText("Logs", ".tabs");
    await tab.untilText("No lines.");
    await open(4);
    await tab.until(`document.querySelectorAll(".log .line").length === ${lines}`);
    expect(await tab.problems(ui.origin)).toEqual([]);
  });
});
