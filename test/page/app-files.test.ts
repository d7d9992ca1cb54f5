import { expect, test } from "bun:test";

import { packApp, unpackApp } from "../../src/page/app-files.ts";
import { pageDocument } from "../../src/page/document.ts";

test("an app survives packing", () => {
  const app = { script: 'alert("é")', style: "a { color: red }" };
  expect(unpackApp(packApp(app, 1))).toEqual(app);
});

test("the policy of the document names its script and style, and nothing else may run", () => {
  const { policy } = pageDocument({ script: "1", style: "2" }, "title");
  expect(policy).toStartWith("default-src 'none'; script-src 'sha256-");
  expect(policy).not.toContain("unsafe");
});

test("nothing in the data of a report can end its element", () => {
  const embedded = { "/data/runs": "</script><script>alert(1)</script><!--" };
  const { html } = pageDocument({ script: "1", style: "2" }, "a <b> & c", embedded);
  expect(html).not.toContain("alert(1)</script>");
  expect(html).not.toContain("<!--");
  expect(html).toContain("<title>a &#60;b&#62; &#38; c</title>");
  const [, data] = /id="embedded">(.*?)<\/script>/.exec(html) ?? [];
  expect(JSON.parse(data ?? "")).toEqual(embedded);
});
