// How each view looks, in both themes and two widths: not blank, drawn to its edges, in the colours of its theme. The pictures are for
// eyes: PIPELOOM_SCREENSHOTS=folder keeps them.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { type Shop, shopAfterTwoRuns } from "./shop.ts";
import { describeInBrowser, Tab, widthProblems } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(60_000);

const kept = process.env["PIPELOOM_SCREENSHOTS"];

const views: readonly (readonly [name: string, path: string, shown: string])[] = [
  ["pipelines", "/", "1 of 2"],
  ["runs", "/runs", "12 of 15"],
  ["compare", "/compare?a=1&b=2", "Change"],
  ["timeline", "/runs/1", "Workers"],
  ["timeline-definitions", "/runs/1/timeline?by=definition", "Definitions"],
  ["graph", "/runs/1/graph", "load-order"],
  ["tasks", "/runs/1/tasks", "15 tasks"],
  ["task", "/runs/1/tasks?status=error&task=5", "Input"],
  ["failures", "/runs/1/failures", "no customer"],
  ["logs", "/runs/1/logs", "counting"],
  ["data", "/runs/1/data?sql=SELECT+day,+price,+id+FROM+orders+ORDER+BY+day", "10 rows"],
  ["nothing", "/runs/77", "no run 77"],
];

const sizes: readonly (readonly [width: number, height: number])[] = [
  [1280, 800],
  [360, 740],
];

describeInBrowser("looks", () => {
  let shop: Shop;
  let ui: Ui;
  let tab: Tab;
  beforeAll(async () => {
    if (kept !== undefined) mkdirSync(kept, { recursive: true });
    shop = await shopAfterTwoRuns();
    failAtTheEnd(shop.db);
    ui = await startUi(shop.db);
    tab = await Tab.open(ui.link);
  });
  afterAll(async () => {
    tab[Symbol.dispose]();
    await ui.stop();
    shop[Symbol.dispose]();
  });

  for (const theme of ["light", "dark"]) {
    describe.each(sizes)(`${theme}, %d × %d`, (width, height) => {
      test.each(views)("%s", async (name, path, shown) => {
        await tab.prefer({ "prefers-color-scheme": theme, "prefers-reduced-motion": "reduce" });
        await tab.resize(width, height);
        await tab.go(ui.origin + path);
        await tab.untilText(shown, "main");
        await tab.until("document.querySelector('.loading, .is-old') === null");
        const picture = await tab.screenshot();
        if (kept !== undefined)
          await Bun.write(join(kept, `${name}-${theme}-${width}.png`), picture);
        expect(await tab.evaluate<readonly string[]>(widthProblems)).toEqual([]);
        const { size, surface, distinct } = await tab.evaluate<Colours>(coloursOf(picture));
        expect(size).toEqual([width, height]);
        // The most frequent colour is a surface of the theme: white text on black is another page.
        expect(theme === "dark" ? 255 - surface : surface).toBeGreaterThan(200);
        expect(distinct).toBeGreaterThan(20);
      });
    });
  }

  test("states keep their colours where the system forces its own", async () => {
    await tab.resize(1280, 800);
    await tab.prefer({ "forced-colors": "active" });
    for (const [path, parts] of [
      ["/", ".bars i"],
      ["/runs", ".counts-bar span"],
      ["/runs/1", ".timeline-notes i"],
    ] as const) {
      await tab.go(ui.origin + path);
      await tab.until(`document.querySelector("${parts}") !== null`);
      const colours = `new Set([...document.querySelectorAll("${parts}")].map((each) => getComputedStyle(each).backgroundColor)).size`;
      expect(await tab.evaluate<number>(colours)).toBeGreaterThan(1);
    }
    // Reddish pixels: those of failed tasks. The canvas is drawn with the next frame.
    await tab.until(`(() => {
      const { width, height } = document.querySelector("canvas");
      const { data } = document.querySelector("canvas").getContext("2d").getImageData(0, 0, width, height);
      return data.some((red, i) => i % 4 === 0 && red > data[i + 1] + 80);
    })()`);
  });
});

/** The failures of the first run have 0 ms, after a time in which nothing ran: those are seen, too. */
function failAtTheEnd(path: string): void {
  using db = new Database(path);
  db.run(
    `UPDATE task_runs SET (started_at, finished_at) = (SELECT later, later FROM
      (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', max(finished_at), '+1 second') AS later FROM task_runs WHERE run_id = 1))
    WHERE run_id = 1 AND status = 'error'`,
  );
}

type Colours = {
  readonly size: readonly [number, number];
  /** Brightness of the most frequent colour, 0..255. */
  readonly surface: number;
  /** How many colours there are. */
  readonly distinct: number;
};

/** An expression. The browser decodes its own picture: the page's policy lets bytes be decoded that nothing loads. */
const coloursOf = (png: Uint8Array): string => `(async () => {
  const bytes = Uint8Array.from(atob(${JSON.stringify(Buffer.from(png).toString("base64"))}), (each) => each.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (let i = 0; i < pixels.length; i += 7) counts.set(pixels[i], (counts.get(pixels[i]) ?? 0) + 1);
  const [[most]] = [...counts].toSorted((a, b) => b[1] - a[1]);
  const surface = Math.round(((most & 255) + ((most >> 8) & 255) + ((most >> 16) & 255)) / 3);
  return { size: [image.width, image.height], surface, distinct: counts.size };
})()`;
