// One list, a task for each of its items, and one that takes all their results; or as many tasks without any of that.

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
