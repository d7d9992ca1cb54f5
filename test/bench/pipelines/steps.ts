// Tasks that report progress step by step, to give the display something to draw.

import { pipeline, task } from "pipeloom";

const walk = task({
  name: "walk",
  async run({ steps, ms }: { steps: number; ms: number }, ctx) {
    for (let step = 1; step <= steps; step++) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      ctx.progress(step, steps, `step ${step}`);
    }
  },
});

export default pipeline({
  name: "steps",
  params: { tasks: 64, steps: 60, ms: 50 },
  tasks: ({ params: { tasks, steps, ms } }) =>
    Array.from({ length: tasks }, (_, i) => walk({ steps, ms }, { name: `walk-${i + 1}` })),
});
