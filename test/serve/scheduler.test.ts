// The scheduler under a held clock: what it starts, and when, after stops, kills, sleeps and jumps of the clock.

import { describe, expect, test } from "bun:test";

import type { ScheduleRule } from "../../src/protocol/schedule-rule.ts";
import { slotsBetween } from "../../src/serve/schedule-slots.ts";
import { logLine } from "../../src/serve/serve-log.ts";
import { ruleKey, ServedEntry } from "../../src/serve/served-entry.ts";
import { below, randomOf } from "../crash/random.ts";
import { rule } from "./rule.ts";
import { ServeUnderTest, World } from "./simulated-world.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const begin = Date.UTC(2026, 2, 1);

const hourly = (part: Partial<ScheduleRule> = {}): ScheduleRule =>
  rule({ when: { kind: "cron", cron: "0 * * * *" }, tz: "UTC", ...part });

/** Hours since the beginning. */
const slotsIn = (world: World): number[] =>
  world.runs.flatMap(({ slot }) => (slot === null ? [] : [(slot - begin) / hourMs]));

const seenAtBegin = {
  rule: ruleKey(hourly()),
  since: begin,
  paused: null,
  stopped: [],
  trouble: null,
  untold: [],
};

const newsIn = (world: World): string[] =>
  world.events.filter(({ isNews }) => isNews).map(({ kind }) => kind);

test("each slot starts at its time, once, and nothing before the first one", async () => {
  const world = new World(begin + 30 * minuteMs);
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(4 * hourMs);
  expect(slotsIn(world)).toEqual([1, 2, 3, 4]);
  expect(world.runs.map(({ startedAt, slot }) => startedAt - (slot ?? 0))).toEqual([
    100, 100, 100, 100,
  ]);
  expect(serve.scheduler.served().pipelines[0]?.counts.runs.done).toBe(4);
});

describe("after a stop of some hours", () => {
  test.each<[ScheduleRule["catchUp"], number[]]>([
    ["latest", [1, 5, 6]],
    ["all", [1, 2, 3, 4, 5, 6]],
    ["none", [1, 6]],
  ])("%s", async (catchUp, slots) => {
    const world = new World(begin + 30 * minuteMs);
    const first = new ServeUnderTest(world, hourly({ catchUp, overlap: "queue" }));
    await world.clock.pass(hourMs);
    first.kill();
    await world.clock.pass(4 * hourMs);
    const second = new ServeUnderTest(world, hourly({ catchUp, overlap: "queue" }));
    await world.clock.pass(hourMs);
    expect(slotsIn(world)).toEqual(slots);
    expect(second.scheduler.served().pipelines[0]?.counts.missed).toBe(6 - slots.length);
  });

  test("and of some seconds, which are more than `startWithin`: that nothing served it is said", async () => {
    const world = new World(begin + 59 * minuteMs);
    const first = new ServeUnderTest(world, hourly({ startWithinMs: 3_000 }));
    await world.clock.pass(30_000);
    first.kill();
    await world.clock.pass(minuteMs);
    const second = new ServeUnderTest(world, hourly({ startWithinMs: 3_000 }));
    await world.clock.pass(minuteMs);
    const late = { kind: "late", why: "nothing served it at its time" };
    expect(world.events.filter(({ kind }) => kind === "late")).toMatchObject([late]);
    void second;
  });

  test("a suspended machine is an ordinary catch-up", async () => {
    const world = new World(begin + 30 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(hourMs);
    const wakeUp = serve.freeze();
    await world.clock.pass(5 * hourMs);
    wakeUp();
    await world.clock.pass(minuteMs);
    expect(slotsIn(world)).toEqual([1, 6]);
    // The absence is told, and that it is over.
    expect(newsIn(world)).toEqual(["late", "recovered"]);
  });
});

const often = (catchUp: ScheduleRule["catchUp"]): ScheduleRule =>
  hourly({ catchUp, when: { kind: "cron", cron: "*/5 * * * *" }, overlap: "queue" });

describe("hours in which nothing looked at a schedule of minutes", () => {
  test.each<ScheduleRule["catchUp"]>(["latest", "all", "none"])(
    "are told, although the last slot is minutes old: %s",
    async (catchUp) => {
      const world = new World(begin + minuteMs);
      const serve = new ServeUnderTest(world, often(catchUp));
      await world.clock.pass(5 * minuteMs);
      const wakeUp = serve.freeze();
      await world.clock.pass(3 * hourMs);
      wakeUp();
      await world.clock.pass(10 * minuteMs);
      const late = { slot: begin + 10 * minuteMs, why: "nothing served it at its time" };
      expect(world.events.filter(({ kind }) => kind === "late")[0]).toMatchObject(late);
      expect(newsIn(world)).toEqual(["late", "recovered"]);
    },
  );

  test("each slot is caught up, and has not had to wait for another one", async () => {
    const world = new World(begin + minuteMs);
    const serve = new ServeUnderTest(world, often("all"));
    await world.clock.pass(5 * minuteMs);
    const wakeUp = serve.freeze();
    await world.clock.pass(62 * minuteMs);
    wakeUp();
    await world.clock.pass(4 * minuteMs);
    const reasons = world.events.flatMap((event) => (event.kind === "ended" ? event.why : []));
    const caughtUp = Array.from({ length: 12 }, () => "caught up" as const);
    expect(reasons).toEqual(["on time", ...caughtUp, "on time"]);
  });

  test("nor is one caught up that has waited for a long run", async () => {
    const world = new World(begin + minuteMs);
    world.fate = (slot) => {
      const isLong = slot < begin + 6 * minuteMs;
      return { loadMs: 10, runMs: isLong ? 18 * minuteMs : 1_000, end: "done" };
    };
    const serve = new ServeUnderTest(world, often("all"));
    await world.clock.pass(25 * minuteMs);
    const reasons = world.events.flatMap((event) => (event.kind === "ended" ? event.why : []));
    expect(reasons).toEqual(["on time", "waited", "waited", "waited", "on time"]);
    void serve;
  });
});

describe("a process that ends early", () => {
  test("kill -9 of serve and of its run: the next serve goes on with the run", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 10 * minuteMs, end: "done" });
    const first = new ServeUnderTest(world, hourly());
    await world.clock.pass(3 * minuteMs);
    first.kill();
    world.killAll();
    const second = new ServeUnderTest(world, hourly());
    await world.clock.pass(20 * minuteMs);
    expect(slotsIn(world)).toEqual([1]);
    expect(world.runs[0]?.status).toBe("done");
    expect(world.events.find(({ kind }) => kind === "ended")).toMatchObject({ why: "continued" });
    void second;
  });

  test("SIGTERM: the run is asked to end, and the next serve goes on with it", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 10 * minuteMs, end: "done" });
    const first = new ServeUnderTest(world, hourly());
    await world.clock.pass(3 * minuteMs);
    await first.scheduler.stop();
    expect(world.runs.map(({ status }) => status)).toEqual(["cancelled"]);
    first.kill();
    await world.clock.pass(hourMs / 2);
    const second = new ServeUnderTest(world, hourly());
    await world.clock.pass(20 * minuteMs);
    expect(world.runs.map(({ status }) => status)).toEqual(["done"]);
    expect(world.row?.stopped).toEqual([]);
    void second;
  });

  test("a slot that has waited for that run, and then cannot be loaded, is tried again: later ones were skipped", async () => {
    const world = new World(begin + 59 * minuteMs);
    let tries = 0;
    world.fate = (slot) => {
      const isSecond = slot === begin + 2 * hourMs;
      const runMs = slot === begin + hourMs ? 140 * minuteMs : 1000;
      return { loadMs: 10, runMs, end: isSecond && tries++ < 2 ? "cannot load" : "done" };
    };
    const first = new ServeUnderTest(world, hourly());
    await world.clock.pass(30 * minuteMs);
    first.kill();
    world.killAll();
    await world.clock.pass(hourMs);
    const second = new ServeUnderTest(world, hourly());
    await world.clock.pass(4 * hourMs);
    expect(slotsIn(world)).toEqual([1, 2, 5, 6]);
    expect(second.scheduler.served().pipelines[0]?.counts).toMatchObject({ skipped: 2, missed: 0 });
  });

  test("a run that a person has cancelled is over", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 10 * minuteMs, end: "done" });
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(3 * minuteMs);
    world.cancel(1);
    await world.clock.pass(30 * minuteMs);
    expect(world.runs.map(({ status }) => status)).toEqual(["cancelled"]);
    expect(serve.scheduler.served().pipelines[0]?.counts.runs.cancelled).toBe(1);
  });

  test("so is one that was stopped with serve, and that a person went on with and cancelled", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 10 * minuteMs, end: "done" });
    const first = new ServeUnderTest(world, hourly());
    await world.clock.pass(3 * minuteMs);
    await first.scheduler.stop();
    first.kill();
    const [run] = world.runs;
    if (run === undefined) throw new Error("no run has begun");
    run.trigger = "cli";
    const second = new ServeUnderTest(world, hourly());
    await world.clock.pass(30 * minuteMs);
    expect(world.runs.map(({ status }) => status)).toEqual(["cancelled"]);
    void second;
  });

  test("a run that ends its process each time is tried three times", async () => {
    const world = new World(begin + 59 * minuteMs);
    let processes = 0;
    world.fate = () => ({ loadMs: 10, runMs: 1000, end: processes++ < 9 ? "killed" : "done" });
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(50 * minuteMs);
    expect(processes).toBe(3);
    expect(newsIn(world)).toEqual(["ended"]);
    void serve;
  });

  test("nor is it tried again because the slots after it are done", async () => {
    const world = new World(begin + 59 * minuteMs);
    let processes = 0;
    world.fate = (slot) => {
      const isBad = slot === begin + hourMs;
      if (isBad) processes++;
      return { loadMs: 10, runMs: 1000, end: isBad ? "killed" : "done" };
    };
    // Two slots are done before the third try.
    const halfMinutely = rule({ when: { kind: "every", everyMs: 30_000 }, tz: "UTC" });
    const serve = new ServeUnderTest(world, halfMinutely);
    await world.clock.pass(hourMs);
    expect(processes).toBe(3);
    expect(newsIn(world)).toEqual(["ended", "recovered"]);
    void serve;
  });

  test("and is a failure that pauses the schedule", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 1000, end: "killed" });
    const serve = new ServeUnderTest(world, hourly({ pauseAfter: 2 }));
    await world.clock.pass(5 * hourMs);
    expect(slotsIn(world)).toEqual([1, 2]);
    expect(newsIn(world)).toEqual(["ended", "paused"]);
    void serve;
  });

  test("a file that cannot be loaded: no run begins, it is tried again, and at once when it is mended", async () => {
    const world = new World(begin + 59 * minuteMs);
    let isBroken = true;
    world.fate = () => ({ loadMs: 10, runMs: 1000, end: isBroken ? "cannot load" : "done" });
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(2 * minuteMs);
    expect(world.runs).toEqual([]);
    expect(serve.scheduler.served().pipelines[0]?.waiting).toMatchObject({ slot: begin + hourMs });
    isBroken = false;
    serve.describe(hourly());
    await world.clock.pass(5_000);
    expect(world.runs.map(({ status }) => status)).toEqual(["done"]);
    expect(newsIn(world)).toEqual(["ended", "recovered"]);
  });
});

