// Whatever names, inputs, errors, logs and rows hold, it is text. Nothing of it runs, and nothing of it breaks the page's width.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import { pathToFileURL } from "node:url";

import { pipeloom, run } from "../../support/program.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { describeInBrowser, notIsolated, Tab, widthProblems } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(60_000);

const image = `<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>`;

const pipeline = `
import { each, pipeline, task } from "pipeloom";
const image = ${JSON.stringify(image)};
const long = "long" + "x".repeat(10_000);
const turned = "\\u202Eturned\\u2066 \\u001b[31mred\\u001b]8;;javascript:alert(1)\\u0007link\\u001b]8;;\\u0007 </span> & &lt;";
const table = "t" + image;
const list = task({ name: "list " + image, run: () => [image, long, turned, "fine"] });
const load = task({
  name: "load " + image,
  label: ({ item }: { item: string }) => item,
  async run({ item }: { item: string }, ctx) {
    ctx.log.info(item);
    console.log(item);
    ctx.progress(1, 2, item);
    if (item !== "fine") throw Object.assign(new Error(item), { code: image, cause: new TypeError(turned) });
    await ctx.insert(table, [{ [image]: item, n: 1, "a\\"b": turned, [long.slice(0, 1900)]: long }, { [image]: image, n: 2 }], { create: true });
    return { [image]: [image, long, turned] };
  },
});
const lone = task({ name: long, run: (_: unknown, ctx) => { ctx.log.error(long); throw new Error(long); } });
export default pipeline({
  name: "pipeline " + image,
  params: { [image]: image, long, turned },
  tasks: () => [each(list({}), (item) => load({ item })), lone({})],
});
`;

const query = (params: Readonly<Record<string, string>>): string =>
  new URLSearchParams(params).toString();

const places: readonly (readonly [path: string, shown: string])[] = [
  ["/", image],
  ["/runs", image],
  [`/runs?${query({ pipeline: image })}`, image],
  [`/${encodeURIComponent(image)}`, ""],
  [`/runs/${encodeURIComponent(image)}`, `not ${image}`],
  ["/compare?a=1&b=2", image],
  [`/compare?a=${encodeURIComponent(image)}&b=2`, ""],
  ["/runs/1/tasks", image],
  ["/runs/1/timeline", ""],
  ["/runs/1/timeline?by=definition", ""],
  [`/runs/1/tasks?${query({ text: image, definition: image })}`, ""],
  ...[1, 2, 3, 4, 5, 6].map((id): [string, string] => [`/runs/1/tasks?task=${id}`, "#"]),
  ["/runs/1/graph", ""],
  ["/runs/1/failures", image],
  ["/runs/1/logs", image],
  ["/runs/1/data", image],
  [`/runs/1/data?${query({ sql: image })}`, ""],
  [`/runs/1/data?${query({ sql: `SELECT * FROM "t${image.replaceAll('"', '""')}"` })}`, "4 rows"],
];

/** What is there when a view has loaded. */
const isReady = `document.querySelector("main") !== null && document.querySelector(".loading") === null`;

describeInBrowser("hostile texts", () => {
  let folder: TempFolder;
  let ui: Ui;
  let tab: Tab;
  beforeAll(async () => {
    folder = tempFolder();
    await Bun.write(`${folder.path}/hostile.ts`, pipeline);
    for (let session = 0; session < 2; session++) {
      const { err } = await run(
        [...pipeloom, "run", "hostile.ts", "--db", "a.db", "--fresh"],
        folder.path,
      );
      if (!err.includes("failed")) throw new Error(err);
    }
    ui = await startUi(`${folder.path}/a.db`);
    tab = await Tab.open(ui.link);
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    await ui.stop();
    folder[Symbol.dispose]();
  });

  for (const width of [1280, 360]) {
    describe(`at ${width} px`, () => {
      test.each(places)("%s", async (path, shown) => {
        await tab.resize(width, 740);
        await tab.go(ui.origin + path);
        await tab.until(isReady);
        await tab.untilText(shown, "main");
        expect(
          await tab.evaluate<unknown>("[globalThis.pwned ?? null, document.images.length]"),
        ).toEqual([null, 0]);
        expect(await tab.evaluate<readonly string[]>(widthProblems)).toEqual([]);
        expect(await tab.evaluate<readonly string[]>(notIsolated)).toEqual([]);
      });
    });
  }

  test("of a long line, the part that is searched; the rest on demand", async () => {
    await tab.go(`${ui.origin}/runs/1/logs?${query({ text: "longx", level: "error" })}`);
    await tab.untilText("all 8,192 characters", ".log");
    const length = "document.querySelector('.log .error .text').innerText.length";
    expect(await tab.evaluate<number>(length)).toBeLessThan(1_100);
    await tab.evaluate("document.querySelector('.log .error button').click()");
    await tab.until(`${length} === 8192`);
  });

  test("nor in a report", async () => {
    const file = `${folder.path}/report.html`;
    await run([...pipeloom, "report", "1", "--db", "a.db", "-o", file], folder.path);
    const address = pathToFileURL(file).href;
    using report = await Tab.open(address, { width: 360 });
    for (const name of ["Graph", "Tasks", "Failures", "Logs", "Data"]) {
      await report.clickText(name, ".tabs");
      await report.until(isReady);
      expect(
        await report.evaluate<unknown>("[globalThis.pwned ?? null, document.images.length]"),
      ).toEqual([null, 0]);
      expect(await report.evaluate<readonly string[]>(widthProblems)).toEqual([]);
    }
    expect(await report.problems(address)).toEqual([]);
  });

  test("nothing of it has run, was asked for, or was refused by the policy", async () => {
    const problems = await tab.problems(ui.origin);
    // The answers to questions that are wrong on purpose.
    expect(problems.filter((line) => !/status of 40[04]/.test(line))).toEqual([]);
  });
});
