// A report: the page of one run as a file, opened from the disk, with the network cut off.

import { expect, setDefaultTimeout, test } from "bun:test";
import { pathToFileURL } from "node:url";

import { pipeloom, run } from "../../support/program.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { shopAfterTwoRuns } from "./shop.ts";
import { describeInBrowser, Tab, widthProblems } from "./tab.ts";

setDefaultTimeout(60_000);

/** Text of each tab of run 1. */
const tabs: readonly (readonly [tab: string, shown: string])[] = [
  ["Graph", "load-order"],
  ["Tasks", "15 tasks"],
  ["Failures", "order 3 has no customer"],
  ["Logs", "counting"],
  ["Data", "orders"],
  ["Timeline", "worker 0"],
];

describeInBrowser("a report", () => {
  test("is opened from the disk without a network, and has each tab, a task, and nothing that acts", async () => {
    using shop = await shopAfterTwoRuns();
    const file = `${shop.path}/friday.html`;
    const { code, err } = await run(
      [...pipeloom, "report", "1", "--db", shop.db, "-o", file],
      shop.path,
    );
    expect({ code, err }).toMatchObject({ code: 0 });
    const address = pathToFileURL(file).href;
    using tab = await Tab.open("about:blank");
    await tab.cdp("Network.emulateNetworkConditions", {
      offline: true,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
    await tab.go(address);
    await tab.untilText("run 1", "h1");
    for (const width of [1280, 360]) {
      await tab.resize(width, 740);
      for (const [name, shown] of tabs) {
        await tab.clickText(name, ".tabs");
        await tab.until(
          `document.querySelector("main").textContent.includes(${JSON.stringify(shown)})`,
          `${shown} in ${name}`,
        );
        expect(await tab.evaluate<readonly string[]>(widthProblems)).toEqual([]);
      }
    }
    await tab.resize(1280, 800);
    await tab.clickText("Tasks", ".tabs");
    await tab.clickText("load-order order 3", ".task-list");
    await tab.untilText("order 3 has no customer", ".drawer");
    await tab.untilText("order 3 begins", ".drawer");
    await tab.clickText("failed 2");
    await tab.untilText("2 tasks");
    expect(await tab.text("body")).not.toMatch(/^(?:Run|Rerun|Cancel|Resume)\b.*…$/m);
    expect(await tab.text("header.bar")).not.toContain("live");
    expect(await tab.problems(address)).toEqual([]);
    expect(tab.requests.filter((url) => url !== "about:blank")).toEqual([address]);
  });

  test("of a large run says what it has not, and lists all failures that are alike", async () => {
    using folder = tempFolder();
    const { path } = folder;
    await Bun.write(
      `${path}/large.ts`,
      `import { pipeline, task } from "pipeloom";
       const talk = task({ name: "talk", run: ({ lines }: { lines: number }, ctx) => {
         for (let i = 0; i < lines; i++) ctx.log.info("line " + i);
       } });
       const fail = task({ name: "fail", run: ({ n }: { n: number }) => {
         throw new Error(n + " is not of " + "x".repeat(69) + "\u{1F600} in " + n);
       } });
       export default pipeline({ name: "large", tasks: () => {
         const first = talk({ lines: 3 });
         const last = talk({ lines: 5_100 }, { after: [first] });
         return [last, ...Array.from({ length: 310 }, (_, n) => fail({ n }, { after: [last] }))];
       } });`,
    );
    await run([...pipeloom, "run", "large.ts", "--db", "a.db"], path);
    const { code, err } = await run([...pipeloom, "report", "--db", "a.db"], path);
    expect({ code, err }).toMatchObject({ code: 0 });
    const address = pathToFileURL(`${path}/report-1.html`).href;
    using tab = await Tab.open(`${address}#/runs/1/tasks?task=1`);
    await tab.untilText("No lines.", ".drawer");
    expect(await tab.evaluate<string>("document.querySelector('[type=search]').placeholder")).toBe(
      "name, error or #12",
    );
    expect(await tab.text(".drawer")).toContain(
      "A report has the last lines; the database has all.",
    );
    const more = "A report has no more of this task";
    await tab.evaluate("location.hash = '/runs/1/tasks?task=3'");
    await tab.untilText("Input", ".drawer");
    expect(await tab.text(".drawer")).not.toContain(more);
    await tab.evaluate("location.hash = '/runs/1/tasks?task=312'");
    await tab.untilText(more, ".drawer");
    await tab.clickText("Failures", ".tabs");
    await tab.clickText("and 307 more like it");
    await tab.untilText("310 tasks", ".about");
    await tab.clickText("Logs", ".tabs");
    await tab.until(`(() => {
      const box = document.querySelector(".log");
      if (box !== null) box.scrollTop = 0;
      box?.querySelector(".earlier:enabled")?.click();
      return box?.innerText.includes("A report has the last lines") === true;
    })()`);
    expect(await tab.evaluate<number>("document.querySelectorAll('.log .line').length")).toBe(
      5_000,
    );
    expect(await tab.problems(address)).toEqual([]);
  });

  test("a run that was running when the report was made has taken the time until then, whenever it is opened", async () => {
    using folder = tempFolder();
    const { path } = folder;
    await Bun.write(
      `${path}/wait.ts`,
      `import { pipeline, task } from "pipeloom";
       const wait = task({ name: "wait", run: () => Bun.sleep(600_000) });
       export default pipeline({ name: "waits", tasks: () => wait() });`,
    );
    const child = Bun.spawn([...pipeloom, "run", "wait.ts", "--db", "a.db"], {
      cwd: path,
      stdio: ["ignore", "ignore", "ignore"],
    });
    const report = `${path}/report-1.html`;
    const making = [...pipeloom, "report", "--db", "a.db", "--force"];
    const isRunning = async (): Promise<boolean> =>
      (await run(making, path)).code === 0 &&
      (await Bun.file(report).text()).includes('"status":"running","progress"');
    try {
      const deadline = performance.now() + 20_000;
      while (!(await isRunning())) expect(performance.now()).toBeLessThan(deadline);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    using tab = await Tab.open("about:blank");
    const later = "const { now } = Date; Date.now = () => now() + 3 * 86_400_000;";
    await tab.cdp("Page.addScriptToEvaluateOnNewDocument", { source: later });
    await tab.go(pathToFileURL(report).href);
    await tab.untilText("running", ".run-header");
    expect(await tab.text(".run-header")).toMatch(/M · [\d.]+ m?s\b/);
  });
});
