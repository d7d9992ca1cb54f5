// The schedules of several databases, as a person looks at them: what is said of each, the next times in two zones, a schedule that is
// paused, and how it looks.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { ServedPipeline, SlotRecord } from "../../../src/serve/served.ts";
import { SlotCounters } from "../../../src/serve/slot-counters.ts";
import { rule } from "../../serve/rule.ts";
import { pipeloom, run } from "../../support/program.ts";
import { addPipelines, addSlotRun, servedPipeline, type ServeRig, serveRig } from "../serve-rig.ts";
import { describeInBrowser, notIsolated, Tab, widthProblems } from "./tab.ts";

setDefaultTimeout(60_000);

const kept = process.env["PIPELOOM_SCREENSHOTS"];

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
/** A whole hour ahead of now. */
const soon = Math.ceil(Date.now() / hour) * hour;
const image = `<img src=x onerror="globalThis.pwned=1">`;

/** Of 2,000 letters without a space, and with a mark that turns round what follows. */
const turned = `\u202E${"long".repeat(500)}`;

const nextOf = (everyMs: number): ServedPipeline["next"] =>
  [0, 1, 2, 3, 4].map((i) => ({ slot: soon + i * everyMs, start: soon + i * everyMs + 7_000 }));

const missed = (slot: number): SlotRecord => ({ kind: "missed", slot, why: "the machine was off" });

function counted(): ServedPipeline["counts"] {
  const counters = new SlotCounters();
  counters.missed(2);
  counters.late();
  return counters.counts;
}

const orders = (folder: string): ServedPipeline =>
  servedPipeline(folder, "orders", {
    next: nextOf(day),
    counts: counted(),
    slots: [
      missed(soon - 5 * day),
      missed(soon - 4 * day),
      {
        kind: "ran",
        slot: soon - day,
        run: 26,
        startedAt: soon - day,
        finishedAt: soon - day + minute,
        outcome: "done",
        delayMs: 40,
        why: null,
      },
    ],
  });

const others = (folder: string): readonly ServedPipeline[] => [
  servedPipeline(folder, "sync stock", {
    schedule: {
      text: "every 15m",
      tz: null,
      rule: rule({ when: { kind: "every", everyMs: 15 * minute } }),
    },
    next: nextOf(15 * minute),
    running: [{ slot: soon - hour, run: null, pid: 1, startedAt: Date.now() - 90_000 }],
  }),
  servedPipeline(folder, "weekly report", {
    state: { kind: "paused", since: soon - 2 * day, by: { kind: "person" } },
  }),
  servedPipeline(folder, "prices", {
    state: { kind: "paused", since: soon - day, by: { kind: "failures", count: 3 } },
  }),
  servedPipeline(folder, "exports", {
    next: nextOf(day),
    state: {
      kind: "broken",
      message: "exports.ts:14:7: Cannot find name 'rows'\n  await ctx.upsert(\"exports\", rows);",
      since: soon - 3 * hour,
      hasSchedule: true,
    },
  }),
  servedPipeline(folder, image, {
    state: { kind: "refused", reason: `it keeps its history in memory: ${image}` },
    db: null,
  }),
  servedPipeline(folder, "long", {
    name: turned,
    argument: `/srv/${"long/".repeat(300)}etl.ts`,
    file: `/srv/${"long/".repeat(300)}etl.ts`,
    next: nextOf(365 * day),
    waiting: { slot: soon - hour, since: soon - hour, why: turned },
  }),
  servedPipeline(folder, "queue", {
    trouble: { kind: "late", slot: soon - hour },
    schedule: {
      text: `cron ${Array.from({ length: 60 }, (_, i) => i).join(",")} * * * * in UTC`,
      tz: "UTC",
      rule: rule({ when: { kind: "cron", cron: "* * * * *" }, tz: "UTC" }),
    },
    next: nextOf(day),
    waiting: { slot: soon - hour, since: soon - hour, why: "run 3 goes on" },
  }),
];

