// The slots of a backfill with children that the test starts and ends.

import { describe, expect, test } from "bun:test";

import { askedOf, type PlannedSlot } from "../../../src/commands/backfill/backfill-plan.ts";
import { BackfillRun, type SlotEnd } from "../../../src/commands/backfill/backfill-run.ts";
import type { ChildEnd } from "../../../src/commands/backfill/slot-child.ts";
import { runId } from "../../../src/protocol/ids.ts";
import type { SlotRun, SlotState } from "../../../src/store/read/slot-runs.ts";

const ok: ChildEnd = { code: 0, signal: null, complaint: undefined, lastLine: undefined };

class Slots {
  readonly begun: string[] = [];
  readonly ends: (readonly [number, SlotEnd])[] = [];
  readonly signals: string[] = [];
  readonly #found = new Map<number, SlotRun | null>();
  readonly #children = new Map<number, PromiseWithResolvers<ChildEnd>>();
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  readonly run: BackfillRun;
  readonly over: Promise<void>;

  constructor(
    slots: readonly number[],
    limits: { concurrency?: number; failFast?: boolean; rerun?: readonly string[] } = {},
    before: readonly (readonly [slot: number, state: SlotState])[] = [],
    planned: Pick<PlannedSlot, "found" | "action"> = { found: null, action: "run" },
  ) {
    const { concurrency = 1, failFast = false, rerun = [] } = limits;
    for (const [slot, state] of before) this.found(slot, state);
    this.run = new BackfillRun(
      {
        look: (slot) => this.#found.get(slot) ?? null,
        whyFailed: () => "no such page",
        start: (slot, action) => {
          if (slot === 99) throw Object.assign(new Error("no"), { code: "EAGAIN" });
          this.begun.push(`${action} ${slot}`);
          const end = Promise.withResolvers<ChildEnd>();
          this.#children.set(slot, end);
          this.#waitFor(slot).resolve();
          return {
            ended: end.promise,
            kill: (signal) => void this.signals.push(`${signal} ${slot}`),
          };
        },
        began: () => undefined,
        ended: (slot, end) => void this.ends.push([slot, end]),
      },
      askedOf(rerun, { downstream: false, wait: false }),
      { concurrency, failFast },
    );
    this.over = this.run.run(slots.map((slot): PlannedSlot => ({ slot, ...planned })));
  }

  found(slot: number, state: SlotState): void {
    this.#found.set(slot, { run: runId(slot), state });
  }

  #waitFor(slot: number): PromiseWithResolvers<void> {
    const waiter = this.#waiting.get(slot) ?? Promise.withResolvers<void>();
    this.#waiting.set(slot, waiter);
    return waiter;
  }

  /** Ends the run of a slot, as soon as it has begun. */
  async end(slot: number, end: Partial<ChildEnd> = {}, state: SlotState = "done"): Promise<void> {
    await this.#waitFor(slot).promise;
    this.found(slot, state);
    this.#children.get(slot)?.resolve({ ...ok, ...end });
  }
}

test("so many slots run at once, in their order", async () => {
  const slots = new Slots([1, 2, 3, 4], { concurrency: 2 });
  expect(slots.begun).toEqual(["run 1", "run 2"]);
  expect(slots.run.running).toEqual([1, 2]);
  await slots.end(2);
  await slots.end(3);
  expect(slots.begun).toEqual(["run 1", "run 2", "run 3"]);
  await slots.end(4);
  await slots.end(1);
  await slots.over;
  expect(slots.ends.map(([slot, { status }]) => [slot, status])).toEqual([
    [2, "done"],
    [3, "done"],
    [4, "done"],
    [1, "done"],
  ]);
});

test("what another process has done, or does, since is not run", async () => {
  const slots = new Slots([1, 2, 3, 4], {}, [
    [1, "done"],
    [2, "running"],
    [3, "failed"],
  ]);
  await slots.end(4);
  await slots.over;
  expect(slots.begun).toEqual(["run 4"]);
  expect(slots.ends).toEqual([
    [1, { status: "before", run: 1 }],
    [2, { status: "elsewhere", run: 2 }],
    [3, { status: "failed", run: 3, why: "no such page" }],
    [4, { status: "done", run: 4 }],
  ]);
});

test("a slot whose run was deleted since runs from the beginning", async () => {
  const slots = new Slots([1], {}, [], {
    found: { run: runId(7), state: "stopped" },
    action: "continue",
  });
  await slots.end(1);
  await slots.over;
  expect(slots.begun).toEqual(["run 1"]);
});

const failed = { code: 1 };

describe("how a slot has ended", () => {
  const cases: [string, Partial<ChildEnd>, SlotState, SlotEnd][] = [
    ["a task failed", failed, "failed", { status: "failed", run: 1, why: "no such page" }],
    // Its outputs were lost.
    ["it is done, and says 1", failed, "done", { status: "done", run: 1 }],
    [
      "another process took it",
      { ...failed, complaint: "run 1 is going on" },
      "running",
      { status: "elsewhere", run: 1 },
    ],
    [
      "wrong usage",
      { code: 2, complaint: "no task load" },
      "failed",
      { status: "failed", run: 1, why: "no task load" },
    ],
    ["somebody cancelled it", failed, "stopped", { status: "stopped", run: 1, why: "cancelled" }],
    [
      "it was killed",
      { code: null, signal: "SIGKILL" },
      "stopped",
      { status: "failed", run: 1, why: "its process was ended by SIGKILL" },
    ],
  ];
  test.each(cases)("%s", async (_, end, state, expected) => {
    const slots = new Slots([1]);
    await slots.end(1, end, state);
    await slots.over;
    expect(slots.ends).toEqual([[1, expected]]);
  });
});

test("--fail-fast starts no further slot, and waits for those that run", async () => {
  const slots = new Slots([1, 2, 3, 4], { concurrency: 2, failFast: true });
  await slots.end(1, failed, "failed");
  await slots.end(2);
  await slots.over;
  expect(slots.begun).toEqual(["run 1", "run 2"]);
  expect(slots.signals).toEqual([]);
});

test("a stop is passed on each time, and starts no further slot", async () => {
  const slots = new Slots([1, 2, 3], { concurrency: 2 });
  slots.run.stop("SIGINT");
  slots.run.stop("SIGINT");
  expect(slots.signals).toEqual(["SIGINT 1", "SIGINT 2", "SIGINT 1", "SIGINT 2"]);
  await slots.end(1, { code: 130 }, "stopped");
  await slots.end(2, { code: null, signal: "SIGINT" }, "stopped");
  await slots.over;
  expect(slots.ends.map(([, { status }]) => status)).toEqual(["stopped", "stopped"]);
  expect(slots.begun).toEqual(["run 1", "run 2"]);
});

test("a slot whose process cannot be started has failed, and the others run", async () => {
  const slots = new Slots([99, 1]);
  await slots.end(1);
  await slots.over;
  expect(slots.ends[0]).toEqual([
    99,
    { status: "failed", run: null, why: expect.stringContaining("it cannot be started") },
  ]);
  expect(slots.ends[1]?.[1].status).toBe("done");
});