const withLostRun = async (): Promise<[World, ServeUnderTest]> => {
  const world = new World(begin + 59 * minuteMs);
  world.fate = () => ({ loadMs: 10, runMs: 10 * minuteMs, end: "done" });
  const serve = new ServeUnderTest(world, hourly({ pauseAfter: 2 }));
  await world.clock.pass(3 * minuteMs);
  world.loseDatabase();
  return [world, serve];
};

describe("a database that is deleted while the run of a slot goes on", () => {
  test("it is told, where, and what to do; it counts as failed, and the next slot is the recovery", async () => {
    const [world, serve] = await withLostRun();
    await world.clock.pass(hourMs);
    expect(shownIn(world).slice(1, 2)).toEqual([
      "run 1 failed after 2 min 30 s: its database /srv/a.db was moved, deleted or replaced, and nothing of the run is in it; " +
        "to begin it again, or to go on with it where the file was put back: pipeloom run /srv/etl.ts --scheduled-for 2026-03-01T01:00:00.000Z",
    ]);
    const [served] = serve.scheduler.served().pipelines;
    expect(served?.counts.runs).toMatchObject({ error: 1, "not-started": 0 });
    expect(served?.slots[0]).toMatchObject({
      outcome: "error",
      run: null,
      why: "its database was deleted or replaced",
    });
    await world.clock.pass(30 * minuteMs);
    expect(newsIn(world)).toEqual(["lost", "recovered"]);
    expect(slotsIn(world)).toEqual([2]);
  });

  test("and goes on until it writes: it is alone so long, if overlap says so", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 3.5 * hourMs, end: "done" });
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(3 * minuteMs);
    world.row = null;
    world.runs.splice(0);
    await world.clock.pass(3 * hourMs);
    const [served] = serve.scheduler.served().pipelines;
    expect([served?.running.length, served?.counts.skipped, world.runs.length]).toEqual([1, 3, 0]);
  });

  test("one that was put into its place, and knows the schedule: the slot runs again", async () => {
    const [world] = await withLostRun();
    world.row = seenAtBegin;
    await world.clock.pass(30 * minuteMs);
    expect(slotsIn(world)).toEqual([1]);
    expect(shownIn(world)[1]).toEndWith("nothing of the run is in it; run again in 10 s");
    expect(newsIn(world)).toEqual(["lost", "recovered"]);
  });

  test("between two slots: the next one is not the price", async () => {
    const world = new World(begin + 30 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(hourMs);
    world.loseDatabase();
    await world.clock.pass(2 * hourMs);
    expect(slotsIn(world)).toEqual([2, 3]);
    void serve;
  });

  test("a schedule that was paused stays paused", async () => {
    const at = begin + 61 * minuteMs;
    const pause = { kind: "pause", pipeline: "etl", pause: { at, failures: null } } as const;
    const world = new World(begin + 30 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    world.store.write("", [pause]);
    await world.clock.pass(minuteMs);
    world.loseDatabase();
    serve.describe(hourly());
    await world.clock.pass(3 * hourMs);
    expect(world.row?.paused).toEqual(pause.pause);
    expect(slotsIn(world)).toEqual([]);
    void new ServeUnderTest(world, hourly());
    expect(shownIn(world).at(-1)).toBe("served from /srv/etl.ts, paused");
  });

  test("a pipeline that is given another database takes no pause along", async () => {
    const world = new World(begin + 30 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    const pause = { at: world.clock.wall(), failures: null };
    world.store.write("", [{ kind: "pause", pipeline: "etl", pause }]);
    await world.clock.pass(minuteMs);
    world.row = null;
    const served = { kind: "scheduled", rule: hourly(), db: "/srv/b.db" } as const;
    const pipelines = [{ exportName: null, name: "etl", served }];
    serve.scheduler.update("/srv/etl.ts", { kind: "loaded", pipelines }, null);
    await world.clock.pass(hourMs);
    expect(slotsIn(world)).toEqual([1]);
  });
});

describe("while an earlier run goes on", () => {
  test.each<[ScheduleRule["overlap"], number[], string[]]>([
    ["skip", [1, 4], ["done", "done"]],
    ["queue", [1, 3, 4], ["done", "done", "done"]],
    ["cancel", [1, 2, 3, 4], ["cancelled", "cancelled", "done", "done"]],
    ["allow", [1, 2, 3, 4], ["done", "done", "done", "done"]],
  ])("%s", async (overlap, slots, statuses) => {
    const world = new World(begin + 30 * minuteMs);
    world.fate = (slot) => {
      const isLong = slot < begin + 2.5 * hourMs;
      return { loadMs: 10, runMs: isLong ? 2.5 * hourMs : minuteMs, end: "done" };
    };
    const serve = new ServeUnderTest(world, hourly({ overlap }));
    await world.clock.pass(4.2 * hourMs);
    expect(slotsIn(world)).toEqual(slots);
    expect(world.runs.map(({ status }) => status)).toEqual(statuses as never);
    void serve;
  });

  test("a run by hand takes no slot away", async () => {
    const world = new World(begin + 59 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    const end = world.byHand();
    await world.clock.pass(10 * minuteMs);
    expect(slotsIn(world)).toEqual([]);
    end();
    await world.clock.pass(10_000);
    expect(slotsIn(world)).toEqual([1]);
    expect(world.events.find(({ kind }) => kind === "ended")).toMatchObject({ why: "waited" });
    void serve;
  });

  test.each<ScheduleRule["overlap"]>(["skip", "queue", "cancel"])(
    "nor does a slot that a person runs, nor is it ended: %s",
    async (overlap) => {
      const world = new World(begin + 59 * minuteMs);
      const serve = new ServeUnderTest(world, hourly({ overlap }));
      const end = world.byHand(begin);
      await world.clock.pass(10 * minuteMs);
      expect(slotsIn(world)).toEqual([0]);
      end();
      await world.clock.pass(10_000);
      expect(slotsIn(world)).toEqual([0, 1]);
      expect(world.runs.map(({ status }) => status)).toEqual(["done", "done"]);
      expect(serve.scheduler.served().pipelines[0]?.counts.skipped).toBe(0);
    },
  );
});

const whys = (world: World): unknown[] =>
  world.events.flatMap((event) => (event.kind === "ended" ? [event.why] : []));

describe("slots that come while a file is loaded", () => {
  const yearly = rule({ when: { kind: "cron", cron: "0 0 1 1 *" } });

  test("the first time, of a schedule that no database knows", async () => {
    const world = new World(begin + 63 * minuteMs);
    const serve = new ServeUnderTest(world, yearly);
    serve.describe(hourly(), begin + 58 * minuteMs);
    await world.clock.pass(2 * minuteMs);
    expect(slotsIn(world)).toEqual([1]);
    expect(whys(world)).toEqual(["waited"]);
  });

  test.each<ScheduleRule["catchUp"]>(["latest", "all", "none"])(
    "the first time, of one that was served before (%s)",
    async (catchUp) => {
      const world = new World(begin + 63 * minuteMs);
      const serve = new ServeUnderTest(world, yearly);
      world.row = seenAtBegin;
      serve.describe(hourly({ catchUp }), begin + 58 * minuteMs);
      await world.clock.pass(2 * minuteMs);
      expect(slotsIn(world)).toEqual([1]);
      expect(serve.scheduler.served().pipelines[0]?.counts.missed).toBe(0);
    },
  );

  test("again, with another schedule", async () => {
    const world = new World(begin + 5 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(12 * minuteMs);
    const quarter = rule({ when: { kind: "cron", cron: "15 * * * *" }, tz: "UTC" });
    serve.describe(quarter, begin + 14 * minuteMs);
    await world.clock.pass(minuteMs);
    expect(slotsIn(world)).toEqual([0.25]);
  });

  test("too late for startWithin: it is said why", async () => {
    const world = new World(begin + 70 * minuteMs);
    const serve = new ServeUnderTest(world, yearly);
    serve.describe(hourly({ startWithinMs: 5 * minuteMs }), begin + 58 * minuteMs);
    await world.clock.pass(minuteMs);
    const late = { kind: "late", why: "its file took long to load" };
    expect(world.events.filter(({ kind }) => kind === "late")).toMatchObject([late]);
  });

  test("by the process of an earlier slot: it waits, and slots that its run keeps away do not take its place", async () => {
    const world = new World(begin + 500);
    world.fate = () => ({ loadMs: 90_000, runMs: 150_000, end: "done" });
    const minutely = rule({ when: { kind: "every", everyMs: minuteMs }, tz: "UTC" });
    const serve = new ServeUnderTest(world, minutely);
    await world.clock.pass(5 * minuteMs + 10_000);
    // It loads until 2.5 and runs until 5.
    const minutes = world.runs.map(({ slot }) => ((slot ?? 0) - begin) / minuteMs);
    expect([minutes, world.running]).toEqual([[1], 0]);
    const [served] = serve.scheduler.served().pipelines;
    expect(served?.running).toMatchObject([{ slot: begin + 2 * minuteMs }]);
    expect([served?.counts.missed, served?.counts.skipped]).toEqual([0, 3]);
  });

  test("by the process of an earlier slot: one that cannot begin then gives way to the next one", async () => {
    const world = new World(begin + 500);
    world.fate = (slot) => {
      const end = slot === begin + 2 * minuteMs ? "cannot load" : "done";
      return { loadMs: 90_000, runMs: 150_000, end };
    };
    const minutely = rule({ when: { kind: "every", everyMs: minuteMs }, tz: "UTC" });
    const serve = new ServeUnderTest(world, minutely);
    await world.clock.pass(7 * minuteMs);
    const [served] = serve.scheduler.served().pipelines;
    expect(served?.running).toMatchObject([{ slot: begin + 6 * minuteMs }]);
    expect([served?.counts.missed, served?.counts.skipped]).toEqual([1, 3]);
  });
});

const troubleOf = ({ scheduler }: ServeUnderTest) => scheduler.served().pipelines[0]?.trouble;

test("a failure that the serve before has told is known to the next one, until a slot is done", async () => {
  const world = new World(begin + 59 * minuteMs);
  world.fate = () => ({ loadMs: 10, runMs: 1000, end: "error" });
  const first = new ServeUnderTest(world, hourly());
  await world.clock.pass(2 * minuteMs);
  expect(troubleOf(first)).toEqual({ kind: "failed", slot: begin + hourMs });
  first.kill();
  world.fate = () => ({ loadMs: 10, runMs: 1000, end: "done" });
  const second = new ServeUnderTest(world, hourly());
  await world.clock.pass(minuteMs);
  expect(troubleOf(second)).toEqual({ kind: "failed", slot: begin + hourMs });
  await world.clock.pass(hourMs);
  expect(troubleOf(second)).toBeNull();
});

test("a message that was not delivered when serve was killed is delivered by the next one", async () => {
  const world = new World(begin + 30 * minuteMs);
  world.deliveryMs = 20_000;
  world.fate = (slot) => ({
    loadMs: 100,
    runMs: 1000,
    end: slot < begin + 2 * hourMs ? "error" : "done",
  });
  const killed = new ServeUnderTest(world, hourly());
  await world.clock.pass(30 * minuteMs + 10_000);
  killed.kill();
  expect([newsIn(world), world.posted]).toEqual([["ended"], []]);
  const next = new ServeUnderTest(world, hourly());
  await world.clock.pass(10_000);
  // Its file is saved before the message has arrived.
  next.describe(hourly());
  await world.clock.pass(hourMs);
  // The recovery is no trouble, and its message is kept, too.
  next.kill();
  expect(world.posted).toEqual(["ended"]);
  void new ServeUnderTest(world, hourly());
  await world.clock.pass(hourMs);
  expect([newsIn(world), world.posted]).toEqual([
    ["ended", "recovered"],
    ["ended", "recovered"],
  ]);
  expect(world.row).toMatchObject({ trouble: null, untold: [] });
});

const troublesIn = (world: World): unknown[] =>
  world.events.flatMap((event) =>
    event.isNews && "slot" in event ? [[event.kind, (event.slot - begin) / hourMs]] : [],
  );

describe("a run that goes on after its serve was killed", () => {
  const half = 30 * minuteMs;
  /** Serve is killed half an hour after slot 1 has begun; the next one comes after so long. */
  async function killedIn(runMs: number, awayMs: number): Promise<[World, ServeUnderTest]> {
    const world = new World(begin + half);
    world.fate = (slot) => ({
      loadMs: 100,
      runMs,
      end: slot < begin + 2 * hourMs ? "error" : "done",
    });
    const killed = new ServeUnderTest(world, hourly());
    await world.clock.pass(hourMs);
    killed.kill();
    await world.clock.pass(awayMs);
    return [world, new ServeUnderTest(world, hourly())];
  }

  test.each([
    ["under the next serve", 40 * minuteMs, minuteMs],
    ["while nothing is served", 40 * minuteMs, 20 * minuteMs],
    ["just before the kill", half - 200, 0],
  ])("it fails %s: that is told once, and so is the recovery", async (_, runMs, awayMs) => {
    const [world, serve] = await killedIn(runMs, awayMs);
    const failedAt = begin + hourMs + runMs + 100;
    await world.clock.pass(Math.max(0, failedAt + minuteMs - world.clock.wall()));
    expect([troublesIn(world), world.posted]).toEqual([[["ended", 1]], ["ended"]]);
    expect(troubleOf(serve)).toEqual({ kind: "failed", slot: begin + hourMs });
    serve.describe(hourly());
    await world.clock.pass(3 * hourMs);
    expect(troublesIn(world)).toEqual([
      ["ended", 1],
      ["recovered", 2],
    ]);
  });

  test("it is the last one before a pause", async () => {
    const world = new World(begin + half);
    world.fate = () => ({ loadMs: 100, runMs: 40 * minuteMs, end: "error" });
    const pausing = hourly({ pauseAfter: 1 });
    const killed = new ServeUnderTest(world, pausing);
    await world.clock.pass(hourMs);
    killed.kill();
    void new ServeUnderTest(world, pausing);
    await world.clock.pass(3 * hourMs);
    expect([world.posted, slotsIn(world)]).toEqual([["ended", "paused"], [1]]);
    expect(world.row?.paused).toMatchObject({ failures: 1 });
  });

  test("it is done after a failure: the recovery is told", async () => {
    const world = new World(begin + half);
    world.fate = (slot) => ({
      loadMs: 100,
      runMs: 40 * minuteMs,
      end: slot < begin + 2 * hourMs ? "error" : "done",
    });
    const killed = new ServeUnderTest(world, hourly());
    await world.clock.pass(2 * hourMs);
    killed.kill();
    void new ServeUnderTest(world, hourly());
    await world.clock.pass(20 * minuteMs);
    expect([world.posted, world.row?.trouble]).toEqual([["ended", "recovered"], null]);
  });

  test("a run by hand that fails is no news", async () => {
    const world = new World(begin + half);
    void new ServeUnderTest(world, hourly());
    const end = world.byHand(begin);
    await world.clock.pass(minuteMs);
    end("error");
    await world.clock.pass(hourMs);
    expect(world.posted).toEqual([]);
  });

  test("two serve: the one that has started the run tells its failure", async () => {
    const world = new World(begin + half);
    world.fate = () => ({ loadMs: 100, runMs: 40 * minuteMs, end: "error" });
    void new ServeUnderTest(world, hourly());
    void new ServeUnderTest(world, hourly());
    await world.clock.pass(4 * hourMs);
    expect(world.posted).toEqual(["ended"]);
  });
});

test("a pause is told before it is stored: a kill between the two loses no message", async () => {
  const world = new World(begin + 30 * minuteMs);
  world.fate = () => ({ loadMs: 100, runMs: 1000, end: "error" });
  let told: unknown;
  world.onAccess = () => {
    if (world.row?.paused !== null) told ??= world.row?.trouble;
  };
  void new ServeUnderTest(world, hourly({ pauseAfter: 1 }));
  await world.clock.pass(hourMs);
  expect(told).toEqual({ kind: "paused", slot: null });
});

test("a serve without a webhook keeps the messages for one that has it", async () => {
  const world = new World(begin + 30 * minuteMs);
  world.deliveryMs = 20_000;
  world.fate = () => ({ loadMs: 100, runMs: 1000, end: "error" });
  const killed = new ServeUnderTest(world, hourly());
  await world.clock.pass(30 * minuteMs + 10_000);
  killed.kill();
  world.fate = () => ({ loadMs: 100, runMs: 1000, end: "done" });
  const silent = new ServeUnderTest(world, hourly(), { hasWebhook: false });
  await world.clock.pass(hourMs);
  silent.kill();
  expect([troubleOf(silent), world.posted]).toEqual([null, []]);
  void new ServeUnderTest(world, hourly());
  await world.clock.pass(minuteMs);
  expect([world.posted, world.row?.untold]).toEqual([["ended"], []]);
});

test("with jitter, a slot that has come and begins later is still the next one", async () => {
  const world = new World(begin + 59 * minuteMs);
  const serve = new ServeUnderTest(world, hourly({ jitterMs: hourMs }));
  const next = () => serve.scheduler.served().pipelines[0]?.next[0];
  const { slot = 0, start = 0 } = next() ?? {};
  expect(start - slot).toBeGreaterThan(minuteMs);
  await world.clock.pass(slot + minuteMs - world.clock.wall());
  expect(next()).toEqual({ slot, start });
  await world.clock.pass(start - world.clock.wall());
  expect(next()?.slot).toBe(slot + hourMs);
});

describe("a run that begins while the process of a slot loads the file", () => {
  test.each<ScheduleRule["overlap"]>(["skip", "queue", "cancel"])(
    "%s: the slot waits for one that a person has begun, which is no failure",
    async (overlap) => {
      const world = new World(begin + 59 * minuteMs);
      world.isAlone = true;
      world.fate = () => ({ loadMs: 10_000, runMs: 1000, end: "done" });
      const serve = new ServeUnderTest(world, hourly({ overlap, pauseAfter: 1 }));
      await world.clock.pass(minuteMs + 5_000);
      const end = world.byHand();
      await world.clock.pass(minuteMs);
      expect(serve.scheduler.served().pipelines[0]).toMatchObject({
        state: { kind: "ok" },
        waiting: { slot: begin + hourMs, why: "an earlier run goes on" },
      });
      end();
      await world.clock.pass(minuteMs);
      expect(slotsIn(world)).toEqual([1]);
      expect(world.mostRunning).toBe(1);
      expect(newsIn(world)).toEqual([]);
      expect(world.events.filter(({ kind }) => kind === "ended")).toMatchObject([
        { outcome: "done", why: "waited" },
      ]);
    },
  );

  test.each<[ScheduleRule["overlap"], number]>([
    ["skip", 1],
    ["queue", 1],
    ["cancel", 1],
    ["allow", 2],
  ])(
    "%s: two that serve one folder, with slots that come faster than files load",
    async (overlap, most) => {
      const world = new World(begin);
      world.isAlone = overlap !== "allow";
      const random = randomOf(7);
      world.fate = () => ({
        loadMs: below(random, 90_000),
        runMs: 10_000 + below(random, 80_000),
        end: "done",
      });
      const minutely = rule({ when: { kind: "every", everyMs: minuteMs }, overlap });
      const serves = [new ServeUnderTest(world, minutely), new ServeUnderTest(world, minutely)];
      await world.clock.pass(3 * hourMs);
      expect(Math.min(world.mostRunning, 2)).toBe(most);
      expect(world.runs.length).toBe(new Set(world.runs.map(({ slot }) => slot)).size);
      expect(world.runs.length).toBeGreaterThan(30);
      expect(newsIn(world)).not.toContain("ended");
      void serves;
    },
  );
});

/** As the log has it, without -v. */
const shownIn = (world: World): string[] =>
  world.events.flatMap((event) => {
    const { level, text } = logLine(event);
    return level === "debug" ? [] : [text.replace(/^etl: (?:\w{3} 2026-\S+ \S+ \S+: )?/, "")];
  });

const cannot = (why: string): string => expect.stringMatching(`no run began: ${why}; tried`);

describe("the log", () => {
  const minutely = rule({ when: { kind: "every", everyMs: minuteMs }, tz: "UTC" });

  test("a file for which no run can begin is said once, and again when the reason changes or it is edited", async () => {
    const world = new World(begin);
    let said = "error: no DATABASE_URL";
    world.fate = () => ({ loadMs: 10, runMs: 10, end: "cannot load", said });
    const serve = new ServeUnderTest(world, minutely);
    await world.clock.pass(3 * hourMs);
    const served = expect.stringContaining("served from");
    expect(shownIn(world)).toEqual([served, cannot("no DATABASE_URL")]);
    said = "error: no password";
    await world.clock.pass(hourMs);
    expect(shownIn(world).slice(2)).toEqual([cannot("no password")]);
    serve.describe(minutely);
    await world.clock.pass(hourMs);
    expect(shownIn(world).slice(3)).toEqual([cannot("no password")]);
    world.fate = () => ({ loadMs: 10, runMs: 10, end: "done" });
    await world.clock.pass(minuteMs);
    expect(shownIn(world).slice(4)).toEqual([
      expect.stringContaining("run 1 done"),
      "recovered: it had failed",
    ]);
  });

  test.each([
    [
      "✖ etl failed: 0 of 1 task done in 1 s → a.db\n  DiskFull: no room\n  next: pipeloom",
      "DiskFull: no room",
    ],
    ["✖ load failed: boom\n│ second", "load failed: boom"],
    ["✖ etl failed: 0 of 1 task done\n  ✖ load  boom", "etl failed: 0 of 1 task done"],
    ["Error: gone\n    at realpathSync (unknown)", "Error: gone"],
    [
      "error: a.ts: no such file\n  to make a pipeline file: pipeloom init\n  see pipeloom run --help",
      "a.ts: no such file",
    ],
    [
      "error: a.db is a pipe; choose another with --db",
      "a.db is a pipe; choose another with `db` in the pipeline",
    ],
    ["error: --workers: too many\n  see pipeloom run --help", "--workers: too many"],
    ["error: locked\n  end the other program", "locked | end the other program"],
  ])("of what a process has said, why it ended: %j", async (said, why) => {
    const world = new World(begin);
    world.fate = () => ({ loadMs: 10, runMs: 10, end: "cannot load", said });
    const serve = new ServeUnderTest(world, minutely);
    await world.clock.pass(2 * minuteMs);
    expect(shownIn(world).slice(1)).toEqual([cannot(why)]);
    void serve;
  });

  test("a file that is saved is served as before, and says so only where its schedule is another one", async () => {
    const world = new World(begin);
    const serve = new ServeUnderTest(world, minutely);
    serve.describe(minutely);
    serve.describe(hourly());
    expect(shownIn(world).map((line) => line.slice(0, 11))).toEqual(["served from", "served from"]);
  });

  test("a file that is broken says so once, and again for another reason", () => {
    const world = new World(begin);
    const { scheduler } = new ServeUnderTest(world, minutely);
    for (const message of ["no such import", "no such import", "a bracket is missing"]) {
      scheduler.update("/srv/etl.ts", { kind: "broken", message }, null);
    }
    expect(shownIn(world).slice(1)).toEqual([
      "the file is broken: no such import; its last good schedule goes on",
      "the file is broken: a bracket is missing; its last good schedule goes on",
    ]);
    expect(newsIn(world)).toEqual(["broken"]);
  });

  test("a database that cannot be used is said once, and that it can be used again", async () => {
    const world = new World(begin);
    const serve = new ServeUnderTest(world, hourly());
    world.unusable = "it is no database";
    await world.clock.pass(hourMs);
    serve.describe(hourly());
    await world.clock.pass(hourMs);
    expect(shownIn(world).slice(1)).toEqual(["cannot be served: it is no database"]);
    world.unusable = null;
    await world.clock.pass(minuteMs);
    expect(shownIn(world)[2]).toStartWith("served from /srv/etl.ts, next ");
    expect(newsIn(world).slice(0, 2)).toEqual(["refused", "served"]);
  });

  test("a database that is locked for as long as a slot may be late is news, and so is its end", async () => {
    const world = new World(begin + 59 * minuteMs);
    const serve = new ServeUnderTest(world, hourly({ startWithinMs: 5 * minuteMs }));
    await world.clock.pass(1_000);
    world.isLocked = true;
    await world.clock.pass(5 * minuteMs);
    expect(newsIn(world)).toEqual([]);
    await world.clock.pass(2 * hourMs);
    expect(newsIn(world)).toEqual(["refused"]);
    expect(shownIn(world)[1]).toMatch(
      /^cannot be served: \/srv\/a\.db is locked by another program since /,
    );
    expect(serve.scheduler.served().pipelines[0]?.state.kind).toBe("refused");
    world.isLocked = false;
    await world.clock.pass(minuteMs);
    expect(newsIn(world)).toEqual(["refused", "served", "late", "recovered"]);
    expect(serve.scheduler.served().pipelines[0]?.state.kind).toBe("ok");
  });

  test("a run that serve stops with itself, and one whose process ends each time", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 1_000, end: "killed" });
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(30 * minuteMs);
    expect(shownIn(world).slice(1)).toEqual([
      expect.stringMatching(/^run 1 was interrupted after .*: ended by SIGKILL; tried again in 10/),
      expect.stringMatching(
        /^run 1 was interrupted after .*: ended by SIGKILL; tried again in 1 min/,
      ),
      expect.stringMatching(
        /^run 1 was interrupted .*; not tried again; to continue it: pipeloom run \S+ --scheduled-for 2026-03-01T01:00:00\.000Z$/,
      ),
    ]);
    world.fate = () => ({ loadMs: 10, runMs: hourMs, end: "done" });
    await world.clock.pass(31 * minuteMs);
    void serve.scheduler.stop();
    await world.clock.pass(minuteMs);
    expect(shownIn(world).at(-1)).toMatch(
      /^run 2 was stopped with serve after .*; the next serve continues it$/,
    );
  });

  test("slots for which no run can begin are forgotten after a while", () => {
    const entry = new ServedEntry("/srv/etl.ts", null, "here");
    for (let slot = 0; slot < 5_000; slot++) entry.tried(slot, { count: 1, notBefore: slot });
    expect(entry.tries.size).toBe(1_000);
    expect(entry.tries.has(4_999)).toBe(true);
  });
});

