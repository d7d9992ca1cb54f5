// Databases with a run that was killed under an older version: opened, migrated and continued, also if that is killed, or loses
// power, after any of its file operations.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cutPower, type Operation, readTrace } from "../../src/prove/power-cut.ts";
import {
  type Answer,
  buildShim,
  canPreload,
  CrashSite,
  difference,
  secondsOf,
  seedOf,
  undisturbed,
} from "./crash.ts";
import { below, randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

const fixtures = join(import.meta.dir, "../fixtures");

/** The pipeline `retries`, killed halfway by the pipeloom of that version. */
const stored = (version: number): string => join(fixtures, `killed-v${version}.sqlite`);

const versions = readdirSync(fixtures)
  .flatMap((name) => /^killed-v(\d+)\.sqlite$/.exec(name)?.[1] ?? [])
  .map(Number);

/** Seconds of each kind: each further version would make CI longer. */
const together = 24;

/** The stored run is of a file elsewhere, and of the code as it was then. */
const newSite = (): CrashSite =>
  new CrashSite("retries", ["--resume", "--keep", "flaky", "--keep", "last"]);

/** Half of the moments are in the first operations: the migration is there. */
const moment = (random: () => number, total: number): number =>
  1 + below(random, random() < 0.5 ? Math.min(total, 60) : total);

async function expectContinued(site: CrashSite, answer: Answer, at: number): Promise<void> {
  if (!site.isOver) {
    const { code, errors, hung } = await site.run();
    expect({ at, code, errors, hung }).toEqual({ at, code: 0, errors: "", hung: false });
    expect(site.leftovers()).toEqual([]);
  }
  expect([at, ...difference(answer, site.answer())]).toEqual([at]);
}

describe.skipIf(!canPreload)("a run that was killed under version", () => {
  test.each(versions)("%d, continued and killed after each file operation", async (version) => {
    const random = randomOf(seedOf(`kills over version ${version}`));
    const { answer } = await undisturbed("retries");
    using site = newSite();
    const env = { LD_PRELOAD: buildShim(site.path), CRASH_MATCH: "/crash.db" };
    const until = performance.now() + secondsOf(together / versions.length) * 1000;
    let kills = 0;
    for (let total = 500; performance.now() < until; kills++) {
      site.load(stored(version));
      const at = moment(random, total);
      const { hung, code } = await site.run(undefined, { ...env, CRASH_AT: String(at) });
      expect(hung).toBe(false);
      if (code !== null) total = Math.min(total, at);
      await expectContinued(site, answer, at);
    }
    console.log(`kills over version ${version}: ${kills}`);
  });

  test.each(versions)("%d, continued and cut from power", async (version) => {
    const random = randomOf(seedOf(`power cuts over version ${version}`));
    const { answer } = await undisturbed("retries");
    using recorded = newSite();
    recorded.load(stored(version));
    const before = new Map([["crash.db", readFileSync(stored(version))]]);
    const operations = await trace(recorded);
    const until = performance.now() + secondsOf(together / versions.length) * 1000;
    let cuts = 0;
    for (; performance.now() < until; cuts++) {
      const at = moment(random, operations.length);
      using site = newSite();
      const files = cutPower(before, operations.slice(0, at), recorded.folderName, random);
      for (const [file, bytes] of files) writeFileSync(site.file(file), bytes);
      await expectContinued(site, answer, at);
    }
    console.log(`power cuts over version ${version}: ${cuts}`);
  });
});

/** The operations of an undisturbed session. */
async function trace(site: CrashSite): Promise<Operation[]> {
  const shim = buildShim(site.path);
  const path = site.file("trace");
  const env = { LD_PRELOAD: shim, CRASH_SHIM: shim, CRASH_MATCH: site.path, CRASH_TRACE: path };
  expect((await site.run(undefined, env)).code).toBe(0);
  return readTrace(path);
}
