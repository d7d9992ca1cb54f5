// Limit for waiting tasks: the same number of concurrent timers, in rounds.
//
//   bun bare-sleep.ts <rounds> <at once> <ms>

const [rounds = 25, atOnce = 8, ms = 50] = process.argv.slice(2).map(Number);

const sleep = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

const began = performance.now();
for (let round = 0; round < rounds; round++) {
  await Promise.all(Array.from({ length: atOnce }, sleep));
}
console.log(JSON.stringify({ loopMs: performance.now() - began }));