function fill({ folder }: ServeRig): void {
  for (let i = 28; i > 0; i--) {
    if (i === 5 || i === 4) continue;
    const outcome = i % 9 === 0 ? "error" : "done";
    addSlotRun(`${folder}/orders.db`, "orders", outcome, soon - i * day, 30 + ((i * 37) % 50));
    const quarter = soon - hour - i * 15 * minute;
    addSlotRun(`${folder}/sync-stock.db`, "sync stock", "done", quarter, 2 + (i % 3));
  }
  for (let i = 9; i > 0; i--) {
    addSlotRun(`${folder}/prices.db`, "prices", i < 4 ? "error" : "done", soon - i * day, 100);
  }
}

/** Lines that run out of their column: a card hides what is outside of it. */
const tooWide = `[...document.querySelectorAll(".pipeline-name > p")]
  .filter((each) => each.clientWidth < each.scrollWidth && getComputedStyle(each).textOverflow !== "ellipsis").length`;

const cardOf = (name: string): string =>
  `[...document.querySelectorAll(".schedule")].find((each) => each.querySelector("h2").textContent === ${JSON.stringify(name)})`;

describeInBrowser("schedules", () => {
  let rig: ServeRig;
  let tab: Tab;
  beforeAll(async () => {
    const own = [process.execPath, "-e", "console.log(process.argv.slice(1, 3).join(' '))"];
    rig = await serveRig((folder) => [orders(folder), ...others(folder)], { own });
    fill(rig);
    tab = await Tab.open(rig.link);
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    await rig[Symbol.asyncDispose]();
  });

  const textOf = (name: string): Promise<string> => tab.evaluate(`${cardOf(name)}.innerText`);

  test("pipelines of all databases say when they run next, and lead to their own database", async () => {
    await tab.untilText("orders", "main");
    expect(await tab.text("main")).toMatch(/orders[^]*next in /);
    await tab.clickText("orders", "main h2");
    await tab.untilText("Runs", "h1");
    await tab.until("document.querySelectorAll('tbody tr').length === 26");
    expect(await tab.place()).toMatch(/^\/db\/\d+\/runs\?pipeline=orders$/);
    await tab.until(`document.querySelector("select.database") !== null`);
    await tab.evaluate(`(() => {
      const select = document.querySelector("select.database");
      select.value = [...select.options].find(({ text }) => text.endsWith("prices.db")).value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    })()`);
    await tab.until("document.querySelectorAll('tbody tr').length === 9");
    await tab.clickText("Pipelines", ".bar nav");
    await tab.untilText("sync stock", "main");
    expect(await tab.place()).toBe("/");
    expect(await tab.problems(rig.origin)).toEqual([]);
  });

  test("what needs a person comes first; each says what it is and when it runs", async () => {
    await tab.clickText("Schedules", ".bar nav");
    await tab.untilText("4 schedules need a look");
    const titles = await tab.evaluate<readonly string[]>(
      `[...document.querySelectorAll(".schedule h2")].map((each) => each.textContent)`,
    );
    expect(titles).toEqual([
      image,
      "exports",
      "prices",
      "queue",
      "weekly report",
      turned,
      "orders",
      "sync stock",
    ]);
    expect(await textOf("exports")).toMatch(
      /broken .* last good schedule goes on[^]*Cannot find name 'rows'/,
    );
    expect(await textOf("prices")).toContain("after 3 failures");
    expect(await textOf("orders")).toMatch(/2 missed, 1 late/);
    expect(await textOf("queue")).toContain("waits: run 3 goes on");
    expect(await textOf("queue")).toContain("not on time, since the slot ");
    expect(await tab.evaluate<unknown>("globalThis.pwned ?? null")).toBeNull();
    expect(await tab.problems(rig.origin)).toEqual([]);
  });

  test("five times, in the schedule's zone and in the reader's", async () => {
    await tab.evaluate(`${cardOf("orders")}.querySelector("summary").click()`);
    const times = await tab.evaluate<readonly (readonly string[])[]>(
      `[...${cardOf("orders")}.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent))`,
    );
    expect(times).toHaveLength(6);
    expect(times[0]?.[0]).toBe("Europe/Berlin");
    expect(times[0]?.at(-1)).toBe("starts here");
    expect(times[1]?.at(-1)).toContain(":07");
    expect(new Set(times.map((row) => row.length)).size).toBe(1);
  });

  test("the bars of slots: a run leads to itself in its database, a slot that never ran says why", async () => {
    const bars = `[...${cardOf("orders")}.querySelectorAll(".bars a")]`;
    expect(await tab.evaluate<number>(`${bars}.length`)).toBe(28);
    const missedBar = await tab.evaluate<readonly [string, boolean]>(
      `(([each]) => [each.getAttribute("aria-label"), each.hasAttribute("href")])(${bars}.filter((each) => each.className === "missed"))`,
    );
    expect(missedBar).toEqual([expect.stringMatching(/missed, the machine was off$/), false]);
    await tab.evaluate(`${bars}.at(-1).click()`);
    await tab.untilText("of its schedule", ".run-header");
    expect(await tab.place()).toMatch(/^\/db\/\d+\/runs\/26$/);
    await tab.back();
    await tab.untilText("schedules need a look");
  });

  test("a search finds by name or file", async () => {
    await tab.click("main input[type=search]");
    await tab.type("stock");
    await tab.until("document.querySelectorAll('.schedule').length === 1");
    expect(await tab.place()).toBe("/schedules?text=stock");
    await tab.go(`${rig.origin}/schedules`);
    await tab.untilText("schedules need a look");
  });

  test("a schedule is paused after a question, by a program whose output is shown", async () => {
    await tab.evaluate(`${cardOf("orders")}.querySelector(".actions button").click()`);
    await tab.untilText("Pause the schedule of orders?", "dialog");
    await tab.clickText("Pause the schedule", "dialog footer");
    await tab.untilText("schedule pause", ".job-output");
    await tab.untilText("exit 0", ".job-panel");
    const state = { kind: "paused", since: Date.now(), by: { kind: "person" } } as const;
    const paused = { ...orders(rig.folder), next: [], state };
    rig.say({ pipelines: [paused, ...others(rig.folder)] });
    await tab.until(`${cardOf("orders")}.innerText.includes("paused just now")`);
    await tab.press("Escape");
    await tab.evaluate(`${cardOf("orders")}.querySelector(".actions button").click()`);
    await tab.untilText("Resume the schedule of orders?", "dialog");
    await tab.press("Escape");
    rig.say({ pipelines: [orders(rig.folder), ...others(rig.folder)] });
    expect(await tab.problems(rig.origin)).toEqual([]);
  });

  test("a scheduler that does not look at the clock is said", async () => {
    rig.say({ health: "stalled" });
    await tab.untilText("slots do not start on time", "main");
    rig.say({ health: "healthy" });
    await tab.untilText("schedules need a look", "main");
  });

  describe.each(["light", "dark"])("%s", (theme) => {
    test.each([
      [1280, 900],
      [360, 740],
    ])("%d × %d", async (width, height) => {
      if (kept !== undefined) mkdirSync(kept, { recursive: true });
      await tab.prefer({ "prefers-color-scheme": theme, "prefers-reduced-motion": "reduce" });
      await tab.resize(width, height);
      const views = [
        ["schedules", "/schedules", `${cardOf("orders")}.querySelector("summary").click()`],
        ["all-pipelines", "/", "0"],
      ] as const;
      for (const [name, path, act] of views) {
        await tab.go(rig.origin + path);
        await tab.untilText("orders", "main");
        await tab.until("document.querySelector('.loading, .is-old') === null");
        await tab.evaluate(act);
        const picture = await tab.screenshot();
        if (kept !== undefined) {
          await Bun.write(join(kept, `${name}-${theme}-${width}.png`), picture);
        }
        expect(await tab.evaluate<readonly string[]>(widthProblems)).toEqual([]);
        expect(await tab.evaluate<readonly string[]>(notIsolated)).toEqual([]);
        expect(await tab.evaluate<number>(tooWide)).toBe(0);
      }
    });
  });
});

