// An engine with workers as processes of the executable, and what befalls it: each part is killed or stopped, and comes back.

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { executable } from "../support/rig.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { below } from "./random.ts";

export type ClusterFault = "worker" | "all workers" | "redis" | "worker stops" | "redis stops";

type Worker = { readonly process: Bun.Subprocess<"ignore", "ignore", "pipe">; said: string };

/** Longer than the run waits for a silent machine, and shorter than a machine waits for a silent run. */
const stopMs = 8_000;
/** Longer than any read of a stream may take. */
const redisStopMs = 6_000;

export class Cluster implements AsyncDisposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "pipeloom-cluster-")));
  readonly #redis: RedisServer;
  readonly #workers = new Set<Worker>();
  readonly #random: () => number;
  /** What every worker that has ended said. */
  #said = "";
  #redisBack: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(redis: RedisServer, random: () => number) {
    this.#redis = redis;
    this.#random = random;
  }

  static async start(
    random: () => number,
    { workers, isAppendOnly }: { readonly workers: number; readonly isAppendOnly: boolean },
  ): Promise<Cluster> {
    const redis = await startRedis("--appendonly", isAppendOnly ? "yes" : "no");
    const cluster = new Cluster(redis, random);
    for (let i = 0; i < workers; i++) cluster.#spawn();
    return cluster;
  }

  /** Of the run and of the workers. `CRASH_SITE`: for what tasks start. */
  get env(): Record<string, string> {
    return { PIPELOOM_ENGINE_KEY: "a key of this test only", CRASH_SITE: this.path };
  }

  get flags(): string[] {
    return ["--engine", this.#redis.url];
  }

  #spawn(): void {
    const child = Bun.spawn([executable, "worker", ...this.flags, "-w", "2"], {
      cwd: this.path,
      env: { ...process.env, ...this.env },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const worker: Worker = { process: child, said: "" };
    this.#workers.add(worker);
    void this.#listen(worker);
    void this.#replace(worker);
  }

  /** Whatever keeps it alive starts a worker again that has ended by itself: there may have been no Redis yet. */
  async #replace(worker: Worker): Promise<void> {
    await worker.process.exited;
    if (worker.process.signalCode !== null || !this.#workers.delete(worker)) return;
    this.#said += worker.said;
    await Bun.sleep(200);
    if (!this.#isClosed) this.#spawn();
  }

  async #listen(worker: Worker): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of worker.process.stderr) {
      worker.said += decoder.decode(bytes, { stream: true });
    }
  }

  /** Of all workers, also of those that were killed. */
  get said(): string {
    return this.#said + [...this.#workers].map(({ said }) => said).join("");
  }

  /** Resolves when the next one may come: what was stopped goes on by itself. */
  async befall(fault: ClusterFault): Promise<void> {
    switch (fault) {
      case "worker":
        return this.#killWorkers(1);
      case "all workers":
        return this.#killWorkers(this.#workers.size);
      case "redis":
        return this.#killRedis();
      case "worker stops":
        return this.#stopWorker();
      case "redis stops":
        await this.#redisBack;
        this.#redis.signal("SIGSTOP");
        await Bun.sleep(this.#random() * redisStopMs);
        return this.#redis.signal("SIGCONT");
    }
  }

  async #killWorkers(count: number): Promise<void> {
    for (const worker of [...this.#workers].slice(0, count)) {
      worker.process.kill("SIGKILL");
      await worker.process.exited;
      this.#workers.delete(worker);
      this.#said += worker.said;
    }
    if (this.#random() < 0.5) await Bun.sleep(this.#random() * 1_000);
    for (let i = 0; i < count && !this.#isClosed; i++) this.#spawn();
  }

  async #killRedis(): Promise<void> {
    await this.#redisBack;
    await this.#redis.kill();
    if (this.#random() < 0.7) await Bun.sleep(this.#random() ** 2 * 4_000);
    this.#redisBack = this.#redis.start();
    await this.#redisBack;
  }

  #stopWorker(): void {
    const workers = [...this.#workers];
    const worker = workers[below(this.#random, workers.length)];
    worker?.process.kill("SIGSTOP");
    setTimeout(() => worker?.process.kill("SIGCONT"), stopMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#redisBack;
    for (const worker of this.#workers) worker.process.kill("SIGKILL");
    await Promise.all([...this.#workers].map(({ process: { exited } }) => exited));
    await this.#redis[Symbol.asyncDispose]();
    rmSync(this.path, { recursive: true, force: true });
  }
}
