// A list, one task per item, and one task that reads all results; or the same number of independent tasks.

import { each, pipeline, task } from "pipeloom";

const list = task({
  name: "list",
  run({ items }: { items: number }) {
    return Array.from({ length: items }, (_, i) => i);
  },
});

const noop = task({
  name: "noop",
  run({ i }: { i: number }) {
    return i;
  },
});

const count = task({
  name: "count",
  run({ all }: { all: number[] }) {
    return all.length;
  },
});

export default pipeline({
  name: "fan",
  params: { items: 100_000, shape: "fan" },
  tasks({ params: { items, shape } }) {
    if (shape !== "fan") return Array.from({ length: items }, (_, i) => noop({ i }));
    return count({ all: each(list({ items }), (i) => noop({ i })) });
  },
});
