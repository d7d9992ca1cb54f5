// CPU-bound tasks.

import { pipeline, task } from "pipeloom";

const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));

const compute = task({
  name: "fib",
  run({ n }: { n: number }) {
    return fib(n);
  },
});

export default pipeline({
  name: "fib",
  params: { tasks: 100, n: 30 },
  tasks: ({ params }) => Array.from({ length: params.tasks }, () => compute({ n: params.n })),
});