describe("troubles are told once", () => {
  test("failures: the first, the pause, and the recovery after it was resumed", async () => {
    const world = new World(begin + 30 * minuteMs);
    let isBad = true;
    world.fate = () => ({ loadMs: 10, runMs: 1000, end: isBad ? "error" : "done" });
    const serve = new ServeUnderTest(world, hourly({ pauseAfter: 3 }));
    await world.clock.pass(6 * hourMs);
    expect(slotsIn(world)).toEqual([1, 2, 3]);
    expect(newsIn(world)).toEqual(["ended", "paused"]);
    expect(serve.scheduler.served().pipelines[0]?.state).toMatchObject({
      kind: "paused",
      by: { kind: "failures", count: 3 },
    });
    isBad = false;
    world.store.write("", [{ kind: "resume", pipeline: "etl", at: world.clock.wall() }]);
    await world.clock.pass(hourMs);
    expect(slotsIn(world)).toEqual([1, 2, 3, 7]);
    expect(newsIn(world)).toEqual(["ended", "paused", "recovered"]);
  });

  test("a slot that is done after a later one has failed is no recovery", async () => {
    const world = new World(begin + 59 * minuteMs);
    const first = begin + hourMs;
    world.fate = (slot) => ({
      loadMs: 10,
      runMs: slot === first + minuteMs ? 90_000 : 1000,
      end: slot <= first || slot === first + 2 * minuteMs ? "error" : "done",
    });
    const everyMinute = rule({ when: { kind: "every", everyMs: minuteMs }, overlap: "allow" });
    const serve = new ServeUnderTest(world, { ...everyMinute, tz: "UTC" });
    await world.clock.pass(3 * minuteMs + 45_000);
    expect(newsIn(world)).toEqual(["ended"]);
    await world.clock.pass(2 * minuteMs);
    expect(world.events.filter(({ isNews }) => isNews)).toMatchObject([
      { kind: "ended" },
      { kind: "recovered", slot: first + 3 * minuteMs },
    ]);
    void serve;
  });

  test("runs that take longer than from one slot to the next: a recovery, and the next failure, are told", async () => {
    const world = new World(begin);
    let isBad = true;
    world.fate = () => ({ loadMs: 10, runMs: 70_000, end: isBad ? "error" : "done" });
    const minutely = rule({ when: { kind: "every", everyMs: minuteMs }, tz: "UTC" });
    const serve = new ServeUnderTest(world, minutely);
    await world.clock.pass(10 * minuteMs);
    isBad = false;
    await world.clock.pass(10 * minuteMs);
    expect(newsIn(world)).toEqual(["ended", "recovered"]);
    isBad = true;
    await world.clock.pass(10 * minuteMs);
    expect(newsIn(world)).toEqual(["ended", "recovered", "ended"]);
    void serve;
  });

  test("slots for which no run can begin are late too, and runs that fail are slow: that is one trouble", async () => {
    const world = new World(begin + 30 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 10, end: "cannot load" });
    const first = new ServeUnderTest(world, hourly());
    await world.clock.pass(6 * hourMs);
    expect(world.events.filter(({ kind }) => kind === "late").length).toBeGreaterThan(3);
    expect(newsIn(world)).toEqual(["ended"]);
    world.fate = () => ({ loadMs: 10, runMs: minuteMs, end: "done" });
    await world.clock.pass(8 * hourMs);
    expect(newsIn(world)).toEqual(["ended", "recovered"]);
    world.fate = () => ({ loadMs: 10, runMs: 30 * minuteMs, end: "error" });
    await world.clock.pass(4 * hourMs);
    expect(newsIn(world).slice(2)).toEqual(["slow", "ended"]);
    void first;
  });

  test("slots that are caught up one after the other are late once", async () => {
    const world = new World(begin + 30 * minuteMs);
    const lateRule = hourly({ catchUp: "all", overlap: "queue", startWithinMs: 5 * minuteMs });
    const first = new ServeUnderTest(world, lateRule);
    await world.clock.pass(hourMs);
    first.kill();
    await world.clock.pass(5 * hourMs);
    const second = new ServeUnderTest(world, lateRule);
    await world.clock.pass(hourMs);
    expect(newsIn(world)).toEqual(["late", "recovered"]);
    expect(world.runs).toHaveLength(7);
    void second;
  });

  test("is over with the next run that is done, also where slots are skipped while it goes on", async () => {
    const world = new World(begin + minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: 35 * minuteMs, end: "done" });
    const when = { kind: "every", everyMs: 10 * minuteMs } as const;
    const serve = new ServeUnderTest(world, hourly({ when, startWithinMs: 2 * minuteMs }));
    const wakeUp = serve.freeze();
    await world.clock.pass(3 * hourMs);
    wakeUp();
    await world.clock.pass(40 * minuteMs);
    expect(newsIn(world)).toEqual(["late", "recovered"]);
    expect(serve.scheduler.served().pipelines[0]?.counts.skipped).toBeGreaterThan(0);
  });

  test("a slot that does not begin in time, also where serve is started again meanwhile", async () => {
    const world = new World(begin + 59 * minuteMs);
    const end = world.byHand();
    const first = new ServeUnderTest(world, hourly({ startWithinMs: 5 * minuteMs }));
    await world.clock.pass(4 * minuteMs);
    expect(newsIn(world)).toEqual([]);
    await world.clock.pass(10 * minuteMs);
    expect(newsIn(world)).toEqual(["late"]);
    first.kill();
    const second = new ServeUnderTest(world, hourly({ startWithinMs: 5 * minuteMs }));
    await world.clock.pass(10 * minuteMs);
    end();
    await world.clock.pass(minuteMs);
    expect(newsIn(world)).toEqual(["late", "recovered"]);
    void second;
  });

  test("a slot whose process loads its file for longer than that: it is not said that nothing served it", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 4 * minuteMs, runMs: 1_000, end: "done" });
    const serve = new ServeUnderTest(world, hourly({ startWithinMs: minuteMs }));
    await world.clock.pass(20 * minuteMs);
    const late = { kind: "late", why: "its process is starting" };
    expect(world.events.filter(({ kind }) => kind === "late")).toMatchObject([late]);
    void serve;
  });

  test("a run that takes much longer than its last ones", async () => {
    const world = new World(begin + 30 * minuteMs);
    world.fate = (slot) => ({
      loadMs: 10,
      runMs: slot < begin + 6.5 * hourMs ? minuteMs : 30 * minuteMs,
      end: "done",
    });
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(7.5 * hourMs);
    expect(newsIn(world)).toEqual(["slow", "recovered"]);
    expect(world.events.find(({ kind }) => kind === "slow")).toMatchObject({ usualMs: minuteMs });
    void serve;
  });
});

