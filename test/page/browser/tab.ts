// A tab of a real browser, that notes whatever goes wrong in it: scripts that fail, what the policy of the page refuses, and each request
// that is not for the page's own server.

import { afterAll, describe } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where it is missing, the tests are skipped; `.ci/run` installs it. */
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const path = process.env["BUN_CHROME_PATH"] ?? names.map((name) => Bun.which(name)).find(Boolean);
const hasBrowser = process.platform === "linux" && typeof path === "string";

/** A block of tests that need a browser. It ends with the block. */
export function describeInBrowser(title: string, tests: () => void): void {
  describe.skipIf(!hasBrowser)(hasBrowser ? title : `${title} (needs chromium)`, () => {
    tests();
    afterAll(endBrowser);
  });
}

/** Killed, a browser leaves a folder: it has a temporary folder of its own, which is deleted. */
let folder: string | undefined;

function browser(): string {
  folder ??= mkdtempSync(join(tmpdir(), "pipeloom-browser-"));
  const start = join(folder, "chromium");
  if (!existsSync(start)) {
    writeFileSync(start, `#!/bin/sh\nTMPDIR='${folder}' exec '${path}' "$@"\n`, { mode: 0o755 });
  }
  return start;
}

/** Also of a browser that hangs. */
function endBrowser(): void {
  Bun.WebView.closeAll();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folder = undefined;
}

/** A condition that does not come true, or a browser that does not answer, fails the test with what is on the page. */
const waitMs = 20_000;
const lookEveryMs = 20;

type Options = { readonly width?: number; readonly height?: number };

/** Runs before the scripts of each document. */
const watch = `
  globalThis.seen = [];
  addEventListener("securitypolicyviolation", (event) =>
    seen.push("policy: " + event.violatedDirective + " " + event.blockedURI + " " + event.sample));
`;

export class Tab implements Disposable {
  readonly #view: Bun.WebView;
  readonly #problems: string[] = [];
  readonly #requests: string[] = [];

