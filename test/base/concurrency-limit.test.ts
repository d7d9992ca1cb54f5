import { expect, test } from "bun:test";

import { ConcurrencyLimit } from "../../src/base/concurrency-limit.ts";

test("so many run at once, the others in the order of the calls, also after one that fails", async () => {
  const limit = new ConcurrencyLimit(2);
  const begun: number[] = [];
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const ended = gates.map(({ promise }, i) =>
    limit.run(() => {
      begun.push(i);
      return promise;
    }),
  );
  expect([begun, limit.waiting]).toEqual([[0, 1], 2]);
  gates[1]?.reject(new Error("no"));
  expect(await ended[1]?.catch((error: Error) => error.message)).toBe("no");
  expect([begun, limit.waiting]).toEqual([[0, 1, 2], 1]);
  for (const gate of gates) gate.resolve();
  await Promise.all([ended[0], ended[2], ended[3]]);
  expect(begun).toEqual([0, 1, 2, 3]);
  await limit.run(async () => begun.push(4));
  expect(begun).toContain(4);
});
