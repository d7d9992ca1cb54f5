// Limit for CPU-bound tasks: bare Workers without pipeloom.
//
//   bun bare-workers.ts <workers> <tasks> <n>

const [workers = 2, tasks = 100, n = 30] = process.argv.slice(2).map(Number);

const began = performance.now();
const { promise, resolve } = Promise.withResolvers<void>();
let left = tasks;
let running = 0;

function feed(worker: Worker): void {
  if (left > 0) {
    left--;
    running++;
    worker.postMessage(n, []);
  } else if (running === 0) resolve();
}

const threads = Array.from({ length: workers }, () => {
  const worker = new Worker(new URL("fib-worker.ts", import.meta.url).href);
  worker.addEventListener("message", () => {
    running--;
    feed(worker);
  });
  worker.addEventListener("open", () => feed(worker));
  return worker;
});
await promise;
const loopMs = performance.now() - began;
for (const worker of threads) worker.terminate();
console.log(JSON.stringify({ loopMs }));
