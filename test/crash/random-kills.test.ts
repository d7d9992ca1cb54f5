// Sessions that end at random moments, by SIGKILL or by signals that pipeloom handles, until the run is over: no row is lost
// or stored twice, and no program outlives its session.

import { expect, setDefaultTimeout, test } from "bun:test";
import {
  CrashSite,
  difference,
  type End,
  type Kill,
  type PipelineName,
  pipelines,
  secondsOf,
  seedOf,
  undisturbed,
} from "./crash.ts";
import { below, randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

type Reference = Readonly<Awaited<ReturnType<typeof undisturbed>>> & {
  /** Each session ends before this. It follows the machine, so that about four of five sessions are killed. */
  withinMs: number;
};

const newReference = async (pipeline: PipelineName): Promise<Reference> => {
  const reference = await undisturbed(pipeline);
  return { ...reference, withinMs: reference.tookMs * 1.2 };
};

type Counts = { sessions: number; kills: number };

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
    const counts: Counts = { sessions: 0, kills: 0 };
    let runs = 0;
    do {
      for (const pipeline of pipelines) {
        const reference = references.get(pipeline) ?? (await newReference(pipeline));
        references.set(pipeline, reference);
        const flags = random() < 0.3 ? ["--no-wal"] : [];
        using site = new CrashSite(pipeline, flags);
        await untilOver(site, reference, `${pipeline} ${flags.join(" ")}`, random, counts);
        runs++;
      }
    } while (performance.now() < until);
    const { kills, sessions } = counts;
    console.log(`random kills: ${kills} kills and signals in ${sessions} sessions of ${runs} runs`);
    expect(kills).toBeGreaterThan(0);
  },
);

/** Every sixth session may end by itself: a run that takes longer than each session would never be over. */
const patientSession = 6;

async function untilOver(
  site: CrashSite,
  reference: Reference,
  what: string,
  random: () => number,
  counts: Counts,
): Promise<void> {
  for (let isOver = false, sessions = 0; !isOver; sessions++, counts.sessions++) {
    const afterMs = random() * reference.withinMs;
    const signals = endings[below(random, endings.length)] ?? [];
    const kill =
      sessions % patientSession === patientSession - 1 ? undefined : { afterMs, signals };
    const end = await site.run(kill, {}, sessionFlags(site, random));
    const { hung, errors } = end;
    expect({ what, hung, left: await site.survivors() }).toEqual({ what, hung: false, left: [] });
    expect(errors).not.toContain("Internal error");
    isOver = site.isOver;
    const isKilled = !hasEndedItself(end, kill);
    if (kill !== undefined) reference.withinMs *= isKilled ? 1.02 : 0.93;
    if (isKilled) counts.kills++;
    else {
      expect({ what, code: end.code, errors, isOver }).toMatchObject({
        code: reference.code,
        isOver: true,
      });
      expect(site.leftovers()).toEqual([]);
    }
  }
  expect([what, ...difference(reference.answer, site.answer())]).toEqual([what]);
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
