// The life cycle of one run, from the plan to the summary. Committed outcomes decide which tasks run next; the executors
// run them, and the writer keeps their outcomes. Everything here runs on the main thread, in answer to messages.
//
//   feeder ──► graph ──► dispatcher ──► executors        plan, ready, in flight, running
//                ▲                          │
//            outcomes ◄── writer link ◄── writer         committed
//                             ▲
//                          losses ◄── executors          lost workers, timeouts

import { systemClock } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";
import { Promise } from "../base/globals.ts";
import { endGroups } from "../base/process-group.ts";
import type { Executors, ExecutorsEvents } from "../executors/executors.ts";
import type { RunFinished } from "../protocol/events.ts";
import type { CommittedEvent, FromWriter } from "../protocol/messages.ts";
import { SharedFlag } from "../protocol/shared/shared-flag.ts";
import { Programs } from "../protocol/shared/programs.ts";
import type { RunStatus } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { type Control, openControl } from "./control.ts";
import type { Stop } from "./life.ts";
import { openingNotices } from "./notices.ts";
import { executorsOptions, openMessage, originOf, runInfo, sizeOf } from "./opening.ts";
import { Parts } from "./parts.ts";
import type { RunOptions } from "./run-options.ts";
import { cancelGraceMs, StopDeadline } from "./stop-deadline.ts";
import { verdictOn } from "./termination.ts";
import type { WriterEvents } from "./writer-link.ts";

/** How long a program that was left running in the background may take to end after SIGTERM. */
const backgroundGraceMs = 1_000;

/** `stop` was called before there was a run: nothing has been done. */
class CancelledError extends Error {
  override readonly name = "CancelledError";
}