const file = `
import { pipeline, task } from "pipeloom";
const greet = task({ name: "greet", run: ({ name }: { name: string }) => "hello " + name });
export default pipeline({ name: "greetings", params: { name: "you" }, tasks: ({ params }) => greet(params) });
`;

describeInBrowser("before anything has run", () => {
  test("the pipelines lead to their schedules", async () => {
    await using rig = await serveRig((folder) => [
      servedPipeline(folder, "first", { next: nextOf(day) }),
    ]);
    using tab = await Tab.open(rig.link);
    await tab.untilText("Nothing has run yet", "main");
    await tab.clickText("When each runs next", "main");
    await tab.untilText("No slot has been due yet", "main");
    expect(await tab.place()).toBe("/schedules");
    // A database that is not there yet is no error, until somebody asks for its runs.
    await tab.clickText("Runs", ".bar nav");
    await tab.untilText("there is no database at", "main .failed");
  });
});

describeInBrowser("more pipelines than one page has", () => {
  test("it is said how many there are, and all can be reached", async () => {
    await using rig = await serveRig((folder) => [servedPipeline(folder, "many")]);
    addSlotRun(`${rig.folder}/many.db`, "the oldest", "done", soon - day);
    addPipelines(`${rig.folder}/many.db`, 249);
    using tab = await Tab.open(rig.link);
    await tab.untilText("1 to 200 of 250", "main nav");
    expect(await tab.text("main")).not.toContain("the oldest");
    await tab.clickText("Next →", "main nav");
    await tab.untilText("201 to 250 of 250", "main nav");
    await tab.clickText("the oldest", "main h2");
    await tab.until(
      `document.querySelector("select[aria-label=pipeline]")?.value === "the oldest"`,
    );
    await tab.until(
      `document.querySelector("select[aria-label=pipeline]").innerText.includes("50 more: see Pipelines")`,
    );
    await tab.back();
    await tab.clickText("← First page", "main nav");
    await tab.untilText("1 to 200 of 250", "main nav");
    expect(await tab.place()).toBe("/");
    expect(await tab.problems(rig.origin)).toEqual([]);
  });
});

