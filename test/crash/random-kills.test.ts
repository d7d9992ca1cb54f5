// Sessions that end at random moments, by SIGKILL or by signals that pipeloom handles, until the run is over: no row is lost
// or stored twice, and no program outlives its session.

import { expect, setDefaultTimeout, test } from "bun:test";
import {
  CrashSite,
  difference,
  type End,
  type Kill,
  pipelines,
  secondsOf,
  seedOf,
  undisturbed,
} from "./crash.ts";
import { below, randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

type Reference = Awaited<ReturnType<typeof undisturbed>>;

const endings: readonly (readonly NodeJS.Signals[])[] = [
  ["SIGKILL"],
  ["SIGKILL"],
  ["SIGKILL"],
  ["SIGTERM"],
  ["SIGINT", "SIGTERM"],
  ["SIGINT", "SIGTERM", "SIGHUP"],
];

test.skipIf(process.platform === "win32")(
  "ended at random, a run leaves what an undisturbed one leaves",
  async () => {
    const random = randomOf(seedOf("random kills"));
    const until = performance.now() + secondsOf(30) * 1000;
    const references = new Map<string, Reference>();
    let sessions = 0;
    let runs = 0;
    do {
      for (const pipeline of pipelines) {
        const reference = references.get(pipeline) ?? (await undisturbed(pipeline));
        references.set(pipeline, reference);
        const flags = random() < 0.3 ? ["--no-wal"] : [];
        using site = new CrashSite(pipeline, flags);
        sessions += await untilOver(site, reference, `${pipeline} ${flags.join(" ")}`, random);
        runs++;
      }
    } while (performance.now() < until);
    console.log(`random kills: ${runs} runs in ${sessions} sessions`);
    expect(sessions).toBeGreaterThan(runs);
  },
);

/** Every sixth session may end by itself: a run that takes longer than each session would never be over. */
const patientSession = 6;

/** @returns how many sessions it took */
async function untilOver(
  site: CrashSite,
  reference: Reference,
  what: string,
  random: () => number,
): Promise<number> {
  let sessions = 0;
  for (let isOver = false; !isOver; sessions++) {
    const afterMs = random() * reference.tookMs * 1.2;
    const signals = endings[below(random, endings.length)] ?? [];
    const kill =
      sessions % patientSession === patientSession - 1 ? undefined : { afterMs, signals };
    const end = await site.run(kill, {}, sessionFlags(site, random));
    const { hung, errors } = end;
    expect({ what, hung, left: await site.survivors() }).toEqual({ what, hung: false, left: [] });
    expect(errors).not.toContain("Internal error");
    isOver = site.isOver;
    if (hasEndedItself(end, kill)) {
      expect({ what, code: end.code, errors, isOver }).toMatchObject({
        code: reference.code,
        isOver: true,
      });
      expect(site.leftovers()).toEqual([]);
    }
  }
  expect([what, ...difference(reference.answer, site.answer())]).toEqual([what]);
  return sessions;
}

/** The result does not depend on them. */
function sessionFlags(site: CrashSite, random: () => number): string[] {
  const flags = ["-c", String(1 + below(random, 8))];
  if (random() < 0.2) flags.push("--durability", "normal");
  // A cancelled run is continued on demand only.
  if (site.status === "cancelled") flags.push("--resume");
  return flags;
}

/** A signal may come before the run has begun, where it has its usual effect, or after its end. */
const hasEndedItself = ({ code }: End, kill: Kill | undefined): boolean =>
  code !== null && (kill === undefined || kill.signals[0] === "SIGKILL" || code < 128);
