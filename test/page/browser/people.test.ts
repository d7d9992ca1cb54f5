// Who cannot use a mouse, sees little contrast, or is made dizzy by what moves.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { type Shop, shopAfterTwoRuns } from "./shop.ts";
import { describeInBrowser, Tab } from "./tab.ts";
import { startUi, type Ui } from "./ui-process.ts";

setDefaultTimeout(60_000);

/** An expression: what has the focus, as a person would call it. */
const focused = `(() => {
  const { activeElement: at } = document;
  return (at.ariaLabel ?? at.innerText ?? at.tagName).trim().split("\\n")[0];
})()`;

/** An expression: whether what has the focus is seen to have it. */
const isFocusSeen = `document.activeElement.matches(":focus-visible") &&
  getComputedStyle(document.activeElement).outlineStyle !== "none"`;

/** Functions for expressions. The contrast of two colours is that of WCAG 2.1. */
const colours = `
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((each, i) => each * a + below[i] * (1 - a));
  const light = (colour) => {
    const [r, g, b] = colour.map((each) => (each /= 255) <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [a, b] = [light(one), light(other)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
`;

/** An expression: each text whose contrast with what is behind it is below 4.5, but for what is disabled and for drawings. */
const faintTexts = `(() => {
  ${colours}
  const behind = (element) => {
    const layers = [];
    for (let at = element; at !== null; at = at.parentElement) layers.unshift(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() === "" || !element.checkVisibility() || element.closest("svg, :disabled, script, option") !== null) continue;
    const { color } = getComputedStyle(element);
    const back = behind(element);
    const measured = contrast(over(rgba(color), back), back);
    if (measured < 4.5) found.add(measured.toFixed(2) + " " + color + " " + node.data.trim().slice(0, 30));
  }
  return [...found];
})()`;

/** An expression: the tokens for text that are too faint on one of the surfaces. */
const faintTokens = `(() => {
  ${colours}
  const probe = document.body.appendChild(document.createElement("i"));
  const token = (name) => {
    probe.style.color = "var(--" + name + ")";
    return rgba(getComputedStyle(probe).color).slice(0, 3);
  };
  const statuses = ["done", "error", "running", "queued", "skipped", "cancelled", "interrupted"];
  const found = ["text", "text-soft", "accent", "cyan", ...statuses].flatMap((text) =>
    ["surface", "raised", "sunken", "hover"].map((back) => [text, back, contrast(token(text), token(back))]));
  probe.remove();
  return found.filter(([, , measured]) => !(measured >= 4.5)).map(([text, back, measured]) => text + " on " + back + " " + measured.toFixed(2));
})()`;

const places = [
  "/",
  "/runs?order=failed",
  "/compare?a=1&b=2",
  "/runs/1/timeline",
  "/runs/1/graph",
  "/runs/1/tasks?task=7",
  "/runs/1/failures",
  "/runs/1/logs",
  "/runs/1/data?sql=SELECT+*+FROM+orders",
  "/runs/1/data?sql=SELECT+x",
  "/runs/77",
];

describeInBrowser("the page for everybody", () => {
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

  for (const theme of ["light", "dark"]) {
    test.each(places)(`each text can be read: ${theme}, %s`, async (place) => {
      await tab.prefer({ "prefers-color-scheme": theme });
      await tab.go(ui.origin + place);
      await tab.until("document.querySelector('main') !== null");
      await tab.until("document.querySelector('.loading, .is-old') === null");
      expect(await tab.evaluate<readonly string[]>(faintTexts)).toEqual([]);
    });
  }

  test.each(["light", "dark"])(
    "each colour of a text can be read on each surface: %s",
    async (theme) => {
      await tab.prefer({ "prefers-color-scheme": theme });
      expect(await tab.evaluate<readonly string[]>(faintTokens)).toEqual([]);
      // The measure sees what is too faint.
      await tab.evaluate(
        "document.documentElement.style.setProperty('--text-soft', 'var(--line-strong)')",
      );
      expect(await tab.evaluate<readonly string[]>(faintTokens)).not.toEqual([]);
      expect(await tab.evaluate<readonly string[]>(faintTexts)).not.toEqual([]);
      await tab.evaluate("document.documentElement.removeAttribute('style')");
    },
  );

  test("each control has a name", async () => {
    const nameless = `[...document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex='0'], [role=img]")]
      .filter((each) => !(each.ariaLabel || each.innerText?.trim() || each.labels?.length || each.textContent.trim()))
      .map((each) => each.outerHTML.slice(0, 120))`;
    for (const place of places) {
      await tab.go(ui.origin + place);
      await tab.until("document.querySelector('main') !== null");
      await tab.until("document.querySelector('.loading, .is-old') === null");
      expect(await tab.evaluate<readonly string[]>(nameless)).toEqual([]);
    }
  });

  test("by keys alone: to a run, one of its tasks, and back", async () => {
    await tab.go(`${ui.origin}/`);
    await tab.untilText("1 of 2");
    await tab.press("Tab");
    expect(await tab.evaluate<string>(focused)).toBe("Skip to the content");
    await tab.press("Enter", "Tab");
    expect(await tab.evaluate<string>(focused)).toBe("shop");
    expect(await tab.evaluate<boolean>(isFocusSeen)).toBe(true);
    await tab.press("g", "r");
    await tab.until("location.pathname === '/runs'");
    await tab.untilText("12 of 15");
    await tab.press("/");
    expect(await tab.evaluate<string>(focused)).toBe("pipeline");
    await tab.evaluate("document.activeElement.blur()");
    await tab.press("?");
    await tab.until("document.querySelector('dialog[open]') !== null");
    await tab.press("Escape");
    await tab.until("document.querySelector('dialog[open]') === null");
    await tab.go(`${ui.origin}/runs/1/tasks`);
    await tab.untilText("15 tasks");
    await tab.evaluate("document.querySelector('.task-list').focus()");
    await tab.press("ArrowDown", "ArrowDown");
    await tab.until("location.search === '?task=2'");
    await tab.untilText("report", ".drawer");
    await tab.press("Escape");
    await tab.until("document.querySelector('.drawer') === null");
    await tab.press("t");
    await tab.until("document.documentElement.dataset.theme === 'light'");
    await tab.press("t", "t");
    await tab.until("document.documentElement.dataset.theme === undefined");
  });

  test("whoever wants less motion gets none", async () => {
    const moving = `document.getAnimations().length +
      [...document.querySelectorAll("*")].filter((each) => parseFloat(getComputedStyle(each).transitionDuration) > 0).length`;
    await tab.prefer({ "prefers-reduced-motion": "reduce" });
    for (const place of places) {
      await tab.go(ui.origin + place);
      await tab.until("document.querySelector('main') !== null");
      expect(await tab.evaluate<number>(moving)).toBe(0);
    }
  });
});