describeInBrowser("what is started from the page of all databases", () => {
  test("runs in its own database, and its output leads there", async () => {
    await using rig = await serveRig(
      (folder) => [servedPipeline(folder, "greetings"), servedPipeline(folder, "another")],
      { own: pipeloom },
    );
    await Bun.write(`${rig.folder}/greetings.ts`, file);
    addSlotRun(`${rig.folder}/another.db`, "another", "done", soon - day);
    await run([...pipeloom, "run", "greetings.ts", "--db", "greetings.db"], rig.folder);
    using tab = await Tab.open(rig.link);
    await tab.untilText("greetings", "main");
    await tab.evaluate(
      `[...document.querySelectorAll(".pipeline")].find((each) => each.innerText.includes("greetings")).querySelector(".actions button").click()`,
    );
    await tab.until("document.querySelector('dialog .field') !== null");
    await tab.clickText("Run", "dialog footer");
    await tab.untilText("exit 0", ".job-panel");
    await tab.clickText("Run 2", ".job-panel");
    await tab.untilText("greetings", ".run-header");
    expect(await tab.place()).toMatch(/^\/db\/\d+\/runs\/2$/);
    // The same program, told in the view of its database.
    expect(await tab.text(".job-panel")).toContain("exit 0");
    expect(await tab.problems(rig.origin)).toEqual([]);
  });
});
