// The writer's ends of the workers' ports: messages in, acknowledgements and credits out, and the loss of a worker.

import type { WorkerId } from "../../protocol/ids.ts";
import type { ToWriter } from "../../protocol/messages.ts";
import type { Ack } from "../../protocol/writer-records.ts";
import { creditsOf, maxCredits } from "../../protocol/shared/credits.ts";
import { WorkerMemory } from "../../protocol/shared/worker-memory.ts";
import { Inbox, type Received } from "./inbox.ts";

type Attach = Omit<Extract<ToWriter, { type: "attach" }>, "type">;
type CheckpointAnswer = NonNullable<Ack["checkpoints"]>[number];

export class WorkerPort {
  readonly workerId: WorkerId;
  readonly memory: WorkerMemory;
  readonly #port: MessagePort;
  #received = 0;
  /** Messages that the worker sent in all; known once its thread is gone. */
  #sent: number | undefined;
  /** Credits and answers are due after the commit. */
  #credits = 0;
  #records = 0;
  #checkpoints: CheckpointAnswer[] = [];
  /** Credits were given back without an acknowledgement: the worker may still wait for room. */
  #owesAck = false;

  constructor(
    workerId: WorkerId,
    port: MessagePort,
    memory: WorkerMemory,
    receive: (from: WorkerPort, text: string) => void,
  ) {
    this.workerId = workerId;
    this.memory = memory;
    this.#port = port;
    port.onmessage = (event) => {
      this.#received++;
      receive(this, event.data as string);
    };
  }

  /** The worker's thread has ended. */
  get isLost(): boolean {
    return this.#sent !== undefined;
  }

  /** The worker's thread has ended, and all its messages have arrived. */
  get isComplete(): boolean {
    return this.#sent !== undefined && this.#received >= this.#sent;
  }

  lose(sent: number): void {
    this.#sent = sent;
  }

  /** Unit items: the worker must be able to send the rest of a unit that is larger than its credits. */
  giveBackNow(text: string): void {
    this.memory.credits.giveBack(creditsOf(text.length));
    this.#owesAck = true;
  }

  /** The credits of this message are given back with the next `acknowledge`. */
  giveBackLater(text: string): void {
    this.#credits += creditsOf(text.length);
  }

  /** A text of records is applied, and is committed with the next `acknowledge`. */
  applied(): void {
    this.#records++;
  }

  answerLater(checkpoint: CheckpointAnswer): void {
    this.#checkpoints.push(checkpoint);
  }

  /** What was applied since the last commit is applied again. */
  rolledBack(): void {
    this.#records = 0;
    this.#checkpoints = [];
  }

  /** After the commit. */
  acknowledge(): void {
    const credits = this.#credits;
    const records = this.#records;
    const checkpoints = this.#checkpoints;
    if (credits === 0 && records === 0 && !this.#owesAck) return;
    this.memory.credits.giveBack(credits);
    const ack: Ack = records === 0 ? { type: "ack" } : { type: "ack", records };
    this.#port.postMessage(checkpoints.length === 0 ? ack : { ...ack, checkpoints });
    this.#credits = 0;
    this.#records = 0;
    this.#checkpoints = [];
    this.#owesAck = false;
  }

  /** Before the commit: wakes a worker that waits for room within its unit. */
  acknowledgeItems(): void {
    if (!this.#owesAck) return;
    this.#owesAck = false;
    this.#port.postMessage({ type: "ack" } satisfies Ack);
  }

  close(): void {
    this.#port.close();
  }
}

export class Ports {
  readonly #ports = new Map<WorkerId, WorkerPort>();
  readonly #inbox = new Inbox<WorkerPort>();
  readonly #machines = new Map<WorkerId, string>();
  readonly #wake: () => void;

  /** @param wake called for each message that arrives */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** The names of the machines of workers that are not on this one, also of those that are gone. */
  get machines(): ReadonlyMap<WorkerId, string> {
    return this.#machines;
  }

  attach({ workerId, port, memory, machine }: Attach): void {
    if (machine !== undefined) this.#machines.set(workerId, machine);
    const attached = new WorkerPort(workerId, port, WorkerMemory.from(memory), (from, text) => {
      this.#inbox.push(from, text);
      this.#wake();
    });
    this.#ports.set(workerId, attached);
    this.#inbox.open(attached);
  }

  /** The worker's thread has ended after it sent this many messages. Some may still be on their way. */
  lose(workerId: WorkerId, sent: number): void {
    this.#ports.get(workerId)?.lose(sent);
  }

  /** @param only the worker whose unit is open, if there is one */
  hasMessage(only: WorkerPort | undefined): boolean {
    return only === undefined ? !this.#inbox.isEmpty : this.#inbox.has(only);
  }

  /** @param only as for `hasMessage` */
  take(only: WorkerPort | undefined): Received<WorkerPort> | undefined {
    return this.#inbox.shift(only);
  }

  /** Main waits to hear that all messages of a lost worker are committed. */
  get hasLost(): boolean {
    for (const port of this.#ports.values()) if (port.isLost) return true;
    return false;
  }

  /** A worker has less than half of its credits left. */
  get isAnyShortOfCredits(): boolean {
    for (const { memory } of this.#ports.values()) {
      if (memory.credits.outstanding() > maxCredits / 2) return true;
    }
    return false;
  }

  get isAnySlotIdle(): boolean {
    for (const { memory } of this.#ports.values()) if (!memory.runningIds.isBusy) return true;
    return false;
  }

  get isEmpty(): boolean {
    return this.#ports.size === 0;
  }

  acknowledge(): void {
    for (const port of this.#ports.values()) port.acknowledge();
  }

  acknowledgeItems(): void {
    for (const port of this.#ports.values()) port.acknowledgeItems();
  }

  rolledBack(): void {
    for (const port of this.#ports.values()) port.rolledBack();
  }

  /** Closes the ports of lost workers whose messages have all been taken; returns their ids. */
  detachLost(): readonly WorkerId[] {
    const detached: WorkerId[] = [];
    for (const [workerId, port] of this.#ports) {
      if (!port.isComplete || this.#inbox.has(port)) continue;
      port.close();
      this.#ports.delete(workerId);
      this.#inbox.close(port);
      detached.push(workerId);
    }
    return detached;
  }

  close(): void {
    for (const port of this.#ports.values()) port.close();
  }
}
