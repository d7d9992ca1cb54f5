// A world for schedulers: a clock that the test moves, a database that keeps the rules of `run --scheduled-for` (a slot has one run; a
// done one never runs again, a dead or failed one is continued, a living one is refused), processes that load, run and end when the
// world says, and schedulers that are killed, stopped and suspended.

import type { ScheduleRule } from "../../src/protocol/schedule-rule.ts";
import { overlapExitCode } from "../../src/protocol/schedule-rule.ts";
import type {
  ScheduleChange,
  ScheduleHistory,
  ScheduleRow,
  SlotRun,
} from "../../src/protocol/served-schedule.ts";
import type { ScheduleStore } from "../../src/serve/schedule-store.ts";
import { Scheduler } from "../../src/serve/scheduler.ts";
import type { ServeEvent } from "../../src/serve/serve-event.ts";
import type { Launch, ProcessEnd, SlotProcess } from "../../src/serve/slot-process.ts";

type Timer = ReturnType<typeof setTimeout>;
type Due = { readonly at: number; readonly order: number; readonly work: () => void };

/** Monotonic ms since the beginning; the wall clock may be set beside it. */
export class HeldClock {
  #now = 0;
  #offset: number;
  #order = 0;
  readonly #due = new Map<number, Due>();

  constructor(wall: number) {
    this.#offset = wall;
  }

  readonly wall = (): number => this.#now + this.#offset;
  readonly now = (): number => this.#now;

  after(delayMs: number, work: () => void): Timer {
    const order = ++this.#order;
    this.#due.set(order, { at: this.#now + Math.max(1, delayMs), order, work });
    return order as unknown as Timer;
  }

  cancel(timer: Timer | undefined): void {
    this.#due.delete(timer as unknown as number);
  }

  /** The wall clock is set. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  /** Lets time pass; what is due happens in its order, each with all that follows from it. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#next(until);
      if (next === undefined) break;
      this.#due.delete(next.order);
      this.#now = Math.max(this.#now, next.at);
      next.work();
      await settled();
    }
    this.#now = until;
  }

  #next(until: number): Due | undefined {
    let first: Due | undefined;
    for (const due of this.#due.values()) {
      if (due.at > until) continue;
      if (
        first === undefined ||
        due.at < first.at ||
        (due.at === first.at && due.order < first.order)
      )
        first = due;
    }
    return first;
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
}

type Run = {
  readonly run: number;
  readonly pipeline: string;
  readonly slot: number | null;
  status: "running" | "done" | "error" | "cancelled";
  readonly startedAt: number;
  finishedAt: number | null;
  pid: number;
  trigger: string;
};

/** What a process of a slot does. */
export type Fate = {
  readonly loadMs: number;
  readonly runMs: number;
  readonly end: "done" | "error" | "killed" | "cannot load";
  /** On stderr by one that cannot load. */
  readonly said?: string;
};

export class World {
  readonly clock: HeldClock;
  readonly runs: Run[] = [];
  readonly events: ServeEvent[] = [];
  /** Messages that the webhook's receiver has, as kinds of their events. */
  readonly posted: string[] = [];
  /** How long the receiver takes for each. */
  deliveryMs = 0;
  /** Rules of the database that were broken. */
  readonly faults: string[] = [];
  readonly defects: unknown[] = [];
  /** By slot: how many processes have done it. */
  readonly done = new Map<number, number>();
  row: ScheduleRow | null = null;
  fate: (slot: number) => Fate = () => ({ loadMs: 100, runMs: 1000, end: "done" });
  isLocked = false;
  /** Why; null: it is not. */
  unusable: string | null = null;
  /** It can be read, and not written: the disk is full. */
  isReadOnly = false;
  /** As the child keeps it, see `RunRequest.isAlone`. */
  isAlone = false;
  mostRunning = 0;
  /** Called before a database is read or written: for an error that no store expects. */
  onAccess: (kind: "read" | "write", db: string) => void = () => undefined;
  readonly #alive = new Set<number>();
  readonly #processes = new Map<number, (end: "killed" | "cancelled" | "failed") => void>();
  #pid = 100;

  constructor(wall: number) {
    this.clock = new HeldClock(wall);
  }

  // ── the database ─────────────────────────────────────────────────────────────────────────────────────