test("a schedule that is changed begins with its next time", async () => {
  const world = new World(begin + 30 * minuteMs);
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(hourMs);
  serve.describe(rule({ when: { kind: "cron", cron: "15 * * * *" }, tz: "UTC" }));
  await world.clock.pass(hourMs);
  expect(slotsIn(world)).toEqual([1, 2.25]);
});

test("a clock that is set back runs nothing twice, and one that was years ahead stops nothing", async () => {
  const world = new World(begin + 30 * minuteMs);
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(2 * hourMs);
  world.clock.jump(-2 * hourMs);
  await world.clock.pass(3 * hourMs);
  expect(slotsIn(world)).toEqual([1, 2, 3]);
  serve.kill();
  world.row = null;
  world.clock.jump(4 * 365 * dayMs);
  const ahead = new ServeUnderTest(world, hourly());
  await world.clock.pass(minuteMs);
  ahead.kill();
  world.clock.jump(-4 * 365 * dayMs);
  const after = new ServeUnderTest(world, hourly());
  await world.clock.pass(hourMs);
  expect(slotsIn(world).at(-1)).toBe(4);
  void after;
});

/** The clock is a month ahead while the first run ends. */
async function afterMonthAhead(laterRunMs: number): Promise<World> {
  const world = new World(begin + 30 * minuteMs);
  world.fate = (slot) => ({
    loadMs: 10,
    runMs: slot === begin + hourMs ? 20 * minuteMs : laterRunMs,
    end: "done",
  });
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(40 * minuteMs);
  world.clock.jump(30 * dayMs);
  await world.clock.pass(15 * minuteMs);
  world.clock.jump(-30 * dayMs);
  await world.clock.pass(3 * hourMs);
  void serve;
  return world;
}

