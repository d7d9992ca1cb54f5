// A thread of another machine, as the writer and the engine see it: a port on which its texts arrive, and memory that has the
// credits that it has spent.

import { channels, JSON } from "../../base/globals.ts";
import type { TaskId, WorkerId } from "../../protocol/ids.ts";
import { creditsOf } from "../../protocol/shared/credits.ts";
import { WorkerMemory } from "../../protocol/shared/worker-memory.ts";
import type { Ack, TaskRecord } from "../../protocol/writer-records.ts";
import type { WorkerPort } from "../executors.ts";

type ThreadCalls = {
  attach(port: WorkerPort): void;
  /** The writer has committed so many texts of records, or taken items of a unit. */
  committed(credits: number, records: number, checkpoints: Ack["checkpoints"]): void;
};

export class RemoteThread {
  readonly workerId: WorkerId;
  readonly #port: MessagePort;
  readonly #memory: WorkerMemory;
  /** Tasks that have run for a while, as the machine has said last. */
  running: readonly TaskId[] = [];
  #spent = 0;
  #givenBack = 0;
  /** Texts of records that are not the thread's, and that the writer has not committed. They come first. */
  #own = 0;

  /** @param machine its name */
  constructor(workerId: WorkerId, machine: string, slots: number, calls: ThreadCalls) {
    this.workerId = workerId;
    this.#memory = WorkerMemory.create(slots);
    const { port1, port2 } = channels.open();
    this.#port = port2;
    port2.onmessage = (event) => {
      const givenBack = this.#spent - this.#memory.credits.outstanding();
      const credits = givenBack - this.#givenBack;
      this.#givenBack = givenBack;
      const { records = 0, checkpoints } = event.data as Ack;
      const own = Math.min(records, this.#own);
      this.#own -= own;
      calls.committed(credits, records - own, checkpoints);
    };
    const memory = this.#memory.buffer;
    calls.attach({
      message: { type: "attach", workerId, machine, port: port1, memory },
      transfer: [port1],
    });
  }

  /** The writer's policy of commits and the engine's of timeouts read the slots. */
  setRunning(ids: readonly TaskId[]): void {
    const { runningIds } = this.#memory;
    this.running = ids;
    for (let slot = 0; slot < runningIds.slots; slot++) {
      const id = ids[slot];
      if (id === undefined) runningIds.clear(slot);
      else runningIds.set(slot, id);
    }
  }

  receive(text: string): void {
    const credits = creditsOf(text.length);
    this.#spent += credits;
    this.#memory.credits.spend(credits);
    this.#port.postMessage(text);
  }

  /** Records of what the thread did before this run heard of it. They cost the thread nothing. */
  tell(records: readonly TaskRecord[]): void {
    const text = JSON.stringify(records);
    this.#own++;
    this.#givenBack += creditsOf(text.length);
    this.receive(text);
  }

  /** Messages that the writer gets. */
  get sent(): number {
    return this.#memory.credits.sent();
  }

  /** The writer is behind: the thread may be waiting for it. */
  get isHeld(): boolean {
    return !this.#memory.credits.hasRoom;
  }

  close(): void {
    this.#port.close();
  }
}
