import { describe, expect, test } from "bun:test";

import type { ToMachine } from "../../../src/executors/redis/engine-messages.ts";
import { RunOffers } from "../../../src/executors/redis/run-offers.ts";
import { runId, taskId, workerId } from "../../../src/protocol/ids.ts";
import type { Assignment } from "../../../src/protocol/messages.ts";
import { noTags } from "../../../src/protocol/tags.ts";
import { taskKey } from "../../../src/protocol/task-key.ts";
import type { TaskRecord } from "../../../src/protocol/writer-records.ts";

const task: Assignment = {
  id: taskId(1),
  task: "t",
  name: "t",
  attempt: 2,
  input: "[1]",
  wantsResult: "no",
  cursor: '"c"',
  begunBefore: 1_000,
};
const other: Assignment = { ...task, id: taskId(2), input: "[2]", begunBefore: 1_001 };

const offerOf = ({ id, attempt, input, wantsResult, cursor }: Assignment) => ({
  thread: 7,
  id,
  key: taskKey("t", input),
  attempt,
  startedAt: 1_000,
  wantsResult,
  cursor: cursor ?? null,
});
const offer = offerOf(task);
const none = { offers: [], isKnown: false };

class Machine {
  readonly sent: ToMachine[] = [];
  readonly told: TaskRecord[] = [];

  send(message: ToMachine): void {
    this.sent.push(message);
  }

  threadAt(thread: number) {
    const tell = (records: readonly TaskRecord[]): void => void this.told.push(...records);
    return thread === 7 ? { workerId: workerId(70), tell } : undefined;
  }

  get judged(): unknown {
    return this.sent.filter(({ type }) => type === "judged");
  }
}

class Bench {
  ready: Assignment[];
  readonly aside: Assignment[] = [];
  readonly moved: unknown[] = [];
  readonly said: string[] = [];
  readonly offers: RunOffers<Machine>;
  #lease = 0;

  constructor(ready: readonly Assignment[], isResumed = true) {
    this.ready = [...ready];
    this.offers = new RunOffers<Machine>({
      runName: "host db",
      tagSets: () => [noTags],
      mask: undefined,
      take: (most) => this.ready.splice(0, most),
      lease: () => ++this.#lease,
      setAside: (tasks) => void this.aside.push(...tasks),
      moved: (ids, worker) => void this.moved.push([ids, worker]),
      say: (line) => void this.said.push(line),
    });
    const run = { pipeline: "p", params: "{}", maxLogLines: null, hasOwnTables: true };
    this.offers.begin({ ...run, id: runId(1) }, { beganAt: 5, isResumed });
  }

  join(): Machine {
    const machine = new Machine();
    this.offers.tell(machine);
    return machine;
  }
}

describe("what machines have of a session that has died", () => {
  test("a task goes on where it is, and the others are given to anybody", () => {
    const bench = new Bench([other, task]);
    const machine = bench.join();
    bench.offers.offered(machine, { offers: [offer], isKnown: true });
    // Other machines may be a moment later.
    expect(bench.offers.settle()).toBe(false);
    bench.offers.tick();
    expect(bench.offers.settle()).toBe(true);
    expect(machine.judged).toEqual([{ type: "judged", leases: [{ lease: 1, ids: [task.id] }] }]);
    expect(bench.aside).toEqual([other]);
    expect(bench.moved).toEqual([[[task.id], workerId(70)]]);
    expect(machine.told).toMatchObject([
      { type: "started", id: task.id, key: offer.key, attempt: 2, at: 1_000, goesOn: true },
    ]);
    expect(bench.said).toEqual([
      "1 task of the session before goes on where it was: workers had kept it",
    ]);
  });

  test.each([
    ["another input", { key: taskKey("t", "[2]") }],
    ["another attempt", { attempt: 1 }],
    ["another start", { startedAt: 1_001 }],
    ["another cursor", { cursor: '"b"' }],
    ["a result that nobody was to read", { wantsResult: "yes" as const }],
    ["a thread that has ended", { thread: 8 }],
    ["another task", { id: taskId(3) }],
  ])("%s is not taken", (_, difference) => {
    const bench = new Bench([task]);
    const machine = bench.join();
    bench.offers.offered(machine, { offers: [{ ...offer, ...difference }], isKnown: true });
    bench.offers.tick();
    expect(bench.offers.settle()).toBe(true);
    expect(machine.judged).toEqual([{ type: "judged", leases: [] }]);
    expect([bench.aside, machine.told, bench.said]).toEqual([[task], [], []]);
  });

  test("a task that the database does not know to run is not taken", () => {
    const { begunBefore: _begun, ...open } = task;
    const bench = new Bench([open]);
    const machine = bench.join();
    bench.offers.offered(machine, { offers: [offer], isKnown: true });
    bench.offers.tick();
    bench.offers.settle();
    expect(machine.told).toEqual([]);
  });

  test("nobody waits for a machine that has nothing, and not for long for one that does not answer", () => {
    const bench = new Bench([task]);
    const [first, silent] = [bench.join(), bench.join()];
    bench.offers.offered(first, none);
    expect(bench.offers.settle()).toBe(false);
    bench.offers.tick();
    expect(bench.offers.settle()).toBe(false);
    bench.offers.tick();
    expect(bench.offers.settle()).toBe(true);
    expect(bench.ready).toEqual([task]);
    // It is too late now.
    bench.offers.offered(silent, { offers: [offer], isKnown: true });
    expect(silent.judged).toEqual([{ type: "judged", leases: [] }]);
  });

  test("a machine that is lost is not waited for, and what it offered is forgotten", () => {
    const bench = new Bench([task]);
    const [lost, empty] = [bench.join(), bench.join()];
    bench.offers.offered(lost, { offers: [offer], isKnown: false });
    bench.offers.lose(lost);
    bench.offers.offered(empty, none);
    expect(bench.offers.settle()).toBe(true);
    expect([lost.judged, bench.ready]).toEqual([[], [task]]);
  });

  test("before any machine has joined, it is not known what there is", () => {
    const bench = new Bench([task]);
    expect(bench.offers.settle()).toBe(false);
    bench.offers.tick();
    bench.offers.tick();
    expect(bench.offers.settle()).toBe(true);
  });

  test("a new run waits for nobody", () => {
    const bench = new Bench([task], false);
    bench.join();
    expect([bench.offers.isWaiting, bench.offers.settle()]).toEqual([false, true]);
  });
});