describe("a clock that was a month ahead while a run went on", () => {
  test("its end, which has not come yet, takes no slot away", async () => {
    const world = await afterMonthAhead(20 * minuteMs);
    expect(slotsIn(world).filter((slot) => slot < 24)).toEqual([1, 2, 3, 4]);
  });

  test("the slots since then are on time, and not caught up", async () => {
    const world = await afterMonthAhead(20 * minuteMs);
    const ended = world.events.flatMap((event) => (event.kind === "ended" ? [event] : []));
    const since = ended.filter(({ slot }) => slot > begin + hourMs && slot < begin + dayMs);
    expect(since.map(({ why }) => why)).toEqual(["on time", "on time", "on time"]);
  });

  test("a slot that is left out since then is told once", async () => {
    const world = await afterMonthAhead(90 * minuteMs);
    const leftOut = world.events.flatMap((event) =>
      event.kind === "skipped" || event.kind === "missed" ? [(event.slot - begin) / hourMs] : [],
    );
    expect(leftOut.filter((slot) => slot < 24)).toEqual([3]);
  });
});

const lastSuccessSeenBy = ({ scheduler }: ServeUnderTest): number | null | undefined =>
  scheduler.served().pipelines[0]?.counts.lastSuccess;

test("a database that cannot be written, as on a full disk: a trouble is told once, and its end", async () => {
  const world = new World(begin + 59 * minuteMs);
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(2 * hourMs);
  world.isReadOnly = true;
  world.fate = () => ({ loadMs: 10, runMs: 1, end: "cannot load" });
  await world.clock.pass(3 * hourMs);
  expect(newsIn(world)).toEqual(["ended"]);
  world.isReadOnly = false;
  world.fate = () => ({ loadMs: 10, runMs: 1000, end: "done" });
  await world.clock.pass(2 * hourMs);
  expect(newsIn(world)).toEqual(["ended", "recovered"]);
  expect(world.row?.trouble).toBeNull();
  void serve;
});

