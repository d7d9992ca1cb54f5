// Splits a computation over all cores: counts the primes below a limit.
// Run it:     pipeloom run pipeline.ts
// More of it: pipeloom run pipeline.ts --param limit=20000000 --param parts=200

import { each, pipeline, task } from "pipeloom";

type Range = { from: number; to: number };

const split = task({
  name: "split",
  run({ limit, parts }: { limit: number; parts: number }): Range[] {
    const size = Math.ceil(limit / parts);
    return Array.from({ length: parts }, (_, index) => ({
      from: Math.min(index * size, limit),
      to: Math.min((index + 1) * size, limit),
    }));
  },
});

const countPrimes = task({
  name: "count-primes",
  async run({ from, to }: Range, ctx) {
    const step = Math.max(1, Math.ceil((to - from) / 20));
    let count = 0;
    for (let start = from; start < to; start += step) {
      const end = Math.min(start + step, to);
      for (let number = start; number < end; number++) if (isPrime(number)) count++;
      // Cheap: only the newest progress is sent.
      ctx.progress(end - from, to - from);
    }
    await ctx.upsert("primes", [{ start: from, end: to, count }], { key: "start" });
    return count;
  },
});

const total = task({
  name: "total",
  run({ counts }: { counts: number[] }, ctx) {
    const sum = counts.reduce((all, count) => all + count, 0);
    ctx.log.info(`${sum} primes`);
    return sum;
  },
});

export default pipeline({
  name: "template-fan-out",
  db: "./pipeloom.db",
  params: { limit: 2_000_000, parts: 40 },
  schema: `CREATE TABLE IF NOT EXISTS primes (
    start INTEGER PRIMARY KEY, "end" INTEGER, count INTEGER
  ) STRICT`,
  // The number of tasks is known when `split` is done; `each` creates them then.
  tasks: ({ params }) => total({ counts: each(split(params), (range) => countPrimes(range)) }),
});

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return true;
}
