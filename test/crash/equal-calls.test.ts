// Equal calls with a different result each, in sessions that are killed at random moments: each call has run once, and what is
// read as its result is what it has stored, although only lists are read.

import { expect, setDefaultTimeout, test } from "bun:test";
import { CrashSite, secondsOf, seedOf, sigkill, undisturbed } from "./crash.ts";
import { below, randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

type Value = { readonly name: string; readonly value: number };

/** Every so many sessions, one may end by itself. */
const patientSession = 8;

async function untilOver(site: CrashSite, tookMs: number, random: () => number): Promise<number> {
  let sessions = 0;
  for (; !site.isOver; sessions++) {
    const isPatient = sessions % patientSession === patientSession - 1;
    const kill = isPatient ? undefined : sigkill((0.3 + random()) * tookMs);
    const { code, errors, hung } = await site.run(kill, {}, ["-c", String(1 + below(random, 8))]);
    expect({ hung, errors: code === null ? "" : errors }).toEqual({ hung: false, errors: "" });
  }
  return sessions;
}

const valuesOf = (rows: readonly string[] | undefined): readonly Value[] =>
  (rows ?? []).map((row) => JSON.parse(row) as Value);

test("killed at random, each call keeps its own result", async () => {
  const random = randomOf(seedOf("equal calls"));
  const until = performance.now() + secondsOf(20) * 1000;
  const { tookMs } = await undisturbed("equal-calls");
  let [runs, sessions] = [0, 0];
  do {
    for (const form of ["list", "stream", "async"]) {
      using site = new CrashSite("equal-calls", ["--param", `form=${form}`]);
      sessions += await untilOver(site, tookMs, random);
      runs++;
      const { tables } = site.answer();
      const tickets = valuesOf(tables["tickets"]);
      const reads = valuesOf(tables["reads"]);
      const values = new Map(tickets.map(({ name, value }) => [name, value]));
      // Four groups of four, four nested ones of two, ten of one, and two that are shared.
      expect({ form, tickets: tickets.length, names: values.size }).toEqual({
        form,
        tickets: 36,
        names: 36,
      });
      const wrong = reads.filter(({ name, value }) => values.get(ticketOf(name)) !== value);
      expect({ form, wrong, reads: reads.length }).toEqual({ form, wrong: [], reads: 38 });
      expect(new Set(reads.map(({ name }) => name)).size).toBe(38);
    }
  } while (performance.now() < until);
  console.log(`equal calls: ${runs} runs in ${sessions} sessions`);
  expect(sessions).toBeGreaterThan(runs);
});

/** The four items of one list read two calls. */
const ticketOf = (name: string): string =>
  name.replace(/^shared\/(\d)$/, (_, i) => `shared/${Number(i) % 2}`);