test("nor does a schedule go on that was paused then, and a person's resume counts", async () => {
  const world = new World(begin + 59 * minuteMs);
  const serve = new ServeUnderTest(world, hourly({ pauseAfter: 2 }));
  await world.clock.pass(hourMs);
  world.isReadOnly = true;
  world.fate = () => ({ loadMs: 10, runMs: 1000, end: "error" });
  await world.clock.pass(6 * hourMs);
  expect(newsIn(world).filter((kind) => kind === "paused")).toHaveLength(1);
  const paused = slotsIn(world);
  world.isReadOnly = false;
  await world.clock.pass(2 * hourMs);
  expect(slotsIn(world)).toEqual(paused);
  expect(world.row?.paused?.failures).toBe(2);
  world.store.write("/srv/a.db", [{ kind: "resume", pipeline: "etl", at: world.clock.wall() }]);
  await world.clock.pass(hourMs + minuteMs);
  expect(slotsIn(world)).toHaveLength(paused.length + 1);
  void serve;
});

test("the last success: also before a hundred failed slots, and one that another process runs", async () => {
  const world = new World(begin + 59 * minuteMs);
  world.fate = (slot) => ({
    loadMs: 10,
    runMs: 1000,
    end: slot === begin + hourMs ? "done" : "error",
  });
  const first = new ServeUnderTest(world, hourly());
  await world.clock.pass(100 * hourMs);
  const at = lastSuccessSeenBy(first);
  expect(at).toBeGreaterThan(begin + hourMs);
  await first.scheduler.stop();
  const next = new ServeUnderTest(world, hourly());
  await world.clock.pass(1000);
  expect(lastSuccessSeenBy(next)).toBe(at);
  const end = world.byHand(begin + 30 * minuteMs + 99 * hourMs);
  await world.clock.pass(20 * minuteMs);
  end();
  const endedAt = world.clock.wall();
  await world.clock.pass(hourMs);
  expect(lastSuccessSeenBy(next)).toBe(endedAt);
});

