import { describe, expect, test } from "bun:test";

import { KeptTexts } from "../../../src/executors/redis/machine/kept-texts.ts";
import { CompletionPacker, unpackCompletions } from "../../../src/protocol/codec/completions.ts";
import { taskId } from "../../../src/protocol/ids.ts";
import type { TaskRecord } from "../../../src/protocol/writer-records.ts";

const started = (id: number, attempt = 1): TaskRecord => ({
  type: "started",
  id: taskId(id),
  name: "t",
  key: `t:${id}`,
  attempt,
  at: 1_000 + id,
});
const finished = (id: number, attempt = 1): TaskRecord => ({
  type: "finished",
  id: taskId(id),
  name: "t",
  key: `t:${id}`,
  attempt,
  startedAt: 1_000 + id,
  at: 2_000,
  outcome: { status: "done", result: "null" },
  wantsResult: "no",
});
const checkpoint = (id: number, seq: number, cursor: string): TaskRecord => ({
  type: "checkpoint",
  id: taskId(id),
  key: `t:${id}`,
  attempt: 1,
  seq,
  cursor,
});
const text = (...records: readonly TaskRecord[]): string => JSON.stringify(records);
const offered = (id: number, cursor: string | null = null) => ({
  id: taskId(id),
  key: `t:${id}`,
  attempt: 1,
  startedAt: 1_000 + id,
  wantsResult: "no" as const,
  cursor,
});
const kept = (most?: number) => new KeptTexts(() => ({ wantsResult: "no" }), most);
const ids = (...numbers: readonly number[]) => new Set(numbers.map((id) => taskId(id)));

describe("what a thread has sent and the writer has not committed", () => {
  test("an attempt is offered until its end is committed", () => {
    const texts = kept();
    texts.add(text(started(1), started(2)));
    texts.add("#rows of 1");
    texts.add(text(finished(1)), [taskId(1)]);
    texts.committed(1);
    expect(texts.offers).toEqual([offered(1), offered(2)]);
    // The writer has committed the unit with its end.
    texts.committed(1);
    expect(texts.offers).toEqual([offered(2)]);
    expect(texts.keepOnly(ids(1, 2))).toEqual([]);
  });

  test("an attempt whose start was never sent is not offered", () => {
    const texts = kept();
    texts.add(text(finished(1)), [taskId(1)]);
    expect(texts.offers).toEqual([]);
  });

  test("it is offered with its last committed cursor, and not at all where nobody can tell which that is", () => {
    const texts = kept();
    texts.add(text(started(1)));
    texts.add("#rows");
    texts.add(text(checkpoint(1, 7, '"a"')));
    expect(texts.offers).toEqual([offered(1)]);
    texts.committed(2, [{ id: taskId(1), seq: 7 }]);
    expect(texts.offers).toEqual([offered(1, '"a"')]);
    texts.add(text(checkpoint(1, 8, '"b"')));
    const failure = { name: "Error", message: "refused" };
    texts.committed(1, [{ id: taskId(1), seq: 8, failure }]);
    expect(texts.offers).toEqual([offered(1, '"a"')]);
    texts.add(text(checkpoint(1, 9, '"a"')));
    expect(texts.offers).toEqual([]);
  });

  test("only what is wanted is sent again, in its order, and kept until it is committed", () => {
    const texts = kept();
    const packer = new CompletionPacker();
    const completion = {
      name: "t",
      attempt: 1,
      startedAt: 1,
      at: 2,
      result: "1",
      wantsResult: "no",
    } as const;
    const more = {
      input: undefined,
      label: undefined,
      needs: undefined,
      position: undefined,
    } as const;
    for (const id of [1, 2]) packer.add({ ...completion, ...more, id: taskId(id), key: `t:${id}` });
    texts.add(text(started(1), started(2), started(3)));
    texts.add("#rows of 3");
    texts.add(text(finished(3)), [taskId(3)]);
    texts.add("#rows of 2");
    texts.add(text(checkpoint(2, 1, "1")));
    texts.add(
      text(
        { type: "progress", id: taskId(1), progress: 0.5 },
        { type: "progress", id: taskId(2), progress: 0.5 },
      ),
    );
    texts.add(packer.take(), [taskId(1), taskId(2)]);
    texts.add("#rows of another unit");
    const again = texts.keepOnly(ids(2));
    expect(again).toEqual([
      "#rows of 2",
      text(checkpoint(2, 1, "1")),
      text({ type: "progress", id: taskId(2), progress: 0.5 }),
      expect.any(String),
      "#rows of another unit",
    ]);
    const completed: number[] = [];
    unpackCompletions(again[3] ?? "", ({ id }) => completed.push(id));
    expect(completed).toEqual([2]);
    expect(texts.offers.map(({ id }) => Number(id))).toEqual([2]);
    texts.committed(3, [{ id: taskId(2), seq: 1 }]);
    expect(texts.offers).toEqual([]);
  });

  test("what an earlier attempt has sent is not sent again", () => {
    const texts = kept();
    texts.add(text(started(1), finished(1), started(1, 2)), [taskId(1)]);
    expect(texts.keepOnly(ids(1))).toEqual([]);
  });

  test("with more than it may keep, it offers only what begins later", () => {
    const texts = kept(300);
    texts.add(text(started(1)));
    texts.add(`#${"x".repeat(300)}`);
    expect(texts.offers).toEqual([]);
    texts.add(text(started(2)));
    // The first text was committed, which is not kept any more.
    texts.committed(1);
    expect(texts.offers).toEqual([offered(2)]);
    texts.add(text(finished(2)), [taskId(2)]);
    texts.committed(2);
    expect(texts.offers).toEqual([]);
  });

  test("what a run has been offered is kept, however much follows", () => {
    const texts = kept(300);
    const rows = `#${"x".repeat(250)}`;
    texts.add(text(started(1)));
    texts.committed(1);
    texts.add(rows);
    expect(texts.offers).toEqual([offered(1)]);
    texts.add(rows, [], false);
    texts.add(text(finished(1)), [taskId(1)], false);
    expect(texts.keepOnly(ids(1))).toEqual([rows, rows, text(finished(1))]);
  });
});
