// The queue of leases: BullMQ, as other programs use it, so that its dashboards show what waits and what runs. It moves work and
// decides nothing: a job that is lost is added again by the run, and one that comes twice is refused when it is claimed.

import { Queue, Worker } from "bullmq";

import type { Redis } from "ioredis";
import { keyPrefix } from "./engine-connection.ts";
import type { EngineKey } from "./engine-key.ts";
import type { LeaseJob } from "./engine-messages.ts";

/** The run alone decides what runs again; ended jobs leave nothing in Redis. */
const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
/** A job of a machine that has died is removed about this long after. */
const lockMs = 5_000;
/** After an error of Redis. BullMQ's default is 15 s. */
const retryMs = 250;

const queueName = (key: EngineKey): string => `leases-${key.id}`;

export class LeaseQueue {
  readonly #queue: Queue<LeaseJob>;

  constructor(connection: Redis, key: EngineKey) {
    this.#queue = new Queue<LeaseJob>(queueName(key), { connection, prefix: keyPrefix });
    this.#queue.on("error", () => undefined);
  }

  /** @param name what a dashboard shows */
  async add(
    jobs: readonly { readonly name: string; readonly id: string; readonly data: LeaseJob }[],
  ): Promise<void> {
    await this.#queue.addBulk(
      jobs.map(({ name, id, data }) => ({ name, data, opts: { ...jobOptions, jobId: id } })),
    );
  }

  /** A job that a machine has taken stays. */
  remove(id: string): void {
    this.#queue.remove(id).catch(() => undefined);
  }
}

export class LeaseTaker {
  readonly #worker: Worker<LeaseJob, number>;

  /** @param run settles when the lease has ended */
  constructor(
    connection: Redis,
    key: EngineKey,
    concurrency: number,
    run: (job: LeaseJob) => Promise<void>,
  ) {
    this.#worker = new Worker<LeaseJob, number>(
      queueName(key),
      async ({ data }) => {
        await run(data);
        return 0;
      },
      {
        connection,
        prefix: keyPrefix,
        concurrency,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        maxStalledCount: 0,
        runRetryDelay: retryMs,
      },
    );
    this.#worker.on("error", () => undefined);
  }

  set concurrency(count: number) {
    if (this.#worker.concurrency !== count) this.#worker.concurrency = count;
  }

  /** Takes no more leases. */
  pause(): void {
    void this.#worker.pause(true);
  }

  close(): void {
    this.#worker.close(true).catch(() => undefined);
  }
}
