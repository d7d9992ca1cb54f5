// Every view and tab, as a person goes through them.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { type Shop, shopAfterTwoRuns } from "./shop.ts";
import { describeInBrowser, Tab } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(60_000);

describeInBrowser("the page", () => {
  let shop: Shop;
  let ui: Ui;
  let tab: Tab;
  beforeAll(async () => {
    shop = await shopAfterTwoRuns();
    ui = await startUi(shop.db);
    tab = await Tab.open(ui.link);
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    await ui.stop();
    shop[Symbol.dispose]();
  });

  test("the token is not in the address that is shown, nor in its history, and a second use of the link is refused", async () => {
    expect(await tab.evaluate<string>("location.href")).toBe(`${ui.origin}/`);
    expect(await tab.evaluate<number>("history.length")).toBeLessThanOrEqual(2);
    using second = await Tab.open(ui.link);
    await second.untilText("this address was used already");
  });

  test("another tab of the browser needs no link, and shows the same", async () => {
    using second = await Tab.open(`${ui.origin}/runs/1`);
    await second.untilText("live", ".bar .live");
    await second.untilText("run 1", "h1");
    expect(await second.problems(ui.origin)).toEqual([]);
  });

  test("pipelines, runs, two runs compared", async () => {
    await tab.untilText("1 of 2");
    await tab.clickText("Runs", ".bar nav");
    await tab.until("document.querySelectorAll('tbody tr').length === 2");
    for (const row of [1, 2]) await tab.click(`tbody tr:nth-child(${row}) input[type=checkbox]`);
    await tab.clickText("Compare runs 1 and 2");
    await tab.untilText("load-order");
    expect(await tab.text("main")).toMatch(/orders\s+12\s+3/);
    expect(await tab.place()).toBe("/compare?a=1&b=2");
    await tab.back();
    await tab.untilText("Failed first");
    await tab.clickText("Failed first");
    await tab.until("location.search === '?order=failed'");
    expect(await tab.problems(ui.origin)).toEqual([]);
  });

  test("the tasks of a run, one of them with its error first, and the failures", async () => {
    await tab.go(`${ui.origin}/runs/1/tasks`);
    await tab.untilText("15 tasks");
    await tab.clickText("failed 2");
    await tab.untilText("2 tasks");
    await tab.clickText("load-order");
    await tab.untilText("order 3 has no customer", ".drawer");
    const drawer = await tab.text(".drawer");
    expect(drawer.indexOf("has no customer")).toBeLessThan(drawer.indexOf("Input"));
    expect(drawer).toContain("Earlier attempts");
    expect(drawer).toContain('{"id":3}');
    await tab.untilText("order 3 begins", ".drawer");
    await tab.press("Escape");
    await tab.until("document.querySelector('.drawer') === null");
    await tab.clickText("Failures", ".tabs");
    await tab.untilText("has no customer");
    expect(await tab.text("main")).toContain("2 tasks");
    expect(await tab.problems(ui.origin)).toEqual([]);
  });

  test("a count of failed tasks leads to these, and an address with a time that is none to a list", async () => {
    await tab.go(`${ui.origin}/runs/1?by=definition&failed=1`);
    await tab.untilText("load-order", ".timeline-names");
    await tab.click("[aria-label='zoom in']");
    await tab.until("location.search.includes('from=')");
    await tab.clickText("load-order", ".timeline-names");
    await tab.untilText("2 tasks", ".about");
    await tab.go(`${ui.origin}/runs/1/tasks?from=abc&to=5`);
    await tab.untilText("0 tasks", ".about");
    expect(await tab.problems(ui.origin)).toEqual([]);
  });

  test("the graph, the log and its search", async () => {
    await tab.clickText("Graph", ".tabs");
    await tab.until("document.querySelector('main svg') !== null");
    expect(await tab.evaluate<string>("document.querySelector('main svg').textContent")).toContain(
      "load-order",
    );
    await tab.clickText("Logs", ".tabs");
    await tab.untilText("counting", ".log");
    // ANSI colours are colours, and no text of the line.
    expect(await tab.text(".log")).toContain("listing green\n");
    await tab.click("main input[type=search]");
    await tab.type("order 3");
    await tab.until("location.search.includes('order+3')");
    await tab.until("document.querySelectorAll('.log .line').length === 2");
    expect(await tab.problems(ui.origin)).toEqual([]);
  });

  test("the tables, SQL that reads, its plot, and SQL that would write", async () => {
    await tab.clickText("Data", ".tabs");
    await tab.clickText("orders", "main table");
    await tab.untilText("10 rows", ".sql");
    await tab.clickText("Plot", ".sql");
    await tab.until("document.querySelector('.sql .plot canvas') !== null");
    await tab.evaluate("document.querySelector('textarea').select()");
    await tab.type("SELECT 1 AS x, 1 AS y UNION ALL SELECT 2, 1234567890123");
    await tab.clickText("Run", ".sql");
    // The numbers at the left have room: 1,200,000,000,000.
    await tab.until("document.querySelector('.sql .u-over')?.offsetLeft > 17 * 7");
    await tab.evaluate("document.querySelector('textarea').select()");
    await tab.type("DELETE FROM orders");
    await tab.clickText("Run", ".sql");
    await tab.until("document.querySelector('.sql .failed') !== null");
    expect(await tab.problems(ui.origin)).toEqual([expect.stringContaining("400")]);
  });
});