test("a database that another program holds is asked again", async () => {
  const world = new World(begin + 59 * minuteMs);
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(1000);
  world.isLocked = true;
  await world.clock.pass(2 * minuteMs);
  expect(slotsIn(world)).toEqual([]);
  world.isLocked = false;
  await world.clock.pass(5_000);
  expect(slotsIn(world)).toEqual([1]);
  void serve;
});

test("a file that was broken before its exports were known is mended, and not gone", () => {
  const world = new World(begin);
  const { scheduler } = new ServeUnderTest(world, hourly());
  const file = "/srv/two.ts";
  scheduler.update(file, { kind: "broken", message: "no such import" }, null);
  const pipelines = ["a", "b"].map((exportName) => ({
    exportName,
    name: exportName,
    served: { kind: "scheduled", rule: hourly(), db: "/srv/two.db" } as const,
  }));
  scheduler.update(file, { kind: "loaded", pipelines }, null);
  const shown = world.events.filter(({ argument }) => argument === file);
  expect(shown).toMatchObject([
    { kind: "broken", isNews: true },
    { kind: "mended", isNews: true },
  ]);
  expect(scheduler.served().pipelines.map(({ argument }) => argument)).toEqual([
    "/srv/etl.ts",
    "/srv/two.ts:a",
    "/srv/two.ts:b",
  ]);
});

test("two exports of a file are served, whichever is asked about", () => {
  const world = new World(begin);
  const { scheduler } = new ServeUnderTest(world, hourly());
  const file = "/srv/jobs.ts";
  const lookAt = (name: string): void => {
    const served = { kind: "scheduled", rule: hourly(), db: "/srv/jobs.db" } as const;
    const pipelines = [{ exportName: name, name, served }];
    scheduler.update(file, { kind: "loaded", pipelines }, name);
  };
  const states = (): string[] =>
    scheduler
      .served()
      .pipelines.filter((each) => each.file === file)
      .map(({ exportName, state }) => `${exportName} ${state.kind}`);
  lookAt("a");
  lookAt("b");
  expect(states()).toEqual(["a ok", "b ok"]);
  scheduler.update(file, { kind: "broken", message: "no such import" }, "a");
  expect(states()).toEqual(["a broken", "b ok"]);
  scheduler.remove(file, "a");
  expect(states()).toEqual(["b ok"]);
});

test("no more processes at once than there may be, and each gets its turn", async () => {
  const world = new World(begin + 59 * minuteMs);
  world.fate = () => ({ loadMs: 500, runMs: 20_000, end: "done" });
  const serve = new ServeUnderTest(world, hourly(), { maxRuns: 5, maxStarting: 2 });
  const pipelines = Array.from({ length: 30 }, (_, index) => ({
    exportName: `p${index}`,
    name: `p${index}`,
    served: { kind: "scheduled", rule: hourly(), db: `/srv/${index}.db` } as const,
  }));
  serve.scheduler.update("/srv/etl.ts", { kind: "loaded", pipelines }, null);
  let most = { running: 0, loading: 0 };
  for (let second = 0; second < 300; second++) {
    await world.clock.pass(1000);
    const processes = serve.scheduler.served().pipelines.flatMap(({ running }) => running);
    const loading = processes.filter(({ run }) => run === null).length;
    most = {
      running: Math.max(most.running, processes.length),
      loading: Math.max(most.loading, loading),
    };
  }
  expect(most).toEqual({ running: 5, loading: 2 });
  expect(world.runs.map(({ status }) => status)).toEqual(Array(30).fill("done"));
});

test("a file that loads for ever keeps no other from starting", async () => {
  const world = new World(begin + 59 * minuteMs);
  world.fate = (slot) => ({
    loadMs: slot === begin + hourMs ? dayMs : 10,
    runMs: 1000,
    end: "done",
  });
  const serve = new ServeUnderTest(world, hourly(), { maxRuns: 5, maxStarting: 1 });
  const minutes = rule({ when: { kind: "cron", cron: "1-59 * * * *" }, tz: "UTC" });
  const served = { kind: "scheduled", rule: minutes, db: "/srv/b.db" } as const;
  const pipelines = [{ exportName: "b", name: "b", served }];
  serve.scheduler.update("/srv/b.ts", { kind: "loaded", pipelines }, null);
  await world.clock.pass(5 * minuteMs + 1_000);
  const ofOther = world.runs.filter(({ pipeline }) => pipeline === "b");
  expect(ofOther.map(({ slot }) => slot)).toEqual(
    [1, 2, 3, 4].map((minute) => begin + hourMs + minute * minuteMs),
  );
  void serve;
});

test("a process that loads its file for ever is ended, and its slot is tried again", async () => {
  const world = new World(begin + 59 * minuteMs);
  let processes = 0;
  world.fate = () => ({ loadMs: processes++ < 2 ? dayMs : 10, runMs: 1000, end: "done" });
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(5 * minuteMs);
  expect(newsIn(world)).toEqual([]);
  await world.clock.pass(10 * minuteMs);
  const news = world.events.filter(({ isNews }) => isNews);
  expect(news).toMatchObject([
    {
      kind: "ended",
      outcome: "not-started",
      error: "its file was not loaded within 5 min; does it await something at its top level?",
    },
    { kind: "recovered", slot: begin + hourMs },
  ]);
  expect(processes).toBe(3);
  void serve;
});

