// Repeated SIGKILL at random moments until the run is done: no row is lost, and no row is stored twice.

import { expect, setDefaultTimeout, test } from "bun:test";
import { CrashSite, difference, pipelines, secondsOf, seedOf, undisturbed } from "./crash.ts";
import { randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

test.skipIf(process.platform === "win32")(
  "killed at random, a run leaves what an undisturbed one leaves",
  async () => {
    const random = randomOf(seedOf("random kills"));
    const until = performance.now() + secondsOf(30) * 1000;
    const references = new Map<string, Awaited<ReturnType<typeof undisturbed>>>();
    let kills = 0;
    let cycles = 0;
    do {
      for (const pipeline of pipelines) {
        const flags = random() < 0.3 ? ["--no-wal"] : [];
        const key = `${pipeline} ${flags.join(" ")}`;
        const reference = references.get(key) ?? (await undisturbed(pipeline, flags));
        references.set(key, reference);
        using site = new CrashSite(pipeline, flags);
        let end = await site.run(random() * reference.tookMs);
        for (; end.code === null && !site.isOver; kills++) {
          // Let every sixth run end: a run that needs longer than each kill's delay would never be done.
          const patience = kills % 6 === 5 ? undefined : random() * reference.tookMs * 1.2;
          end = await site.run(patience);
          expect(end.hung, `${key} hangs`).toBe(false);
        }
        const { code, errors } = end;
        if (code !== null) expect({ key, code, errors }).toEqual({ key, code: 0, errors: "" });
        expect([key, ...difference(reference.answer, site.answer())]).toEqual([key]);
        if (code !== null) expect(site.leftovers()).toEqual([]);
        cycles++;
      }
    } while (performance.now() < until);
    console.log(`random kills: ${cycles} runs, killed ${kills} times`);
    expect(kills).toBeGreaterThan(0);
  },
);
