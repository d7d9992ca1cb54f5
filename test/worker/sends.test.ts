// What an attempt sends. The test plays the writer: each commit waits for its answer.

import { describe, expect, test } from "bun:test";
import type { Row, Rows } from "../../src/api/context.ts";
import { message } from "../../src/api/message.ts";
import type { Failure } from "../../src/base/failure.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { UnitItemReader } from "../../src/protocol/codec/unit-item.ts";
import { insertTarget } from "../../src/worker/target-table.ts";
import { Sends } from "../../src/worker/sends.ts";
import type { UnitLimits } from "../../src/worker/unit.ts";
import { rowsOf } from "../support/read-rows.ts";

const id = taskId(1);
const table = insertTarget(id, "t");
const note = message<unknown>("note", () => undefined);
const refused: Failure = { name: "RowsError", message: "refused" };

type Commit = {
  readonly cursor: string;
  readonly sent: unknown[];
  /** The writer's answer. */
  answer(failure?: Failure): void;
};

/** The sends of one attempt, and the commits that the writer has received. */
class Attempt {
  readonly commits: Commit[] = [];
  readonly cursors: string[] = [];
  readonly sends: Sends;
  /** The writer has no room until this resolves. */
  room = Promise.resolve();

  constructor(limits?: UnitLimits) {
    this.sends = new Sends(
      {
        id,
        commit: async (unit, cursor, mayStart) => {
          await this.room;
          if (!mayStart()) return undefined;
          const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
          this.commits.push({ cursor, sent: unit.take().flatMap(sentIn), answer: resolve });
          return { answer: promise };
        },
        committed: (cursor) => void this.cursors.push(cursor),
        callFailed: () => undefined,
        rejectionsReported: turn,
      },
      limits,
    );
  }

  insert(rows: Rows): Promise<void> {
    return this.sends.call(() => this.sends.rows(rows, table));
  }

  emit(payload: unknown): Promise<void> {
    return this.sends.call(() => this.sends.emit(note, payload));
  }

  checkpoint(cursor: unknown): Promise<void> {
    return this.sends.call(() => this.sends.checkpoint(JSON.stringify(cursor)));
  }

  /** The task has returned. Returns the items of its last unit. */
  async end(): Promise<unknown[]> {
    await this.sends.settle();
    return this.sends
      .close(() => new Error("ended"))
      .take()
      .flatMap(sentIn);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The first cell of each row, or the payload. */
function sentIn(text: string): unknown[] {
  const item = new UnitItemReader().read(text);
  if (item.type === "emit") return [item.payload];
  if (item.type === "state") return [[item.key, item.value]];
  if (item.type === "table") return [item.columns.map(({ name, kinds }) => [name, kinds])];
  return rowsOf(item).map(([first]) => first);
}

const rows = (...values: readonly unknown[]): Row[] => values.map((n) => ({ n }) as Row);
const bad = Symbol("no cell");

function* endless(): Generator<Row> {
  for (let n = 0; ; n++) yield { n };
}

const outcome = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "fulfilled",
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : thrown),
  );

/** A source that the test feeds. */
class Source implements AsyncIterator<Row> {
  readonly asked: PromiseWithResolvers<IteratorResult<Row>>[] = [];
  isClosed = false;

  [Symbol.asyncIterator](): this {
    return this;
  }
  next(): Promise<IteratorResult<Row>> {
    const asked = Promise.withResolvers<IteratorResult<Row>>();
    this.asked.push(asked);
    return asked.promise;
  }
  return(): Promise<IteratorResult<Row>> {
    this.isClosed = true;
    // Like a generator that hangs in an await: it never ends.
    return new Promise(() => undefined);
  }
  async give(n: unknown): Promise<void> {
    this.asked.shift()?.resolve({ done: false, value: { n } as Row });
    await turn();
  }
  async end(): Promise<void> {
    this.asked.shift()?.resolve({ done: true, value: undefined });
    await turn();
  }
  async fail(thrown: unknown): Promise<void> {
    this.asked.shift()?.reject(thrown);
    await turn();
  }
}

