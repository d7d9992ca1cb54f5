// Power cuts, replayed from recorded file operations: everything announced is in the file, and the next run continues.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";

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
import { cutPower, type Operation, readTrace } from "../../src/prove/power-cut.ts";

setDefaultTimeout(24 * 3_600_000);

const cases: readonly (readonly [PipelineName, readonly string[]])[] = [
  ["messages", []],
  ["messages", ["--no-wal"]],
  ["rows", []],
  ["fan-out", ["--no-wal"]],
];

describe.skipIf(!canPreload)("a power cut", () => {
  test.each(cases)("%s %p", async (pipeline, flags) => {
    const random = randomOf(seedOf(`power cuts, ${pipeline} ${flags.join(" ")}`));
    const { answer } = await undisturbed(pipeline, flags);
    using recorded = new CrashSite(pipeline, flags);
    const shim = buildShim(recorded.path);
    const whole = await recorded.run(undefined, {
      LD_PRELOAD: shim,
      CRASH_SHIM: shim,
      CRASH_MATCH: recorded.path,
      CRASH_TRACE: recorded.file("trace"),
    });
    expect(whole.code).toBe(0);
    const operations = readTrace(recorded.file("trace"));
    const first = operations.findIndex(({ type }) => type === "sync");
    const until = performance.now() + secondsOf(8) * 1000;
    let cuts = 0;
    for (; performance.now() < until; cuts++) {
      const at = first + 1 + below(random, operations.length - first);
      using site = new CrashSite(pipeline, flags);
      const files = cutPower(new Map(), operations.slice(0, at), recorded.folderName, random);
      for (const [file, bytes] of files) writeFileSync(site.file(file), bytes);
      if (!site.exists) continue;
      expect([at, ...lost(operations.slice(0, at), site)]).toEqual([at]);
      if (!site.isOver) {
        const { code, errors, hung } = await site.run();
        expect({ at, code, errors, hung }).toEqual({ at, code: 0, errors: "", hung: false });
      }
      expect([at, ...difference(answer, site.answer())]).toEqual([at]);
    }
    console.log(`power cuts: ${cuts} of a trace of ${operations.length} operations`);
  });
});

/** Tasks that were announced as done but are not `done` in the file. */
function lost(operations: readonly Operation[], site: CrashSite): string[] {
  const done = site.done();
  return operations.flatMap((operation) =>
    operation.type === "note" &&
    operation.text.startsWith("done ") &&
    !done.has(Number(operation.text.slice("done ".length)))
      ? [operation.text]
      : [],
  );
}