  private constructor({ width = 1280, height = 800 }: Options) {
    this.#view = new Bun.WebView({
      width,
      height,
      backend: {
        type: "chrome",
        url: false,
        path: browser(),
        argv: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
      },
    });
  }

  static async open(address: string, options: Options = {}): Promise<Tab> {
    const tab = await Tab.#begin(options);
    await tab.go(address);
    return tab;
  }

  /** The browser of the block before may still be ending: it takes a new tab with it, or keeps a new browser from its start. */
  static async #begin(options: Options): Promise<Tab> {
    for (const deadline = performance.now() + waitMs; ;) {
      try {
        const tab = new Tab(options);
        await answered("opening a tab", tab.#watch());
        return tab;
      } catch (error) {
        const isEnding =
          error instanceof Error && /closed the pipe|Failed to spawn/.test(error.message);
        if (!isEnding || performance.now() > deadline) throw error;
        await Bun.sleep(lookEveryMs);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#view.close();
  }

  async #watch(): Promise<void> {
    const view = this.#view;
    await view.navigate("about:blank");
    view.addEventListener<{ request: { url: string } }>("Network.requestWillBeSent", ({ data }) =>
      this.#requests.push(data.request.url),
    );
    view.addEventListener<{ entry: { level: string; text: string; url?: string } }>(
      "Log.entryAdded",
      ({ data: { entry } }) => {
        if (entry.level === "error") this.#problems.push(`${entry.text} ${entry.url ?? ""}`);
      },
    );
    view.addEventListener<{ exceptionDetails: { exception?: { description?: string } } }>(
      "Runtime.exceptionThrown",
      ({ data }) =>
        this.#problems.push(data.exceptionDetails.exception?.description ?? "an exception"),
    );
    view.addEventListener<{ type: string; args: readonly { value?: unknown }[] }>(
      "Runtime.consoleAPICalled",
      ({ data: { type, args } }) =>
        this.#problems.push(`console.${type} ${args.map(({ value }) => value).join(" ")}`),
    );
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await view.cdp(`${domain}.enable`);
    await view.cdp("Page.addScriptToEvaluateOnNewDocument", { source: watch });
  }

  go(address: string): Promise<void> {
    return answered(`going to ${address}`, this.#view.navigate(address));
  }

  /** @param expression of JavaScript; its value comes back as JSON */
  evaluate<T>(expression: string): Promise<T> {
    return answered(expression, this.#view.evaluate<T>(expression));
  }

  /** The first value of the expression that is true. */
  async until<T = unknown>(expression: string, what: string = expression): Promise<T> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const value = await this.evaluate<T>(expression);
      if (value) return value;
      if (performance.now() > deadline) {
        throw new Error(`in vain: ${what}; the page:\n${await this.text("body")}`);
      }
      await Bun.sleep(lookEveryMs);
    }
  }

  untilText(text: string, selector = "body"): Promise<unknown> {
    const element = `document.querySelector(${JSON.stringify(selector)})`;
    return this.until(
      `${element}?.innerText.includes(${JSON.stringify(text)}) === true`,
      `"${text}" in ${selector}`,
    );
  }

  text(selector: string): Promise<string> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`);
  }

  /** A click of a person, at the place of the element. */
  click(selector: string): Promise<void> {
    return answered(`clicking ${selector}`, this.#view.click(selector, { timeout: waitMs }));
  }

  /** Clicks the link or button with this text, as far as it can be scrolled to. */
  async clickText(text: string, within = "body"): Promise<void> {
    const found = `[...document.querySelectorAll(${JSON.stringify(`${within} a, ${within} button, ${within} summary`)})]
      .find((each) => !each.disabled && each.innerText.trim().startsWith(${JSON.stringify(text)}))`;
    await this.until(`${found} !== undefined`, `something to click with "${text}"`);
    await this.evaluate(
      `(() => { document.querySelectorAll("[data-click]").forEach((each) => delete each.dataset.click);
         const found = ${found};
         found.dataset.click = "";
         found.scrollIntoView({ block: "nearest", inline: "nearest" }); })()`,
    );
    await this.click("[data-click]");
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await answered(`pressing ${key}`, this.#view.press(key));
  }

  type(text: string): Promise<void> {
    return answered("typing", this.#view.type(text));
  }

  resize(width: number, height: number): Promise<void> {
    return answered("resizing", this.#view.resize(width, height));
  }

  /** Within the page: nothing is loaded, so WebView's own method would wait for ever. */
  back(): Promise<unknown> {
    return this.evaluate("history.back()");
  }

  cdp<T>(method: string, params: Readonly<Record<string, unknown>>): Promise<T> {
    return answered(method, this.#view.cdp<T>(method, params));
  }

  /** As the system's settings say. */
  prefer(features: Readonly<Record<string, string>>): Promise<unknown> {
    const list = Object.entries(features).map(([name, value]) => ({ name, value }));
    return this.cdp("Emulation.setEmulatedMedia", { features: list });
  }

  async screenshot(): Promise<Uint8Array> {
    return new Uint8Array(
      await answered("a screenshot", this.#view.screenshot({ encoding: "buffer" })),
    );
  }

  /** The address without its server. */
  place(): Promise<string> {
    return this.evaluate("location.pathname + location.search");
  }

  /** What has gone wrong, and requests for another server than `origin`. */
  async problems(origin: string): Promise<readonly string[]> {
    const refused = await this.evaluate<readonly string[]>("globalThis.seen ?? []");
    const foreign = this.#requests.filter((url) => !`${url}/`.startsWith(`${origin}/`));
    return [...this.#problems, ...refused, ...foreign.map((url) => `request for ${url}`)];
  }

  get requests(): readonly string[] {
    return this.#requests;
  }
}

/** @throws Error where the browser does not answer */
async function answered<T>(what: string, answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`the browser does not answer: ${what.slice(0, 200)}`)),
    2 * waitMs,
  );
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** An expression: the elements that make the page wider than its window; wide content scrolls inside of its card. */
export const widthProblems = `(() => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return [];
  const wide = [...document.querySelectorAll("body *")].filter((each) => {
    if (each.getBoundingClientRect().right <= most + 1) return false;
    for (let box = each.parentElement; box !== null && box !== document.body; box = box.parentElement)
      if (getComputedStyle(box).overflowX !== "visible") return false;
    return true;
  });
  return wide.map((each) => each.tagName + "." + (each.getAttribute("class") ?? "") + " " + each.textContent.slice(0, 40));
})()`;

/** Elements with text in which a right-to-left mark would turn round what is beside them. */
export const notIsolated = `[...document.querySelectorAll("main *")]
  .filter((each) => each.innerText && !/^(isolate|plaintext)/.test(getComputedStyle(each).unicodeBidi))
  .filter((each) => getComputedStyle(each).display.startsWith("inline"))
  .map((each) => each.tagName + "." + each.className)`;
