// Whether anybody listens: only then is there anything to look for.

import { expect, test } from "bun:test";

import { EventStream } from "../../src/page/event-stream.ts";

test("a browser that is gone before it is answered is not listened for", async () => {
  const heard: boolean[] = [];
  const stream = new EventStream((isHeard) => void heard.push(isHeard));
  const response = stream.open(AbortSignal.abort());
  expect(heard).toEqual([]);
  expect(await response.text()).toBe("");
  // The next one is the first.
  const leaves = new AbortController();
  stream.open(leaves.signal);
  leaves.abort();
  expect(heard).toEqual([true, false]);
});
