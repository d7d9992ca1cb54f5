// `pipeloom serve` and its page, as they are: slots begin while the page is open, a schedule is paused and resumed from it, a file that is
// broken is told, and a monitor gets its answers.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { ServeProcess } from "../../executable/serve-process.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { parseExposition } from "../exposition-parser.ts";
import { describeInBrowser, Tab } from "./tab.ts";

setDefaultTimeout(60_000);

const token = "t".repeat(30);
const metricsToken = "m".repeat(30);

const pipelineOf = (name: string, schedule: string): string => `
import { pipeline, task } from "pipeloom";
const work = task({ name: "work", run: () => 1 });
export default pipeline({ name: "${name}", schedule: ${schedule}, tasks: () => work() });
`;

const yearly = pipelineOf("yearly", '{ cron: "0 0 1 1 *", tz: "America/New_York" }');

const cardOf = (name: string): string =>
  `[...document.querySelectorAll(".schedule")].find((each) => each.querySelector("h2")?.textContent === "${name}")`;

describeInBrowser("serve with its page", () => {
  let folder: TempFolder;
  let serve: ServeProcess;
  let tab: Tab;
  let origin: string;
  beforeAll(async () => {
    folder = tempFolder();
    await Bun.write(`${folder.path}/often.ts`, pipelineOf("often", '{ every: "2s" }'));
    await Bun.write(`${folder.path}/yearly.ts`, yearly);
    serve = new ServeProcess(folder.path, ["--port", "0"], {
      PIPELOOM_UI_TOKEN: token,
      PIPELOOM_METRICS_TOKEN: metricsToken,
    });
    const address = /http:\S+/.exec(await serve.line(/http:/))?.[0] ?? "";
    origin = new URL(address).origin;
    tab = await Tab.open(`${origin}/?token=${token}`);
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    await serve[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  test("slots begin while it is looked at, each a bar that leads to its run", async () => {
    await tab.clickText("Schedules", ".bar nav");
    await tab.until(`${cardOf("often")}?.querySelectorAll(".bars a.done").length >= 2`);
    await tab.evaluate(`${cardOf("often")}.querySelector(".bars a.done").click()`);
    await tab.untilText("of its schedule", ".run-header");
    await tab.back();
    await tab.until(`${cardOf("yearly")} !== undefined`);
    await tab.evaluate(`${cardOf("yearly")}.querySelector("summary").click()`);
    expect(await tab.evaluate<string>(`${cardOf("yearly")}.innerText`)).toContain(
      "America/New_York",
    );
  });

  test("a schedule is paused and resumed", async () => {
    const act = async (word: string): Promise<void> => {
      await tab.evaluate(`${cardOf("yearly")}.querySelector(".actions button").click()`);
      await tab.clickText(`${word} the schedule`, "dialog footer");
      await tab.untilText("exit 0", ".job-panel");
    };
    await act("Pause");
    await tab.until(`${cardOf("yearly")}.innerText.includes("paused")`);
    await tab.press("Escape");
    await act("Resume");
    await tab.until(`!${cardOf("yearly")}.innerText.includes("paused")`);
    await tab.press("Escape");
  });

  test("a file that is broken is told with its error, and its last good schedule goes on", async () => {
    await Bun.write(`${folder.path}/yearly.ts`, `${yearly}nothing();\n`);
    await tab.until(`${cardOf("yearly")}?.innerText.includes("its last good schedule goes on")`);
    expect(await tab.evaluate<string>(`${cardOf("yearly")}.innerText`)).toContain("nothing");
    await Bun.write(`${folder.path}/yearly.ts`, yearly);
    await tab.until(`!${cardOf("yearly")}?.innerText.includes("broken")`);
    expect(await tab.problems(origin)).toEqual([]);
  });

  test("a monitor gets its answers", async () => {
    expect(await (await fetch(`${origin}/healthz`)).text()).toBe("ok\n");
    expect((await fetch(`${origin}/metrics`)).status).toBe(401);
    const response = await fetch(`${origin}/metrics`, {
      headers: { authorization: `Bearer ${metricsToken}` },
    });
    const metrics = parseExposition(await response.text());
    const samples = [...(metrics.get("pipeloom_runs_total")?.samples ?? [])];
    const [, done] = samples.find(([series]) => /"often".*"done"/.test(series)) ?? [];
    expect(done).toBeGreaterThanOrEqual(2);
    expect(metrics.has("pipeloom_slot_delay_seconds")).toBe(true);
    expect(metrics.has("pipeloom_last_success_timestamp_seconds")).toBe(true);
  });
});
