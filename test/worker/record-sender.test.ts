// What a worker sends, in which messages, and when it waits. The test holds the port.

import { describe, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { maxCredits } from "../../src/protocol/shared/credits.ts";
import { WorkerMemory } from "../../src/protocol/shared/worker-memory.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { type TaskRecord, unitItemMark } from "../../src/protocol/writer-records.ts";
import { packItem } from "../../src/protocol/codec/unit-item.ts";
import { Mask } from "../../src/protocol/mask.ts";
import {
  RecordSender,
  type Reporting,
  type FinishedRecord,
} from "../../src/worker/record-sender.ts";
import { completionsMark, unpackCompletions } from "../../src/protocol/codec/completions.ts";

class Port {
  readonly credits = WorkerMemory.create(1).credits;
  readonly posts: string[] = [];
  /** Gives credits back as soon as they are spent, like a writer that keeps up. */
  keepsUp = true;
  readonly sender: RecordSender;

  /** No time passes: records that are 10 ms old would be sent. */
  constructor(mask?: Mask) {
    this.sender = new RecordSender(this, this.credits, mask, { ...systemClock, now: () => 0 });
  }

  postMessage(text: string): void {
    this.posts.push(text);
    if (this.keepsUp) queueMicrotask(() => this.giveBack());
  }

  giveBack(): void {
    this.credits.giveBack(this.credits.outstanding());
  }

  fill(): void {
    this.keepsUp = false;
    this.credits.spend(maxCredits);
  }

  /** The records of each message so far; items of units are left as text. */
  get records(): (string | string[])[] {
    return this.posts.map((post) => {
      if (post.startsWith(unitItemMark)) return post;
      if (post.startsWith(completionsMark)) return doneIn(post);
      return (JSON.parse(post) as TaskRecord[]).map(
        (record) => `${record.type} ${"id" in record ? record.id : ""}`,
      );
    });
  }
}

function doneIn(post: string): string[] {
  const ids: string[] = [];
  unpackCompletions(post, ({ id }) => ids.push(`done ${id}`));
  return ids;
}

function attempt(id: number): Reporting & { progress: number } {
  return {
    id: taskId(id),
    progress: 0,
    startedRecord: () => ({
      type: "started",
      id: taskId(id),
      name: "t",
      key: "t",
      attempt: 1,
      at: 0,
    }),
    progressRecord() {
      return { type: "progress", id: this.id, progress: this.progress };
    },
  };
}

const finished = (id: number): FinishedRecord => ({
  type: "finished",
  id: taskId(id),
  name: "t",
  key: "t",
  attempt: 1,
  startedAt: 0,
  at: 0,
  outcome: { status: "done", result: "null" },
  wantsResult: "no",
});

const log = (line: string): TaskRecord => ({
  type: "log",
  id: taskId(1),
  name: "t",
  attempt: 1,
  at: 0,
  level: "info",
  line,
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("what is sent", () => {
  test("a task that ends before its start was sent is one record", async () => {
    const { sender, ...port } = view(new Port());
    const one = attempt(1);
    sender.started(one, false);
    sender.progressed(one);
    sender.finished(one, finished(1));
    await turn();
    expect(port.records()).toEqual([["done 1"]]);
  });

  test("the start of a long task is sent at once", () => {
    const { sender, ...port } = view(new Port());
    sender.started(attempt(1), true);
    expect(port.records()).toEqual([["started 1"]]);
  });

  test("the records of one turn go together, completions last", async () => {
    const { sender, ...port } = view(new Port());
    sender.add(log("a"));
    sender.finished(attempt(2), finished(2));
    sender.started(attempt(3), false);
    await turn();
    expect(port.records()).toEqual([["started 3", "log 1"], ["done 2"]]);
  });

  test("only the newest progress of a task is sent", async () => {
    const port = new Port();
    const one = attempt(1);
    for (const progress of [0.1, 0.2, 0.3]) {
      one.progress = progress;
      port.sender.progressed(one);
    }
    port.sender.flush();
    expect(port.posts.map((post) => JSON.parse(post) as unknown)).toEqual([
      [{ type: "progress", id: 1, progress: 0.3 }],
    ]);
    await turn();
    expect(port.posts).toHaveLength(1);
  });

  test("a message holds at most 128 Ki characters of log lines and results", () => {
    const port = new Port();
    for (let i = 0; i < 64; i++) port.sender.add(log("x".repeat(8192)));
    expect(port.records.map((records) => records.length)).toEqual([16, 16, 16, 16]);
    const result = `"${"x".repeat(65_534)}"`;
    for (const id of [1, 2, 3]) {
      port.sender.finished(attempt(id), { ...finished(id), outcome: { status: "done", result } });
    }
    expect(port.records.slice(4)).toEqual([["done 1", "done 2"]]);
  });

  test("a message holds at most 512 records", async () => {
    const { sender, ...port } = view(new Port());
    for (let i = 0; i < 1024; i++) sender.add(log("x"));
    expect(port.records().map((post) => post.length)).toEqual([512, 512]);
    await turn();
    expect(port.records()).toHaveLength(2);
  });
});

describe("a unit", () => {
  test("is sent item by item, then its end; earlier records go first", async () => {
    const { sender, ...port } = view(new Port());
    const one = attempt(1);
    sender.started(one, false);
    sender.add(log("before"));
    await sender.room();
    sender.unit(one, ["#p1", "#p2"], finished(1));
    expect(port.records()).toEqual([["started 1", "log 1"], "#p1", "#p2", ["finished 1"]]);
  });

  test("waits for room before it begins; records of other tasks may be sent meanwhile", async () => {
    const port = new Port();
    port.fill();
    const sending = port.sender
      .room()
      .then(() => port.sender.unit(attempt(1), ["#p1", "#p2"], finished(1)));
    await turn();
    port.sender.add(log("meanwhile"));
    await turn();
    expect(port.posts).toEqual([]);
    port.keepsUp = true;
    port.giveBack();
    port.sender.wake();
    await sending;
    expect(port.records).toEqual([["log 1"], "#p1", "#p2", ["finished 1"]]);
  });
});

describe("without room", () => {
  test("nothing is sent until there is room", async () => {
    const port = new Port();
    port.fill();
    port.sender.started(attempt(1), false);
    port.sender.add(log("a"));
    await turn();
    expect(port.posts).toEqual([]);
    expect(port.sender.hasRoom).toBe(false);
    port.giveBack();
    port.sender.wake();
    await turn();
    expect(port.records).toEqual([["started 1", "log 1"]]);
  });

  test("all that wait for room go on", async () => {
    const port = new Port();
    port.fill();
    let through = 0;
    const waiting = [1, 2, 3].map(async () => {
      await port.sender.room();
      through++;
    });
    await turn();
    port.sender.wake();
    await turn();
    expect(through).toBe(0);
    port.giveBack();
    port.sender.wake();
    await Promise.all(waiting);
    expect(through).toBe(3);
  });
});

test("secrets are masked in logs and names, not in results and messages", async () => {
  const port = new Port(Mask.of(["KEY"], { KEY: "the-s3cret" }));
  port.sender.add(log("the-s3cret"));
  const item = packItem({ type: "emit", id: taskId(1), message: "m", payload: '"the-s3cret"' });
  await port.sender.room();
  const result = '"the-s3cret"';
  const end = {
    ...finished(1),
    name: "t the-s3cret",
    outcome: { status: "done", result } as const,
  };
  port.sender.unit(attempt(1), [item], end);
  port.sender.finished(attempt(2), { ...end, id: taskId(2) });
  await turn();
  const [logged, sent, ended, packed] = port.posts;
  expect(logged).toContain('"line":"***"');
  expect(sent).toBe(item);
  expect(ended).toContain('"name":"t ***"');
  expect(ended).toContain("the-s3cret");
  const names: string[] = [];
  const results: string[] = [];
  unpackCompletions(packed ?? "", (done) => {
    names.push(done.name);
    results.push(done.result);
  });
  expect([names, results]).toEqual([["t ***"], [result]]);
});

/** The sender, and what it has sent so far. */
function view(port: Port): { sender: RecordSender; records: () => Port["records"] } {
  return { sender: port.sender, records: () => port.records };
}
