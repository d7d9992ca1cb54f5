// Opens a run's session. Waits for other programs' locks on the database and, with `--wait`, for a living run of the same
// pipeline and params, which it then continues unless it is done. Between two tries the thread processes messages of main.

import type { MessageHandle } from "../../api/message.ts";
import { Promise } from "../../base/globals.ts";
import type { ToWriter } from "../../protocol/messages.ts";
import type { RunRequest, WriterOptions } from "../../protocol/run-request.ts";
import { SharedFlag } from "../../protocol/shared/shared-flag.ts";
import type { KnownParts, SessionCode } from "../../protocol/reuse.ts";
import type { LogLevel } from "../../protocol/status.ts";
import type { RunSummary } from "../../protocol/summary.ts";
import { networkDisk } from "../network-disk.ts";
import { isRunAlive, type LiveRun, RunAliveError, type RunProcess } from "../liveness.ts";
import { endOrphans } from "../orphans.ts";
import {
  BusyHandler,
  type BusyClock,
  type BusyHandlerDeps,
  sleepingClock,
  Wait,
} from "../busy-handler.ts";
import { isLockedAtOpen } from "../store-error.ts";
import { endedSummary } from "../read/ended-summary.ts";
import { SlotDoneError } from "../read/slot-run.ts";
import { CodeWantedError } from "./prepare-run.ts";
import { Session } from "./session.ts";

/** Poll interval for the end of the run that `--wait` waits for. */
const alivePollMs = 250;
/** Pause between two tries to open a locked database. Each try itself waits for up to 500 ms. */
const lockPollMs = 20;

/** Asks main for the fingerprints of the pipeline's tasks. */
type AskCode = (known: readonly KnownParts[]) => Promise<SessionCode>;

/** @param disk the kind of file system */
export const networkNotice = (db: string, disk: string, wal: boolean): string =>
  `${db} is on a network file system (${disk}): locks${wal ? " and the write-ahead log" : ""} are not safe there, ` +
  `and another machine that uses the file can damage it; choose a local disk with --db` +
  (wal ? ", or --no-wal if only this machine uses it" : "");

type Say = (level: LogLevel, line: string) => void;

export type OpenerDeps = {
  after(ms: number, work: () => void): void;
  /** Epoch ms: for times that are stored or shown. */
  wall(): number;
  /** For waiting within a transaction. Default: the system's clock. */
  readonly clock?: BusyClock;
};

type Opened =
  | { readonly type: "session"; readonly session: Session }
  /** The run that was waited for, or that of the slot, is done: no run is needed here. */
  | { readonly type: "done-elsewhere"; readonly summary: RunSummary };

export class SessionOpener {
  readonly #deps: OpenerDeps;
  readonly #say: Say;
  readonly #askCode: AskCode;
  readonly #options: WriterOptions;
  readonly #request: RunRequest;
  readonly #busyDeps: BusyHandlerDeps;

  /** @param say reports long waits to the user */
  constructor(
    { options, run, givenUp }: Extract<ToWriter, { type: "open" }>,
    say: Say,
    askCode: AskCode,
    deps: OpenerDeps,
  ) {
    this.#askCode = askCode;
    this.#options = options;
    this.#request = run;
    this.#say = say;
    this.#deps = deps;
    const flag = SharedFlag.from(givenUp);
    this.#busyDeps = { say, isGivenUp: () => flag.isSet, ...(deps.clock ?? sleepingClock) };
  }

  /** @throws StoreError or SchemaError, as `Session.open`; other errors of SQLite */
  async open(handles: readonly MessageHandle<never>[]): Promise<Opened> {
    const { db } = this.#options;
    const busyHandler = new BusyHandler(db, this.#busyDeps);
    let code: SessionCode | undefined;
    let request = this.#request;
    await this.#warnOfNetwork();
    for (;;) {
      try {
        const session = await this.#untilUnlocked(() =>
          Session.open(this.#options, request, handles, this.#deps.wall(), busyHandler, code),
        );
        if (session.interrupted !== undefined) this.#endOrphans(session.interrupted);
        return { type: "session", session };
      } catch (thrown) {
        if (thrown instanceof CodeWantedError) {
          code = await this.#askCode(thrown.known);
          continue;
        }
        if (thrown instanceof SlotDoneError) {
          const summary = await this.#untilUnlocked(() => endedSummary(db, thrown.run));
          if (summary === undefined) throw thrown;
          this.#say("info", `the slot ${thrown.slot} is done: nothing to run`);
          return { type: "done-elsewhere", summary };
        }
        if (!(thrown instanceof RunAliveError) || !this.#request.wait) throw thrown;
        await this.#untilEnded(thrown.run);
        const summary = await this.#untilUnlocked(() => endedSummary(db, thrown.run.id));
        if (summary?.status === "done" && !this.#runsAgain) {
          return { type: "done-elsewhere", summary };
        }
        // It failed or was cancelled. A new run would do again, and insert again, what it has done.
        if (request.resume === "auto") request = { ...request, resume: thrown.run.id };
      }
    }
  }

  /** Tasks of a run are to run again, also when it has ended well. */
  get #runsAgain(): boolean {
    const { rerun, titles, failed } = this.#request.reruns;
    return rerun.length + titles.length > 0 || failed;
  }

  async #warnOfNetwork(): Promise<void> {
    const { db, wal } = this.#options;
    const disk = await networkDisk(db);
    if (disk !== undefined) this.#say("warn", networkNotice(db, disk, wal));
  }

  /** Before any task starts again. */
  #endOrphans(interrupted: RunProcess): void {
    const ended = endOrphans(interrupted);
    if (ended.length === 0) return;
    const what = ended.length === 1 ? "1 process" : `${ended.length} processes`;
    const line = `run ${interrupted.id} was killed, and programs of it ran on; ended ${what} before their tasks start again (pid ${ended.join(", ")})`;
    this.#say("warn", line);
  }

  /** Repeats `step` while another program's lock makes it fail. */
  async #untilUnlocked<Result>(step: () => Result): Promise<Result> {
    const wait = new Wait(this.#options.db, this.#busyDeps);
    for (;;) {
      try {
        const result = step();
        wait.over();
        return result;
      } catch (thrown) {
        if (!isLockedAtOpen(thrown)) throw thrown;
        wait.goesOn();
        await this.#pause(lockPollMs);
      }
    }
  }

  async #untilEnded(run: LiveRun): Promise<void> {
    const { db } = this.#options;
    const pid = run.pid === null ? "" : ` (pid ${run.pid})`;
    this.#say(
      "info",
      `run ${run.id} of "${run.pipeline}" is going on in ${db}${pid}; waiting for its end`,
    );
    while (isRunAlive(db, run)) await this.#pause(alivePollMs);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#deps.after(ms, resolve));
  }
}
