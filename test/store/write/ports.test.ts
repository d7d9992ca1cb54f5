import { expect, test } from "bun:test";

import { workerId } from "../../../src/protocol/ids.ts";
import type { Ack } from "../../../src/protocol/writer-records.ts";
import { creditsOf } from "../../../src/protocol/shared/credits.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";
import { Ports } from "../../../src/store/write/ports.ts";

class Worker {
  readonly memory = WorkerMemory.create(1);
  readonly acks: Ack[] = [];
  readonly #port: MessagePort;

  constructor(ports: Ports, number: number) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port2;
    port2.onmessage = ({ data }) => this.acks.push(data as Ack);
    ports.attach({ workerId: workerId(number), port: port1, memory: this.memory.buffer });
  }

  send(text: string): void {
    this.#port.postMessage(text);
    this.memory.credits.spend(creditsOf(text.length));
  }
}

/** Ports deliver within a few turns of the event loop. */
async function delivered(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("the credits of records come back with the acknowledgement, those of items at once", async () => {
  let woken = 0;
  const ports = new Ports(() => woken++);
  const worker = new Worker(ports, 0);
  worker.send("records");
  worker.send("item");
  await delivered();
  expect(woken).toBe(2);
  const [records, item] = [ports.take(undefined), ports.take(undefined)];
  expect([records?.text, item?.text]).toEqual(["records", "item"]);
  records?.from.giveBackLater(records.text);
  item?.from.giveBackNow(item.text);
  expect(worker.memory.credits.outstanding()).toBe(1);
  ports.acknowledgeItems();
  ports.acknowledgeItems();
  await delivered();
  expect(worker.acks).toEqual([{ type: "ack" }]);
  ports.acknowledge();
  ports.acknowledge();
  await delivered();
  expect(worker.acks).toHaveLength(2);
  expect(worker.memory.credits.outstanding()).toBe(0);
  ports.close();
});

test("answers to checkpoints are sent with the acknowledgement, unless they are rolled back", async () => {
  const ports = new Ports(() => undefined);
  const worker = new Worker(ports, 0);
  worker.send("a");
  await delivered();
  const port = ports.take(undefined)?.from;
  const answer = { id: 1, seq: 1 } as never;
  for (const isLast of [false, true]) {
    port?.applied();
    port?.answerLater(answer);
    if (!isLast) ports.rolledBack();
  }
  ports.acknowledge();
  ports.acknowledge();
  await delivered();
  expect(worker.acks).toEqual([{ type: "ack", records: 1, checkpoints: [answer] }]);
  ports.close();
});

test("a lost worker is detached once all that it sent has arrived and is taken", async () => {
  const ports = new Ports(() => undefined);
  const worker = new Worker(ports, 7);
  worker.send("a");
  ports.lose(workerId(7), 2);
  await delivered();
  expect(ports.hasLost).toBe(true);
  ports.take(undefined);
  expect(ports.detachLost()).toEqual([]);
  worker.send("b");
  await delivered();
  expect(ports.detachLost()).toEqual([]);
  ports.take(undefined);
  expect(ports.detachLost()).toEqual([workerId(7)]);
  expect([ports.hasLost, ports.isEmpty]).toEqual([false, true]);
});
