// The queue of leases: BullMQ, as other programs use it, so that its dashboards show what waits and what runs. It moves work and
// decides nothing: a job that is lost is added again by the run, and a lease is claimed at the run before it runs.

import { type Job, Queue, WaitingError, Worker } from "bullmq";
import type { Redis } from "ioredis";

import { noTags, type TagSet } from "../../protocol/tags.ts";
import type { EngineKey } from "./engine-key.ts";
import type { LeaseJob } from "./engine-messages.ts";

export const keyPrefix = "pipeloom";

type Connection = {
  client(): Redis;
  /** A command has failed. */
  refused(error: unknown): void;
};

/** The run alone decides what runs again; ended jobs leave nothing in Redis. */
const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
/** A job of a machine that has died is removed about this long after. */
const lockMs = 5_000;
/** After an error of Redis. BullMQ's default is 15 s. */
const retryMs = 250;

/**
 * Machines with another key or version have a queue of their own: they could not run these leases. So have tasks that ask for
 * tags: only machines that have them look into it.
 */
export const queueName = (key: EngineKey, version: string, on: TagSet): string =>
  `leases-${key.id}-${version}${on === noTags ? "" : `@${on}`}`;

export class LeaseQueue {
  readonly #queue: Queue<LeaseJob>;
  readonly #connection: Connection;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    const options = { connection: connection.client(), prefix: keyPrefix };
    this.#queue = new Queue<LeaseJob>(name, options);
    this.#queue.on("error", (error) => connection.refused(error));
  }

  /**
   * Jobs whose id is in the queue are not added again.
   * @param jobs `name`: what a dashboard shows
   */
  add(
    jobs: readonly { readonly name: string; readonly id: string; readonly data: LeaseJob }[],
  ): void {
    const added = this.#queue.addBulk(
      jobs.map(({ name, id, data }) => ({ name, data, opts: { ...jobOptions, jobId: id } })),
    );
    added.catch((error: unknown) => this.#connection.refused(error));
  }

  /** A job that a machine has taken stays. */
  remove(id: string): void {
    // It may be one of these, or there is no connection: who takes it is refused.
    this.#queue.remove(id).catch(() => undefined);
  }
}

/** `put back`: this machine does not run the lease, and another one may. */
export type Taken = "ended" | "put back";

/** Resolves when the lease has ended, or is not run here. */
export type RunLease = (job: LeaseJob) => Promise<Taken>;

export class LeaseTaker {
  readonly #worker: Worker<LeaseJob, number>;
  /** Leases in hand. */
  #running = 0;

  constructor(connection: Connection, name: string, concurrency: number, run: RunLease) {
    this.#worker = new Worker<LeaseJob, number>(
      name,
      async (job, token) => {
        this.#running++;
        try {
          if ((await run(job.data)) === "put back") await putBack(job, token);
        } finally {
          this.#running--;
        }
        return 0;
      },
      {
        connection: connection.client(),
        prefix: keyPrefix,
        concurrency,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        maxStalledCount: 0,
        runRetryDelay: retryMs,
      },
    );
    this.#worker.on("error", (error) => connection.refused(error));
  }

  /**
   * BullMQ looks at it again when a job ends, and that of a lease may stay for seconds. `resume` makes it look at once; without a
   * turn of the event loop since `pause`, nothing sees the pause.
   */
  set concurrency(count: number) {
    const before = this.#worker.concurrency;
    if (count === before) return;
    this.#worker.concurrency = count;
    if (count < before || this.#running < before || this.#worker.isPaused()) return;
    void this.#worker.pause(true);
    void this.#worker.resume();
  }

  /** Takes no more leases. */
  pause(): void {
    void this.#worker.pause(true);
  }

  close(): void {
    this.#worker.close(true).catch(() => undefined);
  }
}

export type LeasesTaken = Pick<LeaseTaker, "pause" | "close"> & { concurrency: number };

async function putBack(job: Job<LeaseJob, number>, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}
