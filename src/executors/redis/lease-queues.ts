// The queues in which the leases of a run wait: one for each set of tags that its tasks ask for.

import { packAssignments } from "../../protocol/codec/assignments.ts";
import { noTags, type TagSet } from "../../protocol/tags.ts";
import type { EngineLine } from "./engine-connection.ts";
import type { EngineKey } from "./engine-key.ts";
import type { Lease } from "./lease-book.ts";
import { type LeaseQueue, queueName } from "./lease-queue.ts";
import { signedLease } from "./lease-signature.ts";

type QueuesOptions = {
  readonly connection: EngineLine;
  readonly key: EngineKey;
  /** Pipeloom's. */
  readonly version: string;
  readonly session: string;
};

export class LeaseQueues<Holder extends object> {
  readonly #options: QueuesOptions;
  readonly #queues = new Map<TagSet, Pick<LeaseQueue, "add" | "remove">>();
  /** The queue of tasks without tags comes last: more machines can run them. */
  tagSets: readonly TagSet[] = [];

  constructor(options: QueuesOptions) {
    this.#options = options;
    this.open(noTags);
  }

  open(on: TagSet): void {
    const { connection, key, version } = this.#options;
    this.#queues.set(on, connection.queue(queueName(key, version, on)));
    this.tagSets = [on, ...this.tagSets];
  }

  add(leases: readonly Lease<Holder>[]): void {
    if (leases.length === 0 || !this.#options.connection.isReady) return;
    for (const [on, queue] of this.#queues) {
      const jobs = leases.filter((lease) => lease.on === on).map((lease) => this.#jobOf(lease));
      if (jobs.length > 0) queue.add(jobs);
    }
  }

  remove(lease: Lease<Holder>): void {
    this.#queues.get(lease.on)?.remove(this.#jobId(lease));
  }

  #jobOf(lease: Lease<Holder>) {
    const { id, tasks } = lease;
    lease.age = 0;
    const [first] = tasks;
    const name = tasks.length === 1 ? `${first?.name}` : `${first?.name} + ${tasks.length - 1}`;
    const { session, key } = this.#options;
    const unsigned = { session, lease: id, tasks: packAssignments(tasks) };
    return { name, id: this.#jobId(lease), data: signedLease(unsigned, key) };
  }

  /** A lease that is added again while its job is there changes nothing. */
  #jobId({ id }: Lease<Holder>): string {
    return `${this.#options.session}.${id}`;
  }
}
