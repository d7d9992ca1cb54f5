// Tasks that sleep.

import { pipeline, task } from "pipeloom";

const sleep = task({
  name: "sleep",
  async run({ ms }: { ms: number }) {
    await new Promise((resolve) => setTimeout(resolve, ms));
  },
});

export default pipeline({
  name: "sleep",
  params: { tasks: 200, ms: 50 },
  tasks: ({ params }) => Array.from({ length: params.tasks }, () => sleep({ ms: params.ms })),
});
