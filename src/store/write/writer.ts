import type { MessageHandle } from "../../api/message.ts";
import { toFailure } from "../../base/failure.ts";
import { JSON, Promise } from "../../base/globals.ts";
import { assertNever } from "../../base/unreachable.ts";
import { thrownAt } from "../../base/thrown-at.ts";
import type { TaskId } from "../../protocol/ids.ts";
import { Mask } from "../../protocol/mask.ts";
import type { FromWriter, ModuleRef, ToWriter } from "../../protocol/messages.ts";
import type { RunRequest } from "../../protocol/run-request.ts";
import type { KnownParts, ReuseAsk, SessionCode } from "../../protocol/reuse.ts";
import type { LogLevel } from "../../protocol/status.ts";
import { Announcer } from "./announcer.ts";
import { decide } from "./commit-policy.ts";
import { GroupCommit, type Total } from "./group-commit.ts";
import { MainRecords } from "./main-records.ts";
import { Ports } from "./ports.ts";
import { Recorder } from "./recorder.ts";
import type { Session } from "./session.ts";
import { type OpenerDeps, SessionOpener } from "./session-opener.ts";
import { WakeUp } from "./wake-up.ts";

export type WriterDeps = OpenerDeps & {
  post(message: FromWriter): void;
  /** Loads the handlers of the pipeline's own messages from its module. */
  messages(module: ModuleRef): Promise<readonly MessageHandle<never>[]>;
  /** Runs `work` once the event loop has delivered what has arrived. */
  later(work: () => void): void;
  /** Monotonic ms: for the age of a transaction. */
  now(): number;
};

/** Poll interval while a transaction is held and nobody waits for it. */
const idlePollMs = 5;
/** Poll interval while a transaction with ends of tasks is held: a slot that becomes idle posts nothing. */
const endsPollMs = 3;

/** Main hears of each end exactly once: of `closed` by `closed` or `done-elsewhere`, of `failed` by `failed`. */
type Life =
  | { readonly state: "opening" }
  | { readonly state: "open"; readonly session: Session; readonly group: GroupCommit }
  | { readonly state: "closing"; readonly session: Session }
  | { readonly state: "closed" }
  | { readonly state: "failed" };

type Open = Extract<Life, { state: "open" }>;

/**
 * The single writer. It owns the only connection that writes to the database, and runs in a thread of its own; tests run
 * it in their process.
 *
 * - **Group commit** (`GroupCommit`, `commit-policy.ts`): messages of all workers share a transaction, and one fsync.
 * - **Units** (`UnitApplier`): a task's rows and messages are applied behind a savepoint, and are committed together with
 *   its checkpoint or its end, or not at all.
 * - **Commit, then announce** (`Announcer`): main and the workers hear only of what is committed.
 * - **Back-pressure** (`Ports`, `Announcer`): workers spend credits that come back with the commit, and the writer stops
 *   taking messages while main is behind. No queue grows without bound.
 * - **Outages** (`BusyHandler`): another program's lock is waited for. A full disk or an I/O error ends the run; the run's row
 *   keeps `running`, so the next run continues it.
 *
 * Life: `opening → open → closing → closed`, or `failed` from each of the first three.
 */
