// A plan that depends on chance, and one that depends on time.

import { pipeline, task } from "pipeloom";

const work = task({
  name: "work",
  async run({ i }: { i: number; at: number }) {
    await Bun.sleep(10);
    return i;
  },
});

/** Never the same number twice. */
const count = (): number => 10 + (Math.floor(performance.timeOrigin + performance.now()) % 997);

export const chance = pipeline({
  name: "chance",
  tasks: () => Array.from({ length: count() }, (_, i) => work({ i, at: 0 })),
});

export const time = pipeline({
  name: "time",
  tasks: () => Array.from({ length: 30 }, (_, i) => work({ i, at: Date.now() })),
});
