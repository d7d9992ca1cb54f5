import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { maxBatches, maxBatchSize } from "../../../src/protocol/shared/claims.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";

type Step = { readonly kind: "claim" } | { readonly kind: "takeBack"; readonly most: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ kind: "claim" } as const),
  fc.record({ kind: fc.constant("takeBack" as const), most: fc.integer({ min: 0, max: 7 }) }),
);

test("property: of one batch, every task is claimed or taken back, exactly once", () => {
  const sizes = fc.integer({ min: 0, max: 30 });
  fc.assert(
    fc.property(sizes, fc.array(step), fc.nat(20_000), (size, steps, batch) => {
      const { claims } = WorkerMemory.create(1);
      claims.open(batch, size);
      let front = 0;
      let end = size;
      for (const { kind, ...rest } of steps) {
        if (kind === "claim") {
          const index = claims.claim(batch);
          expect(index).toBe(front < end ? front : -1);
          if (index !== -1) front++;
        } else {
          const most = "most" in rest ? rest.most : 0;
          const count = claims.takeBack(batch, most);
          expect(count).toBe(Math.min(most, end - front));
          end -= count;
        }
        expect(claims.unclaimed(batch)).toBe(end - front);
      }
    }),
  );
});

test("a batch that has another's cell by now can be neither claimed nor taken back", () => {
  const { claims } = WorkerMemory.create(1);
  claims.open(1, 3);
  claims.open(1 + maxBatches, 2);
  expect(claims.claim(1)).toBe(-1);
  expect(claims.takeBack(1, 3)).toBe(0);
  expect(claims.unclaimed(1)).toBe(0);
  expect(claims.unclaimed(1 + maxBatches)).toBe(2);
});

test("the largest batch fits", () => {
  const { claims } = WorkerMemory.create(1);
  claims.open(4095, maxBatchSize);
  expect(claims.unclaimed(4095)).toBe(maxBatchSize);
  expect(claims.takeBack(4095, Number.POSITIVE_INFINITY)).toBe(maxBatchSize);
});

test("two threads: nothing is handed out twice, nothing is lost", async () => {
  const size = 400;
  const batches = 100;
  const { claims, buffer } = WorkerMemory.create(1);
  const go = new Int32Array(new SharedArrayBuffer(8));
  const thread = new Worker(new URL("./claims-thread.ts", import.meta.url).href);
  const claimed = new Promise<number[][]>((resolve, reject) => {
    thread.onmessage = (event: MessageEvent<number[][]>) => resolve(event.data);
    thread.onerror = reject;
  });
  thread.postMessage({ buffer, go, batches });
  const takenBack: number[] = [];
  for (let batch = 1; batch <= batches; batch++) {
    claims.open(batch, size);
    Atomics.store(go, 0, batch);
    let count = 0;
    while (Atomics.load(go, 1) < batch) count += claims.takeBack(batch, 1);
    takenBack.push(count);
    // The first batch is where the thread starts: until it has, this thread must not spin alone.
    if (batch === 1) await Bun.sleep(0);
  }
  const perBatch = await claimed;
  thread.terminate();
  for (const [i, own] of perBatch.entries()) {
    expect(own).toEqual(Array.from({ length: size - (takenBack[i] ?? 0) }, (_, index) => index));
  }
});
