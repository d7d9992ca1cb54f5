// One run on a machine, without Redis: the test is the run.

import { expect, test } from "bun:test";

import type { ToMachine, ToRun } from "../../../src/executors/redis/engine-messages.ts";
import type { Frame } from "../../../src/executors/redis/link.ts";
import {
  MachineSession,
  type SessionEnd,
} from "../../../src/executors/redis/machine/machine-session.ts";

class Bench {
  readonly sent: ToRun[] = [];
  readonly endings: SessionEnd[] = [];
  readonly session = new MachineSession({
    machine: { host: "h", pid: 1, version: "1", threads: 1, slots: 1 },
    createPool: () => {
      throw new Error("no pool in this test");
    },
    transmit: ({ messages }) => this.sent.push(...messages),
    load: async () => undefined,
    say: () => undefined,
    over: (reason) => this.endings.push(reason),
    measured: () => undefined,
  });
  #seq = 0;

  receive(...messages: ToMachine[]): void {
    const frame: Frame<ToMachine> = { seq: ++this.#seq, ack: 0, messages };
    this.session.receive(frame, 0);
  }

  async untilSent(type: ToRun["type"]): Promise<void> {
    while (!this.sent.some((message) => message.type === type)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const job = { session: "s", lease: 1, tasks: "", signature: "" };

test("two jobs of one lease are one claim, and neither keeps its place", async () => {
  const bench = new Bench();
  const both = [bench.session.run(job), bench.session.run(job)];
  await bench.untilSent("claim");
  bench.receive({ type: "refused", lease: 1 });
  await Promise.all(both);
  expect(bench.sent.filter(({ type }) => type === "claim")).toHaveLength(1);
});

test("a claim that nobody answers ends with the session", async () => {
  const bench = new Bench();
  const claimed = bench.session.run(job);
  bench.session.end("silent");
  await claimed;
  expect(bench.endings).toEqual(["silent"]);
  expect(bench.session.isOpen).toBe(false);
});

test("a bundle that is not to be had is asked for", async () => {
  const bench = new Bench();
  const module = { kind: "bundle", hash: "h", name: "etl" } as const;
  bench.receive({ type: "boot", module, secrets: [], maxInput: 0, hasLabels: false });
  await bench.untilSent("bundle-wanted");
  bench.session.end("over");
});
