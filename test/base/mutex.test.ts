import { expect, test } from "bun:test";
import { Mutex } from "../../src/base/mutex.ts";

test("work runs one at a time, in the order of the calls, also after a failure", async () => {
  const mutex = new Mutex();
  const events: string[] = [];
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const runs = gates.map((gate, i) =>
    mutex.run(async () => {
      events.push(`begin ${i}`);
      await gate.promise;
      events.push(`end ${i}`);
      if (i === 0) throw new Error("failed");
      return i;
    }),
  );
  const results = Promise.allSettled(runs);
  for (const gate of gates.toReversed()) gate.resolve();
  expect((await results).map(({ status }) => status)).toEqual([
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  expect(events).toEqual(["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
});
