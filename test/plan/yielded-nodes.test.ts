import { describe, expect, test } from "bun:test";

import { nodesOf, type NodeStream } from "../../src/plan/yielded-nodes.ts";
import { node } from "../support/nodes.ts";

const streamOf = (work: Parameters<typeof nodesOf>[0]): NodeStream => {
  const nodes = nodesOf(work);
  if (nodes.kind === "all") throw new Error("not a stream");
  return nodes.stream;
};
const nothing = (): void => undefined;

describe("where nodes come from", () => {
  test("one node, or a list, is all there is", () => {
    const one = node("a");
    expect(nodesOf(one)).toEqual({ kind: "all", nodes: [one] });
    expect(nodesOf([one, one])).toEqual({ kind: "all", nodes: [one, one] });
  });

  test("a generator is pulled one by one", () => {
    const [a, b] = [node("a"), node("b")];
    const stream = streamOf(new Set([a, b]));
    expect(stream.pull(nothing, nothing)).toEqual({ node: a });
    expect(stream.pull(nothing, nothing)).toEqual({ node: b });
    expect(stream.isDone).toBe(false);
    expect(stream.pull(nothing, nothing)).toBeUndefined();
    expect(stream.isDone).toBe(true);
  });

  test("an async one is asked for one at a time", async () => {
    let asked = 0;
    const stream = streamOf(
      (async function* () {
        asked++;
        yield node("a");
      })(),
    );
    const arrived = Promise.withResolvers<unknown>();
    expect(stream.pull(arrived.resolve, arrived.reject)).toBeUndefined();
    expect(stream.isPending).toBe(true);
    expect(stream.pull(nothing, nothing)).toBeUndefined();
    expect(await arrived.promise).toMatchObject({ kind: "task" });
    expect([asked, stream.isPending, stream.isDone]).toEqual([1, false, false]);
  });

  test("closing lets a generator clean up, once", () => {
    let closed = 0;
    const stream = streamOf(
      (function* () {
        try {
          yield node("a");
          yield node("b");
        } finally {
          closed++;
        }
      })(),
    );
    stream.pull(nothing, nothing);
    stream.close();
    stream.close();
    expect(closed).toBe(1);
    expect(stream.isDone).toBe(true);
    expect(stream.pull(nothing, nothing)).toBeUndefined();
  });
});
