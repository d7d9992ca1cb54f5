import { expect, test } from "bun:test";

import type { WriterThread } from "../../src/engine/run-options.ts";
import { type WriterEvents, WriterLink } from "../../src/engine/writer-link.ts";
import { Mask } from "../../src/protocol/mask.ts";
import type { FromWriter, ToWriter } from "../../src/protocol/messages.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { EngineParts, failure, started } from "./engine-parts.ts";

class FakeThread implements WriterThread {
  readonly posted: ToWriter[] = [];
  onmessage: WriterThread["onmessage"] = null;
  onerror: WriterThread["onerror"] = null;
  postMessage(message: ToWriter): void {
    this.posted.push(message);
  }
  terminate(): void {
    this.posted.length = 0;
  }
  addEventListener(): void {}
  says(message: FromWriter): void {
    this.onmessage?.(new MessageEvent("message", { data: message }));
  }
}

class Rig extends EngineParts {
  readonly thread = new FakeThread();
  readonly said: unknown[] = [];
  readonly thrown: unknown[] = [];
  readonly garbage: number[] = [];
  wait: Promise<void> | undefined;
  readonly link: WriterLink;

  constructor(mask?: Mask) {
    super();
    const note =
      (type: string) =>
      (...what: unknown[]): void =>
        void this.said.push([type, ...what]);
    const events: WriterEvents = {
      restored: note("restored"),
      notReused: note("notReused"),
      sourcesWanted: note("sourcesWanted"),
      codeWanted: note("codeWanted"),
      opened: note("opened"),
      doneElsewhere: note("doneElsewhere"),
      committed: note("committed"),
      detached: note("detached"),
      results: note("results"),
      output: note("output"),
      failed: note("failed"),
      closed: note("closed"),
    };
    const failOnThrow = (work: () => void): void => {
      try {
        work();
      } catch (thrown) {
        this.thrown.push(thrown);
      }
    };
    this.link = new WriterLink(
      {
        ...this.deps,
        mask,
        garbage: { add: (chars) => void this.garbage.push(chars) },
        behind: () => this.wait,
        failOnThrow,
      },
      events,
    );
  }

  opened(): this {
    this.link.open(this.thread, { type: "open" } as Extract<ToWriter, { type: "open" }>);
    this.life.begin(started);
    return this;
  }

  commit(chars = 0): void {
    this.thread.says({ type: "committed", events: `[]${" ".repeat(chars)}` });
    this.link.seen();
  }

  get acknowledged(): number[] {
    return this.thread.posted.flatMap((message) =>
      message.type === "seen" ? [message.count] : [],
    );
  }
}

test("commits are acknowledged 16 at a time, or when they are long", () => {
  const rig = new Rig().opened();
  for (let i = 0; i < 40; i++) rig.commit();
  expect(rig.acknowledged).toEqual([16, 16]);
  rig.commit(1024 * 1024);
  expect(rig.acknowledged).toEqual([16, 16, 9]);
});

test("a reader that is behind holds the acknowledgements, and gets its own when it has caught up", async () => {
  const rig = new Rig().opened();
  const caughtUp = Promise.withResolvers<void>();
  rig.wait = caughtUp.promise;
  for (let i = 0; i < 40; i++) rig.commit();
  expect(rig.acknowledged).toEqual([]);
  caughtUp.resolve();
  await caughtUp.promise;
  expect(rig.acknowledged).toEqual([40]);
});

test("texts of commits, and results that were read from the file, are counted as garbage", () => {
  const rig = new Rig().opened();
  rig.commit(98);
  const results = [
    [taskId(1), "12345"],
    [taskId(2), '"six"'],
  ] as const;
  rig.thread.says({ type: "results", results });
  expect(rig.garbage).toEqual([100, 10]);
});

test("a run that ends waits for no reader", () => {
  const rig = new Rig().opened();
  rig.wait = new Promise(() => undefined);
  rig.commit();
  rig.life.endEarly({ status: "cancelled", failure: null });
  rig.link.readerCaughtUp();
  for (let i = 0; i < 16; i++) rig.commit();
  expect(rig.acknowledged).toEqual([1, 16]);
});

test("what goes to the file, and what comes back of failures, is masked", () => {
  const mask = Mask.of(["KEY"], { KEY: "swordfish-1" });
  const rig = new Rig(mask).opened();
  const message = "no swordfish-1";
  const skipped = { type: "skipped", id: taskId(1), name: "a", key: "a", at: 0 } as const;
  rig.link.record([{ ...skipped, failure: { ...failure, message } }]);
  rig.link.send({ type: "close", status: "error", failure: { ...failure, message } });
  rig.thread.says({ type: "failed", failure: { ...failure, message } });
  const text = JSON.stringify([rig.thread.posted, rig.said]);
  expect(text).not.toContain("swordfish");
  expect(text.match(/no \*\*\*/g)).toHaveLength(3);
});

test("what is thrown while a message is taken in does not leave the link", () => {
  const rig = new Rig().opened();
  rig.thread.says({ type: "committed", events: "no JSON" });
  expect(rig.thrown).toHaveLength(1);
});

test("nothing is sent before the writer is open: that is a bug", () => {
  const rig = new Rig();
  expect(() => rig.link.send({ type: "total", total: 1, complete: true })).toThrow(
    'Internal error: "total" for a writer that was not opened',
  );
});
