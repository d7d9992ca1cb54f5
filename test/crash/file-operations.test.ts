// SIGKILL directly after SQLite's n-th operation on the database's files, for every n or a sample of n.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  buildShim,
  canPreload,
  CrashSite,
  difference,
  type PipelineName,
  secondsOf,
  seedOf,
  undisturbed,
} from "./crash.ts";
import { below, randomOf } from "./random.ts";
import { readTrace } from "../../src/prove/power-cut.ts";

setDefaultTimeout(24 * 3_600_000);

const cases: readonly (readonly [PipelineName, readonly string[]])[] = [
  ["messages", []],
  ["messages", ["--no-wal"]],
  ["retries", []],
  ["fan-out", ["--no-wal"]],
  ["failures", []],
  ["programs", ["--durability", "normal"]],
];

describe.skipIf(!canPreload)("a kill after each file operation", () => {
  test.each(cases)("%s %p", async (pipeline, flags) => {
    const random = randomOf(seedOf(`file operations, ${pipeline} ${flags.join(" ")}`));
    const { answer, code: wanted } = await undisturbed(pipeline, flags);
    using site = new CrashSite(pipeline, flags);
    const shim = buildShim(site.path);
    const preload = { LD_PRELOAD: shim, CRASH_MATCH: "/crash.db" };
    await site.run(undefined, { ...preload, CRASH_TRACE: site.file("trace") });
    const total = readTrace(site.file("trace")).filter(({ type }) => type !== "note").length;
    const until = performance.now() + secondsOf(6) * 1000;
    const tried = new Set<number>();
    while (performance.now() < until && tried.size < total) {
      const at = 1 + below(random, total);
      if (tried.has(at)) continue;
      tried.add(at);
      site.clear();
      const first = await site.run(undefined, { ...preload, CRASH_AT: String(at) });
      expect(first.hung, `hangs before operation ${at}`).toBe(false);
      expect([at, ...(await site.survivors())]).toEqual([at]);
      // The number of operations varies between runs, so a run may end before its n-th operation.
      if (first.code === null && !site.isOver) {
        const { code, errors } = await site.run();
        expect({ at, code, errors: wanted === 0 ? errors : "" }).toEqual({
          at,
          code: wanted,
          errors: "",
        });
        expect(site.leftovers()).toEqual([]);
      }
      expect([at, ...difference(answer, site.answer())]).toEqual([at]);
    }
    console.log(`file operations: ${tried.size} of ${total} tried`);
  });
});
