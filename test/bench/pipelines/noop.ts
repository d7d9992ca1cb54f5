// A stream of empty tasks.

import { pipeline, task } from "pipeloom";

const noop = task({
  name: "noop",
  run({ i }: { i: number }) {
    return i;
  },
});

export default pipeline({
  name: "noop",
  params: { tasks: 200_000 },
  *tasks({ params }) {
    for (let i = 0; i < params.tasks; i++) yield noop({ i });
  },
});
