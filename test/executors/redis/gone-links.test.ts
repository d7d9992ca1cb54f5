// Links that do not count any more, and when they are forgotten.

import { expect, test } from "bun:test";

import { linkText } from "../../../src/executors/redis/frame-codec.ts";
import { GoneLinks } from "../../../src/executors/redis/gone-links.ts";

const link = (life: number) => ({ session: "s", machine: "m", life });

test("a link that was forgotten is known by when its machine had heard of the run", () => {
  const gone = new GoneLinks();
  // A machine that is given up once a second for three hours.
  for (let tick = 0; tick < 10_000; tick++) {
    gone.forget(tick);
    gone.add(link(tick), tick);
    for (const life of [0, tick - 700, tick - 601, tick - 600, tick - 1, tick]) {
      if (life < 0) continue;
      // It was heard of no later than it went.
      const isKnown = gone.has(linkText(link(life))) || gone.mayBe(life, tick);
      expect(isKnown).toBe(true);
    }
    expect(gone.size).toBeLessThanOrEqual(602);
  }
});

test("a link that begins now is none of them", () => {
  const gone = new GoneLinks();
  gone.add(link(1), 5_000);
  expect([gone.has(linkText(link(2))), gone.mayBe(5_000, 5_010)]).toEqual([false, false]);
});