export class Writer {
  readonly #deps: WriterDeps;
  readonly #ports = new Ports(() => this.#wakeUp.soon());
  readonly #announcer: Announcer;
  #life: Life = { state: "opening" };
  readonly #fromMain = new MainRecords();
  #total: Total | undefined;
  readonly #code = Promise.withResolvers<SessionCode>();
  #known: SessionCode | undefined;
  /** Tasks for which a result of an earlier run is to be looked for. */
  readonly #asks: ReuseAsk[] = [];
  /** What arrived before the request to close is committed first. */
  #closeAsked: Extract<ToWriter, { type: "close" }> | undefined;
  /** Monotonic ms. */
  #groupBegan: number | undefined;
  readonly #wakeUp: WakeUp;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
    this.#announcer = new Announcer((message) => deps.post(message));
    this.#wakeUp = new WakeUp(deps, () => this.#run());
  }

  receive(message: ToWriter): void {
    if (this.#life.state === "closed" || this.#life.state === "failed") return;
    switch (message.type) {
      case "open":
        this.#fromMain.open(message.recorded);
        void this.#open(message);
        return;
      case "attach":
        return this.#ports.attach(message);
      case "detach":
        this.#ports.lose(message.workerId, message.sent);
        return this.#wakeUp.soon();
      case "records":
        this.#fromMain.receive(message.records);
        return this.#wakeUp.soon();
      case "total":
        this.#total = { total: message.total, complete: message.complete };
        return this.#wakeUp.soon();
      case "graph":
        if (this.#life.state === "open") this.#life.session.history.setGraph(message.graph);
        return this.#wakeUp.soon();
      case "seen":
        this.#announcer.seen(message.count);
        return this.#wakeUp.soon();
      case "results":
        return this.#postResults(message.ids);
      case "code":
        return this.#codeKnown({ code: new Map(message.code), parts: message.parts });
      case "sources":
        if (this.#life.state === "open") this.#life.session.history.setSources(message.sources);
        return this.#wakeUp.soon();
      case "reuse":
        this.#asks.push(...message.tasks);
        return this.#lookUp();
      case "close":
        this.#closeAsked = message;
        return this.#wakeUp.soon();
      default:
        assertNever(message);
    }
  }

  // ── opening ──

  async #open(asked: Extract<ToWriter, { type: "open" }>): Promise<void> {
    try {
      const handles = asked.module === null ? [] : await this.#deps.messages(asked.module);
      const opened = await new SessionOpener(asked, this.#say, this.#askCode, this.#deps).open(
        handles,
      );
      switch (opened.type) {
        case "session":
          return this.#begin(opened.session, asked.run);
        case "done-elsewhere":
          this.#life = { state: "closed" };
          return this.#deps.post(opened);
        default:
          assertNever(opened);
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #begin(session: Session, request: RunRequest): void {
    const { secrets, code } = request;
    const [ports, announcer] = [this.#ports, this.#announcer];
    const mask = Mask.of(secrets, process.env);
    const recorder = new Recorder(session.history, mask, ports.machines);
    const group = new GroupCommit({ session, recorder, ports, announcer });
    this.#life = { state: "open", session, group };
    const { started, otherCode, reruns, beganAt, learned, passedOver } = session;
    const known = {
      ...(learned === undefined ? {} : { learned }),
      ...(passedOver === undefined ? {} : { passedOver }),
    };
    if (started.resumed) {
      for (const { tasks, done } of session.history.restoredPages()) {
        this.#deps.post({ type: "restored", tasks: JSON.stringify(tasks), done });
      }
    }
    this.#deps.post({ type: "opened", started, otherCode, reruns, beganAt, ...known });
    if (this.#known !== undefined) this.#askSources(session, this.#known);
    if (!started.resumed && code !== null) {
      this.#deps.post({ type: "code-wanted", known: session.knownParts(request) });
    }
    this.#wakeUp.soon();
  }

  #askSources({ history }: Session, { code }: SessionCode): void {
    const fingerprints = history.withoutSource([...new Set(code.values())]);
    this.#deps.post({ type: "sources-wanted", fingerprints });
  }

  readonly #askCode = (known: readonly KnownParts[]): Promise<SessionCode> => {
    this.#deps.post({ type: "code-wanted", known });
    return this.#code.promise;
  };

  /** Before a run is continued, the opener waits for it. A new run goes on meanwhile. */
  #codeKnown(code: SessionCode): void {
    this.#code.resolve(code);
    this.#known = code;
    if (this.#life.state !== "open") return;
    this.#life.session.history.setCode(code.code, code.parts);
    try {
      this.#askSources(this.#life.session, code);
    } catch (thrown) {
      return this.#fail(thrown);
    }
    // The only task may run for hours before there is another commit. Until then every edit would count for every task.
    this.#wakeUp.soon();
  }

  readonly #say = (level: LogLevel, line: string): void =>
    this.#deps.post({ type: "output", level, line });

  #postResults(ids: readonly TaskId[]): void {
    // Main asks only after `opened`.
    if (this.#life.state !== "open") return;
    try {
      for (const results of this.#life.session.history.storedResults(ids)) {
        this.#deps.post({ type: "results", results });
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Some at a time: results may be long. The tasks that take one are done with the next commit, and then the rest follows. */
  #lookUp(): void {
    if (this.#life.state !== "open" || this.#asks.length === 0) return;
    try {
      const { answered, records } = this.#life.session.history.lookUp(this.#asks);
      const reused = new Set(records.flatMap(({ type, id }) => (type === "reused" ? [id] : [])));
      const tasks = this.#asks.splice(0, answered);
      const ids = tasks.flatMap(({ id }) => (reused.has(id) ? [] : [id]));
      this.#fromMain.add(records);
      if (ids.length > 0) this.#deps.post({ type: "not-reused", ids });
      this.#wakeUp.soon();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  // ── the loop ──

  #run(): void {
    if (this.#life.state !== "open") return;
    try {
      this.#work(this.#life);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #work(open: Open): void {
    const { group } = open;
    if (this.#total !== undefined) group.setTotal(this.#total);
    this.#total = undefined;
    if (!this.#fillGroup(group)) return;
    group.commit();
    this.#groupBegan = undefined;
    this.#lookUp();
    for (const workerId of this.#ports.detachLost()) {
      this.#deps.post({ type: "detached", workerId });
    }
    const hasWork = this.#hasWork(group);
    if (hasWork && this.#announcer.hasRoom) this.#wakeUp.soon();
    else if (this.#closeAsked !== undefined && !hasWork) this.#close(open, this.#closeAsked);
  }

  /** Takes messages until the group is to be committed. False if it is to be held, or waits for the rest of a unit. */
  #fillGroup(group: GroupCommit): boolean {
    this.#groupBegan ??= this.#deps.now();
    for (;;) {
      // They will wake the writer.
      if (this.#fromMain.areOnTheirWay) return false;
      const awaited = group.isAwaited;
      const decision = group.isFull
        ? "commit"
        : decide({
            records: group.records,
            ageMs: this.#deps.now() - this.#groupBegan,
            inboxEmpty: !this.#hasWork(group),
            awaited,
          });
      if (decision === "take-more" && this.#announcer.hasRoom) {
        this.#takeOne(group);
        continue;
      }
      if (group.owner !== undefined) {
        // A unit is never split over two commits: take the rest of it, or undo it if its worker is gone.
        if (this.#ports.hasMessage(group.owner)) this.#takeOne(group);
        else if (!group.abandonUnit()) {
          this.#ports.acknowledgeItems();
          return false;
        }
        continue;
      }
      if (decision !== "wait" || this.#closeAsked !== undefined) return true;
      this.#wakeUp.within(group.hasEnds || awaited ? endsPollMs : idlePollMs);
      return false;
    }
  }

  #hasWork(group: GroupCommit): boolean {
    return !this.#fromMain.isEmpty || this.#ports.hasMessage(group.owner);
  }

  /** Main's records first: what main reports of a task (that it is queued) happened before a worker started the task. */
  #takeOne(group: GroupCommit): void {
    if (!this.#fromMain.isEmpty) return group.takeMain(this.#fromMain.take());
    const next = this.#ports.take(group.owner);
    if (next !== undefined) group.take(next.from, next.text);
  }

  // ── the end ──

  #close(
    { session }: Open,
    { status, failure, changedFiles = [], durations }: Extract<ToWriter, { type: "close" }>,
  ): void {
    const known = durations === undefined ? {} : { durations };
    this.#life = { state: "closing", session };
    for (const definition of changedFiles) session.history.setFilesChanged(definition);
    this.#ports.close();
    const { finished, untidy } = session.close({
      status,
      failure,
      at: this.#deps.wall(),
      ...known,
    });
    this.#life = { state: "closed" };
    if (untidy !== undefined) {
      const why = toFailure(untidy).message;
      this.#say("warn", `everything is committed, but the database was not tidied up: ${why}`);
    }
    this.#deps.post({ type: "closed", finished });
  }

  /**
   * An error in this thread that nobody caught: of the pipeline's module, or of what a message's `apply` left behind.
   * @param file the pipeline's file
   */
  uncaught(thrown: unknown, file: string): void {
    const life = this.#life;
    const session = life.state === "open" || life.state === "closing" ? life.session : undefined;
    const error = session?.messages.leftBehind(thrown, file);
    if (error === undefined) this.#say("error", thrownAt(thrown, file));
    else this.#fail(error);
  }

  /** Nothing more is committed. The run's row keeps `running`, so the next run finds the run and continues it. */
  #fail(thrown: unknown): void {
    const life = this.#life;
    if (life.state === "closed" || life.state === "failed") return;
    this.#life = { state: "failed" };
    const session = life.state === "opening" ? undefined : life.session;
    const failure = toFailure(session?.explain(thrown) ?? thrown);
    session?.abort();
    this.#deps.post({ type: "failed", failure });
  }
}