  readonly store: ScheduleStore = {
    read: (db, pipelines, until) => {
      this.onAccess("read", db);
      if (this.isLocked) return { kind: "later" };
      if (this.unusable !== null) return { kind: "bad", reason: this.unusable };
      return {
        kind: "ok",
        histories: new Map(pipelines.map((name) => [name, this.#history(name, until)])),
      };
    },
    write: (db, changes) => {
      this.onAccess("write", db);
      if (this.isLocked) return { kind: "later" };
      if (this.isReadOnly) return { kind: "bad", reason: "the disk is full" };
      for (const change of changes) this.#apply(change);
      return { kind: "ok" };
    },
    paused: () => new Set(this.row === null || this.row.paused === null ? [] : ["etl"]),
    lastDone: (_, name) => {
      const done = this.runs.filter((run) => run.pipeline === name && run.status === "done");
      return done.reduce<number | null>((at, run) => Math.max(at ?? 0, run.finishedAt ?? 0), null);
    },
    stamp: () => JSON.stringify(this.row),
  };

  #history(pipeline: string, until: number): ScheduleHistory {
    // An older one is over, or nobody goes on with it any more.
    const recent = this.runs.slice(-200).filter((run) => run.pipeline === pipeline);
    const seen = recent.map((run): SlotRun => {
      const isDead = run.status === "running" && !this.#alive.has(run.pid);
      return { ...run, status: isDead ? "interrupted" : run.status };
    });
    const slots = seen
      .filter((run): run is SlotRun & { slot: number } => run.slot !== null && run.slot <= until)
      .toSorted((a, b) => b.slot - a.slot)
      .slice(0, 40);
    const others = seen.filter(
      (run) => run.status === "running" && !slots.some(({ run: id }) => id === run.run),
    );
    return { row: this.row, slots, others };
  }

  /** The file is deleted: runs that go on lose it, and end with an error. */
  loseDatabase(): void {
    this.row = null;
    for (const { pid } of this.runs.splice(0)) this.#processes.get(pid)?.("failed");
  }

  #apply(change: ScheduleChange): void {
    if (change.kind === "seen") {
      const before = this.row ?? { paused: null, stopped: [], trouble: null, untold: [] };
      this.row = { ...before, rule: change.rule, since: change.at };
      return;
    }
    if (this.row === null) return;
    switch (change.kind) {
      case "pause":
        this.row = { ...this.row, paused: this.row.paused ?? change.pause };
        return;
      case "resume":
        this.row = { ...this.row, paused: null, since: change.at };
        return;
      case "stopped":
        this.row = { ...this.row, stopped: change.slots };
        return;
      case "trouble":
        this.row = { ...this.row, trouble: change.trouble, untold: change.untold };
        return;
      case "delivered": {
        const untold = this.row.untold.filter((body) => body !== change.body);
        this.row = { ...this.row, untold };
      }
    }
  }

  // ── processes ────────────────────────────────────────────────────────────────────────────────────────

  launch({ slot, argument }: Launch): SlotProcess {
    const pipeline = argument.split(":")[1] ?? "etl";
    const pid = ++this.#pid;
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    const fate = this.fate(slot);
    let timer = this.clock.after(fate.loadMs, () => begin());
    const end = (code: number | null, signal: string | null, said = ""): void => {
      this.clock.cancel(timer);
      this.#alive.delete(pid);
      this.#processes.delete(pid);
      resolve({ code, signal, said, isFileGone: false });
    };
    let own: Run | undefined;
    this.#processes.set(pid, (how) => {
      if (own !== undefined && how === "cancelled") this.#finish(own, "cancelled");
      if (how === "killed") end(null, "SIGKILL");
      else end(how === "failed" ? 1 : 143, null);
    });
    const begin = (): void => {
      if (fate.end === "cannot load") return end(1, null, fate.said ?? "error: cannot load");
      const taken = this.#take(pipeline, slot, pid);
      if (typeof taken === "number") return end(taken, null);
      own = taken;
      timer = this.clock.after(fate.runMs, () => {
        if (fate.end === "killed") return end(null, "SIGKILL");
        const status = fate.end === "error" ? "error" : "done";
        this.#finish(taken, status);
        if (status === "done") this.done.set(slot, (this.done.get(slot) ?? 0) + 1);
        end(status === "done" ? 0 : 1, null);
      });
    };
    return {
      pid,
      ended: promise,
      signal: (kind) => this.#processes.get(pid)?.(kind === "kill" ? "killed" : "cancelled"),
    };
  }

