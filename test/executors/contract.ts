// What the engine relies on, of whatever runs the tasks. Each kind of executors passes this suite.

import { describe, expect, test } from "bun:test";

import type { Failure } from "../../src/base/failure.ts";
import type { CreateExecutors } from "../../src/executors/executors.ts";
import { runId } from "../../src/protocol/ids.ts";
import type { ModuleRef } from "../../src/protocol/messages.ts";
import type { Call } from "../support/control.ts";
import { Bench } from "./bench.ts";

/**
 * One kind of executors, and a module of these tasks for it:
 * - `done` ends at once;
 * - `gate` waits until the test lets it go on, or its signal is aborted;
 * - `chatty` logs 4 M characters: more than a worker may send before the writer gives credits back;
 * - `exit` ends its worker.
 * The module prints `loading` while it is loaded.
 */
export type Harness = AsyncDisposable & {
  readonly create: CreateExecutors;
  readonly module: ModuleRef;
  /** The next `gate` that has come to its place. */
  nextGate(): Promise<Call>;
  /** Gates that have come and were not taken by `nextGate`. */
  readonly waitingGates: number;
};

const late: Failure = { name: "TimeoutError", message: "late" };
const missing: ModuleRef = { kind: "builtin", name: "missing" };

export function executorsContract(kind: string, open: () => Harness | Promise<Harness>): void {
  describe(kind, () => {
    test("no worker gets a task before `begin`", async () => {
      await using harness = await open();
      using bench = new Bench(harness);
      bench.executors.start();
      const ids = bench.add("done");
      await bench.until(() => bench.outputs.includes("loading"));
      expect(bench.takenBy.size).toBe(0);
      bench.executors.begin({
        id: runId(1),
        pipeline: "p",
        params: "{}",
        maxLogLines: null,
        hasOwnTables: false,
      });
      await bench.until(() => bench.haveEnded(ids));
    });

    test("every task runs once, in the worker that holds it", async () => {
      await using harness = await open();
      using bench = new Bench(harness, { workers: 2, concurrency: 4 });
      bench.begin();
      const ids = bench.add("done", 1000);
      await bench.until(() => bench.haveEnded(ids) && bench.executors.isQuiet);
      for (const id of ids) {
        expect(bench.ended.get(id)).toEqual({ workerId: bench.whoHas(id), status: "done" });
      }
    });

    test("as many tasks run at once as there are slots", async () => {
      await using harness = await open();
      using bench = new Bench(harness, { workers: 2, concurrency: 3 });
      bench.begin();
      const ids = bench.add("gate", 5);
      const gates = [await harness.nextGate(), await harness.nextGate(), await harness.nextGate()];
      expect(harness.waitingGates).toBe(0);
      expect(bench.executors.isQuiet).toBe(false);
      for (const gate of gates) gate.finish();
      for (let i = 0; i < 2; i++) (await harness.nextGate()).finish();
      await bench.until(() => bench.haveEnded(ids));
      for (const { most, idle } of bench.asked) {
        expect(most).toBeGreaterThan(0);
        expect(idle).toBeLessThanOrEqual(2);
      }
    });

    test("tasks do not wait behind a long one while another worker is idle", async () => {
      await using harness = await open();
      using bench = new Bench(harness, { workers: 2, concurrency: 2 });
      bench.begin();
      await bench.warmUp();
      bench.add("gate");
      const ids = bench.add("done", 100);
      const gate = await harness.nextGate();
      await bench.until(() => bench.haveEnded(ids));
      for (const id of ids) expect(bench.ended.get(id)?.workerId).toBe(bench.whoHas(id));
      gate.finish();
    });

    test("a task that is taken back does not run", async () => {
      await using harness = await open();
      using bench = new Bench(harness);
      bench.begin();
      await bench.warmUp();
      bench.ready = [];
      const ids = [...bench.add("gate"), ...bench.add("done", 50)];
      const gate = await harness.nextGate();
      bench.ready = [];
      const takenBack = bench.executors.takeBackAll();
      gate.finish();
      const begun = ids.filter((id) => bench.takenBy.has(id) && !takenBack.includes(id));
      expect(begun).not.toBeEmpty();
      await bench.until(() => bench.haveEnded(begun) && bench.executors.isQuiet);
      expect(takenBack.filter((id) => bench.ended.has(id))).toEqual([]);
    });

    test("cancel aborts what runs", async () => {
      await using harness = await open();
      using bench = new Bench(harness, { workers: 2, concurrency: 2 });
      bench.begin();
      const ids = bench.add("gate", 2);
      const gates = [await harness.nextGate(), await harness.nextGate()];
      bench.executors.cancel();
      for (const gate of gates) await gate.gone;
      await bench.until(() => bench.haveEnded(ids));
      expect(ids.map((id) => bench.ended.get(id)?.status)).toEqual(["cancelled", "cancelled"]);
    });

    test("a worker that is killed is lost, with all that it held, and replaced", async () => {
      await using harness = await open();
      using bench = new Bench(harness);
      bench.begin();
      await bench.warmUp();
      const [gateId] = bench.add("gate");
      const behind = bench.add("done", 5);
      await harness.nextGate();
      bench.ready = [];
      const [workerId] = bench.takenBy.values();
      if (workerId === undefined || gateId === undefined) throw new Error("nothing was taken");
      bench.executors.kill(workerId, late);
      bench.executors.kill(workerId, { name: "Error", message: "a second time" });
      await bench.until(() => bench.lostWorkers.length > 0);
      const [lost] = bench.lostWorkers;
      expect(lost).toMatchObject({ workerId, running: [gateId], failure: late });
      expect(lost?.unbegun === "unknown" ? [] : [...(lost?.unbegun ?? [])]).toEqual(
        behind.filter((id) => bench.takenBy.get(id) === workerId),
      );
      // What it had sent arrives.
      await bench.until(() => bench.connections.get(workerId)?.received === lost?.sent);
      expect(bench.haveEnded([gateId])).toBe(false);
      const next = bench.add("done");
      await bench.until(() => bench.haveEnded(next));
      expect([...bench.connections.keys()]).toHaveLength(2);
      expect(next.map((id) => bench.ended.get(id)?.workerId)).not.toEqual([workerId]);
      expect(bench.lostWorkers).toHaveLength(1);
    });

    test("a worker that a task ends is lost, and replaced", async () => {
      await using harness = await open();
      using bench = new Bench(harness);
      bench.begin();
      const [id] = bench.add("exit");
      await bench.until(() => bench.lostWorkers.length > 0);
      expect(bench.lostWorkers).toMatchObject([{ running: [id], failure: { name: "WorkerExit" } }]);
      const next = bench.add("done");
      await bench.until(() => bench.haveEnded(next));
    });

    test("after a cancel, a worker that is lost is not replaced", async () => {
      await using harness = await open();
      using bench = new Bench(harness);
      bench.begin();
      bench.add("gate");
      await harness.nextGate();
      bench.executors.cancel();
      bench.executors.killAll(late);
      await bench.until(() => bench.lostWorkers.length > 0);
      expect(bench.connections.size).toBe(1);
    });

    test("whereIs tells where a task runs", async () => {
      await using harness = await open();
      using bench = new Bench(harness);
      bench.begin();
      const [id, other] = bench.add("gate", 2);
      const gate = await harness.nextGate();
      if (id === undefined || other === undefined) throw new Error("no tasks");
      const { executors } = bench;
      await bench.eventually(() => executors.whereIs(id, bench.whoHas(id)) === "running");
      const workerId = bench.whoHas(id);
      expect(bench.executors.whereIs(other, workerId)).toBe("elsewhere");
      gate.finish();
      await harness.nextGate();
      await bench.eventually(() => bench.executors.whereIs(id, workerId) === "elsewhere");
    });

    test("a worker sends what it has credits for, and then waits for the writer", async () => {
      await using harness = await open();
      using bench = new Bench(harness);
      bench.keepsUp = false;
      bench.begin();
      const [id] = bench.add("chatty");
      if (id === undefined) throw new Error("no task");
      const { executors } = bench;
      await bench.until(() => bench.receivedChars > 1_000_000);
      await bench.eventually(() => executors.whereIs(id, bench.whoHas(id)) === "held");
      expect(bench.receivedChars).toBeLessThan(3_000_000);
      bench.keepUp();
      await bench.until(() => bench.haveEnded([id]));
      expect(bench.receivedChars).toBeGreaterThan(4_000_000);
    });

    test("a module that cannot be loaded breaks the executors, once a worker knows it", async () => {
      await using harness = await open();
      using bench = new Bench(harness, { module: missing });
      bench.begin();
      bench.add("done");
      await bench.until(() => bench.brokenBy.length > 0);
      expect(bench.takenBy.size).toBe(0);
    });

    test("closeReaders resolves, whatever state the workers are in", async () => {
      await using harness = await open();
      using loading = new Bench(harness);
      loading.executors.start();
      await loading.executors.closeReaders();
      using bench = new Bench(harness, { workers: 2, concurrency: 2 });
      bench.begin();
      const ids = bench.add("done", 10);
      await bench.until(() => bench.haveEnded(ids) && bench.executors.isQuiet);
      await bench.executors.closeReaders();
      expect(bench.lostWorkers).toEqual([]);
    });

    test("after `stop` nobody is lost, and nothing is taken", async () => {
      await using harness = await open();
      using bench = new Bench(harness, { workers: 2, concurrency: 2 });
      bench.begin();
      bench.add("gate", 2);
      const gates = [await harness.nextGate(), await harness.nextGate()];
      bench.executors.stop();
      for (const gate of gates) await gate.gone;
      const taken = bench.takenBy.size;
      bench.add("done");
      await new Promise((resolve) => setImmediate(resolve));
      expect(bench.takenBy.size).toBe(taken);
      expect([bench.lostWorkers, bench.brokenBy, bench.connections.size]).toEqual([[], [], 2]);
    });
  });
}