describe("a call is encoded when it is made", () => {
  test("arrays, iterables and payloads may be used again, awaited or not", async () => {
    const attempt = new Attempt();
    const list = rows(1, 2);
    const set = new Set(rows(3));
    const payload = { n: 4 };
    void attempt.insert(list);
    void attempt.insert(set);
    void attempt.emit(payload);
    list.length = 0;
    set.clear();
    payload.n = 0;
    list.push({ n: 5 });
    await attempt.insert(list);
    expect(await attempt.end()).toEqual([1, 2, 3, '{"n":4}', 5]);
  });

  test("the rows of a source keep the position of its call, however late they arrive", async () => {
    const attempt = new Attempt();
    const [first, second] = [new Source(), new Source()];
    void attempt.insert(rows(1));
    void attempt.insert(first);
    void attempt.insert(rows(4));
    void attempt.insert(second);
    void attempt.insert(rows(6));
    await second.give(5);
    await second.end();
    await first.give(2);
    await first.give(3);
    await first.end();
    expect(await attempt.end()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("a task that has returned waits for the sources that it did not await", async () => {
    const attempt = new Attempt();
    const source = new Source();
    void attempt.insert(source);
    const end = attempt.end();
    await source.give(1);
    await source.end();
    expect(await end).toEqual([1]);
  });
});

describe("a failure", () => {
  const observers: readonly [how: string, observe: (sent: Promise<void>) => Promise<unknown>][] = [
    [
      "await",
      async (sent) => {
        try {
          await sent;
        } catch {}
      },
    ],
    ["catch", (sent) => sent.catch(() => undefined)],
    ["then", (sent) => sent.then(undefined, () => undefined)],
    ["finally", (sent) => sent.finally(() => undefined).catch(() => undefined)],
    ["Promise.all", (sent) => Promise.all([sent, turn()]).catch(() => undefined)],
    ["Promise.allSettled", (sent) => Promise.allSettled([sent])],
    ["Promise.race", (sent) => Promise.race([sent, turn()]).catch(() => undefined)],
    ["Promise.any", (sent) => Promise.any([sent, turn()]).catch(() => undefined)],
    ["Promise.resolve", (sent) => Promise.resolve(sent).catch(() => undefined)],
    ["return from an async function", (sent) => (async () => sent)().catch(() => undefined)],
  ];

  test.each(observers)("that the author takes over by %s is the author's", async (_, observe) => {
    const attempt = new Attempt();
    const sent = attempt.insert(rows(1, bad));
    expect(sent).toBeInstanceOf(Promise);
    await observe(sent);
    void attempt.insert(rows(2));
    expect(await attempt.end()).toEqual([2]);
  });

  test("that nobody handles fails the task, and does not affect other calls", async () => {
    const attempt = new Attempt();
    void attempt.insert(rows(bad));
    expect(await outcome(attempt.insert(rows(2)))).toBe("fulfilled");
    expect(await outcome(attempt.end())).toContain("rows[0].n is a symbol");
  });

  test("removes all rows of its call and no others, also among many batches", async () => {
    const attempt = new Attempt();
    const many = Array.from({ length: 5000 }, (_, n) => ({ n }));
    void attempt.insert(rows("before"));
    const sent = outcome(attempt.insert([...many, ...rows(bad)]));
    void attempt.insert(rows("after"));
    expect(await sent).toContain("rows[5000].n is a symbol");
    expect(await attempt.end()).toEqual(["before", "after"]);
  });

  test("of a source removes its rows and closes it", async () => {
    const attempt = new Attempt();
    const [wrong, broken] = [new Source(), new Source()];
    const results = [outcome(attempt.insert(wrong)), outcome(attempt.insert(broken))];
    await wrong.give(1);
    await wrong.give(bad);
    await broken.give(2);
    await broken.fail(new Error("the line is dead"));
    expect(await Promise.all(results)).toEqual([
      expect.stringContaining("rows[1].n is a symbol"),
      "the line is dead",
    ]);
    // A source that has thrown has ended by itself.
    expect([wrong.isClosed, broken.isClosed]).toEqual([true, false]);
    void attempt.insert(rows(3));
    expect(await attempt.end()).toEqual([3]);
  });

  test("above the bound leaves the unit as it was", async () => {
    const attempt = new Attempt({ rows: 3, chars: 1e6 });
    await attempt.insert(rows(1));
    expect(await outcome(attempt.insert(rows(2, 3, 4)))).toContain("call `await ctx.checkpoint");
    expect(await outcome(attempt.insert(endless()))).toContain("call `await ctx.checkpoint");
    await attempt.insert(rows(5, 6));
    expect(await attempt.end()).toEqual([1, 5, 6]);
  });
});

describe("a checkpoint", () => {
  test("commits what was sent before its call, and nothing that was sent after", async () => {
    const attempt = new Attempt();
    const source = new Source();
    void attempt.insert(source);
    void attempt.insert(rows(2));
    const first = attempt.checkpoint("a");
    void attempt.insert(rows(3));
    const second = attempt.checkpoint("b");
    void attempt.insert(rows(4));
    await turn();
    expect(attempt.commits).toEqual([]);
    await source.give(1);
    await source.end();
    expect(attempt.commits).toMatchObject([{ cursor: '"a"', sent: [1, 2] }]);
    attempt.commits[0]?.answer();
    await first;
    await turn();
    expect(attempt.commits[1]).toMatchObject({ cursor: '"b"', sent: [3] });
    attempt.commits[1]?.answer();
    await second;
    expect(attempt.cursors).toEqual(['"a"', '"b"']);
    expect(await attempt.end()).toEqual([4]);
  });

  test("is not committed when an earlier one is refused, unless the author has handled that", async () => {
    const attempt = new Attempt();
    void attempt.insert(rows(1));
    const first = outcome(attempt.checkpoint("a"));
    void attempt.insert(rows(2));
    const second = outcome(attempt.checkpoint("b"));
    await turn();
    attempt.commits[0]?.answer(refused);
    expect(await Promise.all([first, second])).toEqual(["refused", "refused"]);
    expect(attempt.commits).toHaveLength(1);
    void attempt.insert(rows(3));
    const third = attempt.checkpoint("c");
    await turn();
    // The rows of the second checkpoint were sent and never refused.
    expect(attempt.commits[1]).toMatchObject({ cursor: '"c"', sent: [2, 3] });
    attempt.commits[1]?.answer();
    await third;
    expect(await attempt.end()).toEqual([]);
  });

  test("does not store a cursor after a failed send that nobody has handled", async () => {
    for (const kind of ["an array", "a source"]) {
      const attempt = new Attempt();
      void attempt.insert(rows(1));
      const source = new Source();
      const sent = attempt.insert(kind === "an array" ? rows(bad) : source);
      const both = Promise.allSettled([sent, attempt.checkpoint("past it")]);
      await source.give(bad);
      const [, checkpoint] = await both;
      expect(checkpoint).toMatchObject({ status: "rejected" });
      expect(attempt.commits).toEqual([]);
      // By now the author has handled the failure.
      const again = attempt.checkpoint("again");
      await turn();
      expect(attempt.commits).toMatchObject([{ sent: [1] }]);
      attempt.commits[0]?.answer();
      await again;
    }
  });

  test("is committed after a failure that the author had handled before", async () => {
    const attempt = new Attempt();
    const source = new Source();
    attempt.insert(rows(bad)).catch(() => undefined);
    attempt.insert(source).catch(() => undefined);
    const checkpoint = attempt.checkpoint("on");
    await source.give(bad);
    expect(attempt.commits).toMatchObject([{ cursor: '"on"', sent: [] }]);
    attempt.commits[0]?.answer();
    await checkpoint;
  });

  test("called by a source that it would wait for is refused", async () => {
    const attempt = new Attempt();
    async function* source(): AsyncGenerator<Row> {
      yield { n: 1 };
      await turn();
      await attempt.checkpoint("inside");
    }
    expect(await outcome(attempt.insert(source()))).toContain("would wait for its end");
  });

  test("that waits for the writer delays later sends, if they are awaited", async () => {
    const attempt = new Attempt();
    const { promise, resolve } = Promise.withResolvers<void>();
    attempt.room = promise;
    void attempt.checkpoint(1).catch(() => undefined);
    let isThrough = false;
    const sent = (async () => {
      await attempt.insert(rows(1));
      isThrough = true;
    })();
    await turn();
    expect(isThrough).toBe(false);
    resolve();
    await sent;
  });

  test("is bounded in number, even if nobody awaits it", async () => {
    const attempt = new Attempt({ rows: 5, chars: 1e6 });
    attempt.room = new Promise(() => undefined);
    const results = Array.from({ length: 11 }, (_, n) => outcome(attempt.checkpoint(n)));
    expect(await results.at(-1)).toContain("more than 10 rows, messages and values");
  });
});

describe("the end of the attempt", () => {
  test("stops sources that would never end, and rejects open sends", async () => {
    const attempt = new Attempt();
    const source = new Source();
    const results = [outcome(attempt.insert(source)), outcome(attempt.checkpoint("waits"))];
    await source.give(1);
    attempt.sends.close(() => new Error("the task has ended"));
    expect(await Promise.all(results)).toEqual(["the task has ended", "the task has ended"]);
    expect(source.isClosed).toBe(true);
    // The source still gives the row that it was asked for.
    await source.give(2);
    expect([attempt.commits, source.asked]).toEqual([[], []]);
  });

  test("takes a checkpoint that waits for room back", async () => {
    const attempt = new Attempt();
    const { promise, resolve } = Promise.withResolvers<void>();
    attempt.room = promise;
    void attempt.insert(rows(1));
    const checkpoint = outcome(attempt.checkpoint("late"));
    await turn();
    attempt.sends.close(() => new Error("the task has ended"));
    resolve();
    expect(await checkpoint).toBe("the task has ended");
    await turn();
    expect([attempt.commits, attempt.cursors]).toEqual([[], []]);
  });

  test("leaves a checkpoint that was sent to the writer's answer", async () => {
    const attempt = new Attempt();
    const checkpoint = attempt.checkpoint("in time");
    await turn();
    attempt.sends.close(() => new Error("the task has ended"));
    attempt.commits[0]?.answer();
    await checkpoint;
    expect(attempt.cursors).toEqual(['"in time"']);
  });
});

const setState = (attempt: Attempt, key: string, value: string): Promise<void> =>
  attempt.sends.call(() => attempt.sends.setState(key, value, 0));

describe("state", () => {
  test("a value is read back until it is committed, the newest one", async () => {
    const attempt = new Attempt();
    await setState(attempt, "a", "1");
    expect(attempt.sends.stateOf("a")).toBe("1");
    expect(attempt.sends.stateOf("b")).toBeUndefined();
    const first = attempt.checkpoint(1);
    await turn();
    expect(attempt.commits[0]?.sent).toEqual([["a", "1"]]);
    expect(attempt.sends.stateOf("a")).toBe("1");
    await setState(attempt, "a", "2");
    expect(attempt.sends.stateOf("a")).toBe("2");
    attempt.commits[0]?.answer();
    await first;
    expect(attempt.sends.stateOf("a")).toBe("2");
    const second = attempt.checkpoint(2);
    await turn();
    attempt.commits[1]?.answer();
    await second;
    expect(attempt.sends.stateOf("a")).toBeUndefined();
  });

  test("a checkpoint that is refused keeps its values, behind later ones", async () => {
    const attempt = new Attempt();
    // Until the checkpoint is sent, its unit keeps its items.
    attempt.room = Promise.reject(new Error("no writer"));
    await setState(attempt, "a", "1");
    await setState(attempt, "b", "1");
    const refusal = outcome(attempt.checkpoint(1));
    await setState(attempt, "a", "2");
    expect(await refusal).toBe("no writer");
    expect(["a", "b"].map((key) => attempt.sends.stateOf(key))).toEqual(["2", "1"]);
    expect(await attempt.end()).toEqual([
      ["a", "1"],
      ["b", "1"],
      ["a", "2"],
    ]);
  });
});
