// BullMQ with one job a task: this process adds the jobs, two others run them, 100 at once each.

import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

const name = "tasks";
const prefix = "bench";
const workers = 2;

const [url = "", jobs = ""] = process.argv.slice(2);
const options = { connection: new Redis(url, { maxRetriesPerRequest: null }), prefix };

async function work(): Promise<void> {
  const worker = new Worker<{ i: number }>(name, async (job) => job.data.i, {
    ...options,
    concurrency: 100,
  });
  await worker.waitUntilReady();
  console.log("ready");
}

async function add(count: number): Promise<void> {
  const queue = new Queue<{ i: number }>(name, options);
  await queue.obliterate({ force: true });
  const children = Array.from({ length: workers }, () =>
    Bun.spawn([process.execPath, import.meta.path, url, "work"], { stdout: "pipe" }),
  );
  for (const { stdout } of children) await stdout.getReader().read();
  const begun = performance.now();
  for (let from = 0; from < count; from += 1000) {
    const some = Array.from({ length: Math.min(1000, count - from) }, (_, i) => from + i);
    await queue.addBulk(
      some.map((i) => ({ name: "task", data: { i }, opts: { removeOnComplete: true } })),
    );
  }
  while ((await queue.getJobCountByTypes("wait", "active")) > 0) await Bun.sleep(10);
  const ms = performance.now() - begun;
  const failed = await queue.getFailedCount();
  if (failed > 0) throw new Error(`${failed} of ${count} jobs have failed`);
  const { user, system } = process.cpuUsage();
  let cpuMicros = user + system;
  for (const child of children) {
    child.kill("SIGKILL");
    await child.exited;
    cpuMicros += Number(child.resourceUsage()?.cpuTime.total ?? 0);
  }
  console.log(JSON.stringify({ ms, cpuMs: cpuMicros / 1000 }));
}

if (jobs === "work") await work();
else {
  await add(Number(jobs));
  process.exit(0);
}