export class Run {
  readonly #options: RunOptions;
  readonly #programs: Programs;
  readonly #parts: Parts;
  /** Undefined while the plan is made. */
  #executors: Executors | undefined;
  /** Tells the writer to wait for no lock any longer. */
  readonly #givenUp = SharedFlag.create();
  #control: Control | undefined;
  readonly #deadline = new StopDeadline({
    killAll: () => this.#killAll(),
    writerStuck: (message) =>
      this.#writerFailed({ name: "WriterStuck", message, code: "given-up" }),
  });
  #isAdvancing = false;
  readonly #done = Promise.withResolvers<RunSummary>();

  constructor(options: RunOptions) {
    this.#options = options;
    this.#programs = options.programs ?? Programs.create();
    this.#parts = new Parts(options, {
      writerEvents: this.#writerEvents(),
      executors: () => this.#running,
      advance: () => this.#advance(),
      endEarly: (stop) => this.#endEarly(stop),
      failOnThrow: (work) => this.#failOnThrow(work),
    });
  }

  /**
   * Plans, runs and commits everything.
   * @throws PlanError, also for what `tasks` throws, before anything is written; CancelledError where `stop` came before
   *   the run had begun
   */
  async start(): Promise<RunSummary> {
    try {
      // A stop does not wait for `tasks`, which may never end.
      await Promise.race([this.#parts.feeder.plan(this.#options.params), this.#done.promise]);
      this.#open();
      const summary = await this.#done.promise;
      // Programs that `sh` left running in the background have served the run.
      await endGroups(this.#programs.running(), backgroundGraceMs);
      return summary;
    } catch (thrown) {
      throw this.#parts.mask?.error(thrown) ?? thrown;
    } finally {
      (this.#executors ?? this.#options.engine)?.stop();
      this.#parts.writer.terminate();
      this.#parts.timeouts.clear();
      this.#parts.slow.end();
      this.#closeControl();
      this.#deadline.clear();
      this.#parts.alarm.set(undefined);
    }
  }

  /** Whether the main thread may yet run code of the user's, and so be kept busy by it. Known when the run has begun. */
  get mayRunUserCode(): boolean {
    const { hooks, feeder, graph } = this.#parts;
    return !hooks.isEmpty || feeder.isStreaming || !graph.isUnfolded;
  }

  /** Estimated from what earlier runs say of the tasks; undefined where they say nothing. */
  get remainingMs(): number | undefined {
    return this.#parts.life.stage === "running" ? this.#parts.remainingMs : undefined;
  }

  /**
   * @param urgent false: nothing new starts, running tasks are aborted (`ctx.signal`) and waited for. True: the threads
   *   end now, and no lock of another process is waited for.
   */
  stop(urgent: boolean): void {
    this.#endEarly({ status: "cancelled", failure: null });
    if (!urgent) return;
    switch (this.#parts.life.stage) {
      case "opening":
        return;
      case "running":
      case "closing":
        this.#givenUp.set();
        this.#killAll();
        return this.#deadline.forWriter();
      case "finished":
        return this.#parts.hooks.hurry("the run was told to stop now");
    }
  }

  // ── opening ──

  /** The writer opens the database while the workers start: both take as long. */
  #open(): void {
    const options = this.#options;
    const { feeder, dispatcher, writer, mask, inputs } = this.#parts;
    const size = sizeOf(options, feeder.tasks);
    feeder.slots = size.concurrency;
    dispatcher.slots = size.concurrency;
    writer.open(
      options.spawnWriter(),
      openMessage(options, mask, size, this.#givenUp, writer.recorded),
    );
    this.#executors = options.createExecutors(
      executorsOptions(options, size, this.#programs, inputs.stored),
      this.#executorsEvents(),
    );
    this.#executors.start();
    options.spareThreads?.[Symbol.dispose]();
  }

  #writerEvents(): WriterEvents {
    return {
      restored: (page) => this.#parts.identities.restored.addPage(page),
      codeWanted: (known) => this.#parts.code.send(known),
      sourcesWanted: (fingerprints) => this.#parts.code.sendSources(fingerprints),
      notReused: (ids) => {
        this.#parts.reuse?.notReused(ids);
        this.#advance();
      },
      opened: (opened) => this.#opened(opened),
      doneElsewhere: (summary) => this.#done.resolve(summary),
      committed: (events) => this.#committed(events),
      detached: (workerId) => {
        this.#parts.losses.resolve(workerId);
        this.#advance();
      },
      results: (results) => {
        this.#parts.schedule.setNow(systemClock.now());
        this.#parts.outcomes.applyStored(results);
        this.#advance();
      },
      output: (level, line) => this.#parts.print(level, line),
      failed: (failure) => this.#writerFailed(failure),
      closed: (finished) => this.#closed(finished),
    };
  }

  #executorsEvents(): ExecutorsEvents {
    return {
      take: (workerId, most, idle, on) => this.#parts.dispatcher.take(workerId, most, idle, on),
      readyOn: (on) => this.#parts.schedule.readyOn(on),
      tagSets: () => this.#parts.schedule.tagSets,
      moved: (ids, workerId) => this.#parts.dispatcher.moved(ids, workerId),
      attach: ({ message, transfer }) => this.#parts.writer.send(message, transfer),
      toppedUp: () => this.#failOnThrow(() => this.#advance()),
      lost: (worker) => this.#failOnThrow(() => this.#parts.losses.lost(worker)),
      returned: (ids) => this.#parts.dispatcher.putBackAll(ids),
      broken: (failure) => this.#failOnThrow(() => this.#endEarly({ status: "error", failure })),
      output: this.#parts.print,
    };
  }

  #opened(opened: Extract<FromWriter, { type: "opened" }>): void {
    const { started, reruns, learned } = opened;
    const { life, identities, outcomes, dispatcher, feeder, mask, code, print } = this.#parts;
    const { writer, onEvents } = this.#options;
    life.begin(started);
    identities.begin();
    this.#parts.learn(learned);
    // `pipeloom cancel` finds the run by its row.
    if (writer.storeTaskStatus)
      this.#control = openControl(started, (urgent) => this.#cancelledFromOutside(urgent));
    const { run: id, at } = started;
    onEvents([started]);
    if (reruns.length > 0) onEvents([{ type: "run-reruns", run: id, at, tasks: reruns }]);
    if (started.alreadyDone > 0 || reruns.length > 0) code.explain(reruns, print);
    for (const notice of openingNotices(opened, mask?.shortNames ?? [])) print("warn", notice);
    // The ids of a resumed run's tasks are known only when the run comes to them.
    if (!started.resumed && !feeder.isStreaming) outcomes.recordPlanned();
    outcomes.begin();
    this.#running.begin(runInfo(this.#options, started), originOf(opened));
    this.#parts.schedule.setNow(systemClock.now());
    dispatcher.begin();
    this.#advance();
  }

  #cancelledFromOutside(urgent: boolean): void {
    const when = urgent ? " now" : `; running tasks have up to ${cancelGraceMs / 1000} s`;
    this.#parts.print("warn", `asked from another terminal to stop${when}`);
    this.stop(urgent);
  }

  // ── running ──

  /** After anything has changed: tops up the workers, sends the total, and ends the run where all is done. */
  #advance(): void {
    const { life, feeder, schedule, alarm } = this.#parts;
    if (this.#isAdvancing || life.stage !== "running") return;
    this.#isAdvancing = true;
    // Read the clock before dispatching: the alarm must also cover a retry that becomes due meanwhile.
    const now = systemClock.now();
    if (life.mayDispatch) {
      this.#parts.topUp();
      this.#running.dispatch(schedule.ready);
    }
    alarm.set(life.stop === undefined ? this.#parts.wakesAt(now) : undefined);
    this.#isAdvancing = false;
    feeder.tellPlan();
    this.#endIfOver();
  }

  #committed(events: readonly CommittedEvent[]): void {
    const { life, outcomes, slow, writer, schedule } = this.#parts;
    // A writer that was given up may still commit. The run's last event is out.
    if (life.stage === "finished") return;
    schedule.setNow(systemClock.now());
    for (const event of events) outcomes.apply(event);
    this.#options.onEvents(events);
    slow.flush();
    writer.seen();
    this.#advance();
  }

  // ── the end ──

  /** The first reason counts. Tasks that no worker has begun are taken back; the others are aborted. */
  #endEarly(stop: Stop): void {
    const { life, writer, feeder, dispatcher } = this.#parts;
    if (life.stop !== undefined || life.isEnding) return;
    life.endEarly(stop);
    writer.readerCaughtUp();
    feeder.close();
    dispatcher.putBackAll(this.#executors?.takeBackAll() ?? []);
    this.#executors?.cancel();
    this.#deadline.forTasks(life.stage === "opening");
    this.#advance();
  }

  #killAll(): void {
    if (this.#parts.life.stage === "opening") {
      const why = "the run was cancelled before it began; nothing was done";
      return this.#done.reject(new CancelledError(why));
    }
    this.#running.killAll({ name: "CancelledError", message: "the run was stopped" });
  }

  #endIfOver(): void {
    const { outcomes } = this.#parts;
    const verdict = verdictOn(this.#parts, this.#running);
    if (verdict === "goes on") return;
    if (verdict !== "all tasks have ended") return this.#close(verdict.status, verdict.failure);
    outcomes.dropUnplanned();
    this.#close(outcomes.status, outcomes.failure);
  }

  #close(status: Exclude<RunStatus, "running">, failure: Failure | null): void {
    const { life, writer, outcomes, code } = this.#parts;
    life.close(outcomes.left);
    writer.readerCaughtUp();
    outcomes.recordQueued();
    const durations = this.#parts.endSession(status !== "cancelled" && life.stop === undefined);
    const ended = { status, failure, ...(durations === undefined ? {} : { durations }) };
    const ready = Promise.all([this.#running.closeReaders(), code.sent]);
    void ready
      .then(() => code.changedFiles())
      .then((changedFiles) => writer.send({ type: "close", ...ended, changedFiles }));
  }

  /** Everything committed is safe; no more can be committed. */
  #writerFailed(failure: Failure): void {
    const { life, outcomes, feeder } = this.#parts;
    if (life.started === undefined)
      return this.#done.reject(Object.assign(new Error(failure.message), failure));
    if (life.stage === "finished") return;
    const status = failure.code === "given-up" ? "cancelled" : "error";
    life.endEarly({ status, failure });
    if (life.stage === "running") life.close(outcomes.left);
    feeder.close();
    this.#running.stop();
    const { run } = life.started;
    this.#closed({ type: "run-finished", run, status, at: systemClock.wall(), failure });
  }

  #closed(finished: RunFinished): void {
    if (this.#parts.life.stage === "finished") return;
    this.#finish(finished).then(this.#done.resolve, this.#done.reject);
  }

  async #finish(finished: RunFinished): Promise<RunSummary> {
    const { life, outcomes, hooks, slow } = this.#parts;
    const costs = this.#parts.costsOf(finished);
    const { started, ...left } = life.finish();
    slow.end();
    // Nobody can end the run any more, and a hook may end the process.
    this.#closeControl();
    const { status, failure = null, at } = finished;
    const end = { status, failure, finishedAt: at, ...left };
    const summary = { ...outcomes.summary(started, end), ...costs };
    this.#options.onEvents([{ ...finished, ...costs }]);
    await hooks.finish(summary);
    return summary;
  }

  /** Once: a later session of this run may have a file of the same name. */
  #closeControl(): void {
    this.#control?.close();
    this.#control = undefined;
  }

  get #running(): Executors {
    if (this.#executors === undefined) throw new Error("Internal error: no executors were started");
    return this.#executors;
  }

  /** An error here is a bug of pipeloom or of an `onEvent`: the run ends with it instead of hanging. */
  #failOnThrow(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#done.reject(thrown);
    }
  }
}
