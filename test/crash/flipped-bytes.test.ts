// Runs on a damaged file give a clear error or a right result, never a hang, a crash or an internal error.

import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { executable } from "../support/rig.ts";
import { CrashSite, difference, secondsOf, seedOf, sigkill, undisturbed } from "./crash.ts";
import { below, randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

test.each([
  ["crash.db", ["--no-wal"]],
  ["crash.db-wal", []],
])("bytes that were flipped in %s", async (name, flags) => {
  const random = randomOf(seedOf(`flipped bytes, ${name}`));
  const { answer, tookMs } = await undisturbed("retries", flags);
  using site = new CrashSite("retries", flags);
  const until = performance.now() + secondsOf(8) * 1000;
  let tried = 0;
  while (performance.now() < until) {
    const files = await killedHalfway(site, name, tookMs, random);
    for (let i = 0; i < 10; i++, tried++) {
      site.clear();
      for (const [file, bytes] of files) {
        writeFileSync(site.file(file), file === name ? damaged(bytes, random) : bytes);
      }
      const { code, hung, errors } = await site.run();
      expect({ hung, errors }).toEqual({
        hung: false,
        errors: expect.not.stringMatching(internal),
      });
      // 2: the fingerprint of a task is damaged, and the run asks whether the task may run again.
      expect([0, 1, 2], errors).toContain(code ?? -1);
      // The checksums of a write-ahead log tell which of it is whole.
      if (name.endsWith("-wal") && code === 0) {
        expect(difference(answer, site.answer())).toEqual([]);
      }
      look(site);
    }
  }
  console.log(`flipped bytes: ${tried} files`);
});

const internal = /Internal error/;

/** The files of a run that has committed tasks and is not over. */
async function killedHalfway(
  site: CrashSite,
  name: string,
  tookMs: number,
  random: () => number,
): Promise<ReadonlyMap<string, Uint8Array>> {
  for (;;) {
    site.clear();
    await site.run(sigkill(random() * tookMs));
    if (site.isOver || !existsSync(site.file(name)) || site.done().size === 0) continue;
    const names = ["crash.db", "crash.db-wal", "crash.db-journal"];
    const left = names.filter((file) => existsSync(site.file(file)));
    return new Map(left.map((file) => [file, readFileSync(site.file(file))]));
  }
}

function look(site: CrashSite): void {
  for (const command of [["status"], ["query", "SELECT * FROM task_runs"]]) {
    const { exitCode, stderr } = Bun.spawnSync([executable, ...command, "--db", site.db], {
      stderr: "pipe",
      timeout: 30_000,
    });
    expect([0, 1, 2]).toContain(exitCode);
    expect(stderr.toString()).not.toMatch(internal);
  }
}

function damaged(whole: Uint8Array, random: () => number): Uint8Array {
  // Not `slice`: that of a Buffer shares its memory.
  const bytes = new Uint8Array(whole);
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
