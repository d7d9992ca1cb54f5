// Runs on a damaged file give a clear error or a right result, never a hang, a crash or an internal error.

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { executable } from "../support/rig.ts";
import { CrashSite, secondsOf, seedOf, sigkill, undisturbed } from "./crash.ts";
import { below, randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

test("bytes that were flipped in the file", async () => {
  const random = randomOf(seedOf("flipped bytes"));
  const { tookMs } = await undisturbed("retries");
  using site = new CrashSite("retries");
  await site.run(sigkill(tookMs * 0.6));
  const whole = readFileSync(site.db);
  const until = performance.now() + secondsOf(8) * 1000;
  let tried = 0;
  for (; performance.now() < until; tried++) {
    site.clear();
    writeFileSync(site.db, damaged(whole, random));
    const run = await site.run();
    const seen = { code: run.code, signal: run.signal, hung: run.hung };
    expect([0, 1]).toContain(seen.code ?? -1);
    expect(run.errors).not.toContain("Internal error");
    for (const command of [["status"], ["query", "SELECT * FROM task_runs"]]) {
      const { exitCode, stderr } = Bun.spawnSync([executable, ...command, "--db", site.db], {
        stderr: "pipe",
        timeout: 30_000,
      });
      expect([0, 1, 2]).toContain(exitCode);
      expect(stderr.toString()).not.toContain("Internal error");
    }
  }
  console.log(`flipped bytes: ${tried} files`);
});

function damaged(whole: Uint8Array, random: () => number): Uint8Array {
  const bytes = whole.slice();
  const flips = 1 + below(random, 20);
  // Half of the cases flip bytes close together, as in a torn page; the others flip bytes anywhere in the file.
  const around = random() < 0.5 ? below(random, bytes.length) : undefined;
  for (let i = 0; i < flips; i++) {
    const at =
      around === undefined
        ? below(random, bytes.length)
        : (around + below(random, 4096)) % bytes.length;
    bytes[at] = below(random, 256);
  }
  return bytes;
}
