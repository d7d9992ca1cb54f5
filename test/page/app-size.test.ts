// What the page costs: each report has all of it inside, and so has the executable.

import { expect, test } from "bun:test";

import { bundleApp } from "../../.github/release/page/bundle-app.ts";
import { packApp } from "../../src/page/app-files.ts";

const most = 200_000;

test("script and style have 200 kB at most, and load nothing", async () => {
  const app = await bundleApp();
  const { script, style } = app;
  expect(Buffer.byteLength(script) + Buffer.byteLength(style)).toBeLessThan(most);
  expect(packApp(app, 19).byteLength).toBeLessThan(most / 2.5);
  expect(style).not.toMatch(/@import|url\(/);
  // A namespace of XML is a name.
  expect(script.match(/https?:\/\/[^"'`\s]+/g)?.filter((url) => !isName(url)) ?? []).toEqual([]);
});

const isName = (url: string): boolean => /^http:\/\/(?:www\.w3\.org\/|page$)/.test(url);
