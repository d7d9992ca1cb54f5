import { expect, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { RunRequest } from "../../../src/protocol/run-request.ts";
import type { NextRun } from "../../../src/protocol/plan.ts";
import type { Code } from "../../../src/protocol/reruns.ts";
import { nextRun } from "../../../src/store/read/next-run.ts";
import { noReruns } from "../../../src/protocol/reruns.ts";
import { options, request, storeError, unlocked } from "../write/options.ts";
import { tempFolder } from "../write/temp-folder.ts";

function nextOf(path: string, asked: RunRequest, code: Code | undefined): NextRun {
  const next = { options: options(path), request: asked, busyHandler: unlocked };
  return nextRun(next, code && { code, parts: [] }, 0);
}

test("a file of an older version is read as it is: what is done would be kept", () => {
  using folder = tempFolder();
  const path = folder.file("old.db");
  copyFileSync(join(import.meta.dir, "../../fixtures/v2.sqlite"), path);
  const before = readFileSync(path);
  const tasks = ["list-pages", "load-page", "new"];
  const code = new Map(tasks.map((name) => [name, "now"]));
  const next = nextOf(path, request({ tasks, code: "0dd" }), code);
  expect(next).toEqual({
    kind: "continued",
    run: 1 as never,
    tasks: [
      { task: "list-pages", kept: 1, rerun: null, failed: 0 },
      { task: "load-page", kept: 1, rerun: null, failed: 0 },
      { task: "new", kept: 0, rerun: null, failed: 0 },
    ],
    reuse: [],
  });
  expect(readFileSync(path)).toEqual(before);
});

test.each([3, 4, 5, 6])(
  "version %d, which records the code: what has changed runs again",
  (version) => {
    using folder = tempFolder();
    const path = folder.file("old.db");
    copyFileSync(join(import.meta.dir, `../../fixtures/killed-v${version}.sqlite`), path);
    const asked = request({
      pipeline: "retries",
      file: "/srv/pipelines/retries.ts",
      params: "{}",
      code: "0dd",
      tasks: ["flaky", "last"],
      reruns: { ...noReruns, rerun: ["flaky"] },
    });
    const code = new Map([["flaky", "now"]]);
    const next = nextOf(path, asked, code);
    if (next.kind !== "continued") throw new Error(`Internal error: ${next.kind}`);
    const [flaky] = next.tasks;
    expect(flaky).toMatchObject({ task: "flaky", kept: 0, rerun: { reason: "asked" } });
    // It has inserted rows: without the user's word it is not repeated.
    const unasked = { ...asked, reruns: noReruns };
    expect(storeError(() => nextOf(path, unasked, code)).code).toBe("would-repeat");
  },
);

test("without a file, or without one that has runs, a new run would begin", () => {
  using folder = tempFolder();
  for (const path of [folder.file("none.db"), ":memory:"]) {
    expect(nextOf(path, request({ tasks: ["a"] }), undefined)).toEqual({
      kind: "new",
      tasks: ["a"],
      reuse: [],
    });
  }
});