  /** The run of the slot, or the exit code of a process that has nothing to run. */
  #take(pipeline: string, slot: number, pid: number): Run | number {
    const known = this.runs.find((run) => run.slot === slot && run.pipeline === pipeline);
    if (known?.status === "done") return 0;
    if (known?.status === "running" && this.#alive.has(known.pid)) return 1;
    if (this.isAlone && this.running > 0) return overlapExitCode;
    this.#alive.add(pid);
    if (known !== undefined) {
      known.status = "running";
      known.finishedAt = null;
      known.pid = pid;
      known.trigger = "schedule";
      this.#count();
      return known;
    }
    const startedAt = this.clock.wall();
    const run: Run = {
      run: this.runs.length + 1,
      pipeline,
      slot,
      status: "running",
      startedAt,
      finishedAt: null,
      pid,
      trigger: "schedule",
    };
    this.runs.push(run);
    this.#count();
    return run;
  }

  #count(): void {
    this.mostRunning = Math.max(this.mostRunning, this.running);
  }

  #finish(run: Run, status: Run["status"]): void {
    run.status = status;
    run.finishedAt = this.clock.wall();
  }

  /** A run that a person begins. @returns ends it */
  byHand(slot: number | null = null): (status?: "done" | "error") => void {
    const pid = ++this.#pid;
    this.#alive.add(pid);
    const run: Run = {
      run: this.runs.length + 1,
      pipeline: "etl",
      slot,
      status: "running",
      startedAt: this.clock.wall(),
      finishedAt: null,
      pid,
      trigger: "cli",
    };
    this.runs.push(run);
    const end = (status: Run["status"]): void => {
      if (!this.#alive.delete(pid)) return;
      this.#processes.delete(pid);
      this.#finish(run, status);
    };
    this.#processes.set(pid, () => end("cancelled"));
    return (status = "done") => end(status);
  }

  cancel(run: number): void {
    const found = this.runs.find((each) => each.run === run);
    if (found !== undefined) this.#processes.get(found.pid)?.("cancelled");
  }

  killAll(): void {
    for (const kill of Array.from(this.#processes.values())) kill("killed");
  }

  get running(): number {
    return this.runs.filter((run) => run.status === "running" && this.#alive.has(run.pid)).length;
  }

  statusOf(slot: number): Run["status"] | "interrupted" | undefined {
    const run = this.runs.find((each) => each.slot === slot);
    return run?.status === "running" && !this.#alive.has(run.pid) ? "interrupted" : run?.status;
  }
}

/** A scheduler in a world, of one pipeline. What happens after its death does not reach it. */
export class ServeUnderTest {
  readonly scheduler: Scheduler;
  #isDead = false;
  #frozen: (() => void)[] | undefined;

  constructor(
    world: World,
    rule: ScheduleRule,
    limits: { maxRuns?: number; maxStarting?: number; hasWebhook?: boolean } = {},
  ) {
    this.scheduler = new Scheduler({
      clock: {
        wall: world.clock.wall,
        after: (delayMs, work) => world.clock.after(delayMs, () => this.#do(work)),
        cancel: (timer) => world.clock.cancel(timer),
      },
      store: world.store,
      launch: (launch) => {
        const process = world.launch(launch);
        const ended = new Promise<ProcessEnd>((resolve) => {
          void process.ended.then((end) => this.#do(() => resolve(end)));
        });
        return { ...process, ended };
      },
      cancel: (_, run) => world.cancel(run),
      tell: (event) => world.events.push(event),
      webhook: limits.hasWebhook === false ? undefined : this.#webhookOf(world),
      onDefect: (thrown) => world.defects.push(thrown),
      host: "here",
      maxRuns: limits.maxRuns ?? 10,
      maxStarting: limits.maxStarting ?? 4,
    });
    this.describe(rule);
  }

  /** @param since when loading the file was begun; default: now */
  describe(rule: ScheduleRule, since?: number): void {
    const served = { kind: "scheduled", rule, db: "/srv/a.db" } as const;
    const pipelines = [{ exportName: null, name: "etl", served }];
    this.scheduler.update("/srv/etl.ts", { kind: "loaded", pipelines }, null, since);
  }

  /** As kill -9: its processes live on. */
  kill(): void {
    this.#isDead = true;
  }

  /** As SIGSTOP. @returns SIGCONT */
  freeze(): () => void {
    const works: (() => void)[] = [];
    this.#frozen = works;
    return () => {
      this.#frozen = undefined;
      for (const work of works) this.#do(work);
    };
  }

  #webhookOf(world: World): { send(body: string, ended?: () => void): void } {
    return {
      send: (body, ended) => {
        const arrived = (): void => {
          world.posted.push(JSON.parse(body).event.kind);
          ended?.();
        };
        if (world.deliveryMs === 0) arrived();
        else world.clock.after(world.deliveryMs, () => this.#do(arrived));
      },
    };
  }

  #do(work: () => void): void {
    if (this.#isDead) return;
    if (this.#frozen === undefined) work();
    else this.#frozen.push(work);
  }
}
