// What is kept of the output of a process.

import { expect, test } from "bun:test";

import { OutputTail } from "../../src/serve/output-tail.ts";

test("a pipe that breaks is no error: what was read before is kept", async () => {
  let reads = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (++reads === 1) controller.enqueue(new TextEncoder().encode("error: no such table"));
      else controller.error(new Error("EIO: i/o error, read"));
    },
  });
  const tail = new OutputTail(100);
  await tail.read(stream);
  expect(tail.text).toBe("error: no such table");
});