test("a process that loads for ever what is mended meanwhile: the slot waits 30 s for it, and not 5 minutes", async () => {
  const world = new World(begin + 59 * minuteMs);
  let processes = 0;
  world.fate = () => ({ loadMs: processes++ === 0 ? dayMs : 10, runMs: 1000, end: "done" });
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(minuteMs + 20_000);
  serve.describe(hourly());
  await world.clock.pass(5_000);
  expect([processes, newsIn(world)]).toEqual([1, []]);
  await world.clock.pass(24_000);
  expect(newsIn(world)).toEqual(["ended", "recovered"]);
  expect([processes, slotsIn(world)]).toEqual([2, [1]]);
});

test("a machine that sleeps while a file is loaded: its process is not ended", async () => {
  const world = new World(begin + 59 * minuteMs);
  world.fate = () => ({ loadMs: 20_000, runMs: 1000, end: "done" });
  const serve = new ServeUnderTest(world, hourly());
  await world.clock.pass(minuteMs + 5_000);
  world.clock.jump(20 * minuteMs);
  await world.clock.pass(minuteMs);
  expect(world.runs.map(({ status }) => status)).toEqual(["done"]);
  expect(serve.scheduler.served().pipelines[0]?.counts.runs["not-started"]).toBe(0);
});

test("a pipeline that is always due leaves room to the others", async () => {
  const world = new World(begin);
  world.fate = () => ({ loadMs: 500, runMs: 90_000, end: "done" });
  const minutely = rule({
    when: { kind: "every", everyMs: minuteMs },
    catchUp: "all",
    overlap: "queue",
  });
  const serve = new ServeUnderTest(world, minutely, { maxRuns: 1 });
  const served = { kind: "scheduled", rule: minutely, db: "/srv/b.db" } as const;
  const pipelines = [{ exportName: "b", name: "b", served }];
  serve.scheduler.update("/srv/b.ts", { kind: "loaded", pipelines }, null);
  await world.clock.pass(10 * minuteMs);
  expect(world.runs.slice(0, 4).map(({ pipeline }) => pipeline)).toEqual(["etl", "b", "etl", "b"]);
});

describe("an error of serve itself", () => {
  const defect = new TypeError("undefined is not an object");

  test("while a database is read: it is told, the others are served, and it is tried later", async () => {
    const world = new World(begin + 59 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    let reads = 0;
    world.onAccess = (_, db) => {
      if (db !== "/srv/bad.db") return;
      reads++;
      throw defect;
    };
    const bad = { kind: "scheduled", rule: hourly(), db: "/srv/bad.db" } as const;
    const pipelines = [{ exportName: null, name: "bad", served: bad }];
    serve.scheduler.update("/srv/bad.ts", { kind: "loaded", pipelines }, null);
    await world.clock.pass(10 * minuteMs);
    expect(slotsIn(world)).toEqual([1]);
    expect(new Set(world.defects)).toEqual(new Set([defect]));
    expect(reads).toBeGreaterThan(10);
    expect(reads).toBeLessThan(30);
  });

  test("after a process has ended: its slot is tried again later, and serve can be stopped", async () => {
    const world = new World(begin + 59 * minuteMs);
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(minuteMs + 500);
    let isFailing = true;
    world.onAccess = () => {
      if (isFailing) throw defect;
    };
    await world.clock.pass(minuteMs);
    expect(world.defects.length).toBeGreaterThan(0);
    isFailing = false;
    await world.clock.pass(2 * hourMs);
    expect(slotsIn(world)).toEqual([1, 2, 3]);
    await serve.scheduler.stop();
    expect(world.running).toBe(0);
  });

  test("while serve notes what it stops: its runs are asked to end all the same", async () => {
    const world = new World(begin + 59 * minuteMs);
    world.fate = () => ({ loadMs: 10, runMs: hourMs, end: "done" });
    const serve = new ServeUnderTest(world, hourly());
    await world.clock.pass(5 * minuteMs);
    expect(world.running).toBe(1);
    world.onAccess = (kind) => {
      if (kind === "write") throw defect;
    };
    await serve.scheduler.stop();
    expect(world.running).toBe(0);
    expect(world.defects).toContain(defect);
  });
});

test("a run that was asked to end is forgotten when it has ended", () => {
  const entry = new ServedEntry("/srv/etl.ts", null, "here");
  entry.cancelled.add(1).add(2);
  const run = { slot: begin, startedAt: begin, finishedAt: null, pid: 1, trigger: "schedule" };
  entry.keepCancelled({
    slots: [
      { ...run, run: 1, status: "cancelled" },
      { ...run, run: 2, status: "running" },
    ],
    others: [],
  });
  expect([...entry.cancelled]).toEqual([2]);
});

describe("a simulated year", () => {
  const years = Number(process.env["SERVE_YEARS"] ?? 1);
  test.each(Array.from({ length: years }, (_, index) => index + 1))(
    "no slot twice, none lost (seed %d)",
    (seed) => year(seed),
    180_000,
  );
});

/** Kills, stops, sleeps, jumps of the clock, runs that fail or die, and two serves on one folder. */
async function year(seed: number): Promise<void> {
  const random = randomOf(seed);
  const world = new World(begin);
  world.isAlone = true;
  const every6h = rule({
    when: { kind: "cron", cron: "30 2,8,14,20 * * *" },
    tz: "America/New_York",
    catchUp: "all",
    overlap: "queue",
    windowMs: 30 * dayMs,
    jitterMs: seed % 2 === 0 ? 0 : hourMs,
  });
  world.fate = () => ({
    loadMs: 50 + below(random, 3_000),
    runMs: below(random, 3 * hourMs),
    end: below(random, 10) === 0 ? "killed" : below(random, 8) === 0 ? "cannot load" : "done",
  });
  let serves = [new ServeUnderTest(world, every6h)];
  while (world.clock.now() < 365 * dayMs) {
    await world.clock.pass(below(random, 2 * dayMs));
    expect(world.mostRunning).toBe(1);
    switch (below(random, 8)) {
      case 0:
        serves[0]?.kill();
        if (below(random, 2) === 0) world.killAll();
        await world.clock.pass(below(random, 2 * dayMs));
        serves = [...serves.slice(1), new ServeUnderTest(world, every6h)];
        break;
      case 1:
        if (serves.length < 2) serves.push(new ServeUnderTest(world, every6h));
        break;
      case 2: {
        const stopped = serves.pop();
        void stopped?.scheduler.stop();
        await world.clock.pass(minuteMs);
        stopped?.kill();
        serves.push(new ServeUnderTest(world, every6h));
        break;
      }
      case 3: {
        const wakeUp = serves[0]?.freeze();
        await world.clock.pass(below(random, dayMs));
        wakeUp?.();
        break;
      }
      case 4:
        world.clock.jump(below(random, 4 * hourMs) - 2 * hourMs);
        break;
      case 5:
        world.isLocked = true;
        await world.clock.pass(below(random, 10 * minuteMs));
        world.isLocked = false;
    }
  }
  // Time to catch up.
  world.fate = () => ({ loadMs: 50, runMs: 1000, end: "done" });
  for (const serve of serves) serve.kill();
  const last = new ServeUnderTest(world, every6h);
  await world.clock.pass(2 * dayMs);
  const slots = [...slotsBetween(every6h, begin, world.clock.wall() - 2 * hourMs)];
  expect(slots.length).toBeGreaterThan(1400);
  expect(slots.filter((slot) => world.done.get(slot) !== 1)).toEqual([]);
  expect(world.runs.length).toBe(new Set(world.runs.map(({ slot }) => slot)).size);
  void last;
}
