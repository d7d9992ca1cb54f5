// Claims from the front of each batch as fast as it can, while the test takes back from the end.

import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";

declare const self: Worker;

self.onmessage = (
  event: MessageEvent<{ buffer: SharedArrayBuffer; go: Int32Array; batches: number }>,
) => {
  const { buffer, go, batches } = event.data;
  const { claims } = WorkerMemory.from(buffer);
  const taken: number[][] = [];
  for (let batch = 1; batch <= batches; batch++) {
    while (Atomics.load(go, 0) < batch);
    const own: number[] = [];
    for (let index = claims.claim(batch); index !== -1; index = claims.claim(batch)) {
      own.push(index);
    }
    taken.push(own);
    Atomics.store(go, 1, batch);
  }
  self.postMessage(taken);
};
