// A chain: each task depends on the one before.

import { pipeline, task } from "pipeloom";

const first = task({ name: "first", run: () => 1 });

const link = task({
  name: "link",
  run({ before }: { before: number }) {
    return before + 1;
  },
});

export default pipeline({
  name: "chain",
  params: { links: 10_000 },
  tasks({ params }) {
    let last = first();
    for (let i = 1; i < params.links; i++) last = link({ before: last });
    return last;
  },
});
