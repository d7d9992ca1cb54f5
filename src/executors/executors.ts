// Where tasks run, as the engine sees it. `threads/` runs them in threads of this process. Another kind of executor
// (processes, machines) implements the same interface and passes the same suite (test/executors/contract.ts).

import type { Failure } from "../base/failure.ts";
import type { TaskId, WorkerId } from "../protocol/ids.ts";
import type {
  Assignment,
  ModuleRef,
  ModuleSource,
  RunInfo,
  ToWriter,
} from "../protocol/messages.ts";
import type { AnswerQuery } from "../protocol/asked-query.ts";
import type { Programs } from "../protocol/shared/programs.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { TagSet } from "../protocol/tags.ts";

export type ExecutorsOptions = {
  /** How many workers run tasks. */
  readonly workers: number;
  /** Slots of all workers together: how many tasks run at once. */
  readonly concurrency: number;
  readonly module: ModuleRef;
  /** The module's files as the main thread loaded them. */
  readonly sources: readonly ModuleSource[];
  /** The database that `ctx.query` reads; null when no other connection can read it (`:memory:`). */
  readonly db: string | null;
  /** Names of environment variables whose values are masked in the text that leaves a worker. */
  readonly secrets: readonly string[];
  /** The most characters of a task's input that are stored. */
  readonly maxInput: number;
  /** Some task definition has a `label`. */
  readonly hasLabels: boolean;
  /** The processes that tasks have started, of all workers. */
  readonly programs: Programs;
  /** How far this machine's clock is ahead of the run's: times are those of the run. Default 0. */
  readonly clockAheadMs?: number;
  /** Answers `ctx.query` on a machine that does not have the database. Absent: the workers open `db`. */
  readonly answerQuery?: AnswerQuery;
};

/** The writer's end of the connection to one worker. The engine passes both members on to the writer as they are. */
export type WorkerPort = {
  readonly message: Extract<ToWriter, { type: "attach" }>;
  readonly transfer: MessagePort[];
};

/** The name of the failure of workers that are lost with their machine. */
export const machineLost = "MachineLost";

export type LostWorker = {
  readonly workerId: WorkerId;
  /** Tasks in the worker's slots when it went. */
  readonly running: readonly TaskId[];
  /**
   * Assigned but not claimed. A retried task's id may also be in `running`, left by its previous attempt. `unknown`: of a
   * worker on another machine that is silent. Its tasks that are not known to have begun have not.
   */
  readonly unbegun: ReadonlySet<TaskId> | "unknown";
  /** The task for which the worker was ended: no other is to blame. Absent where that is not known. */
  readonly culprit?: TaskId;
  /** Its whole machine is gone: no task is to blame, unless it takes one machine after another with it. */
  readonly isMachineLost?: true;
  /** Messages that the worker sent to the writer. `detached` follows when the writer has committed as many. */
  readonly sent: number;
  readonly failure: Failure;
};

/** Called by the executors, on the main thread. */
export type ExecutorsEvents = {
  /**
   * Asks for up to `most` tasks for this worker. `idle`: how many of them start at once. Tasks under a concurrency
   * limit go to idle slots only.
   * @param on only tasks that ask for exactly these tags; absent: any tasks
   */
  take(workerId: WorkerId, most: number, idle: number, on?: TagSet): Assignment[];
  /** How many tasks are ready that ask for exactly these tags. */
  readyOn(on: TagSet): number;
  /** What the tasks that were ready so far have asked for. */
  tagSets(): Iterable<TagSet>;
  /** This worker now holds these tasks: the worker that held them had not begun them. */
  moved(ids: readonly TaskId[], workerId: WorkerId): void;
  /** A worker was started: the writer must listen to it before it gets a task. */
  attach(port: WorkerPort): void;
  /** A worker reported, and every worker that asked for tasks has been topped up. */
  toppedUp(): void;
  /** A worker is gone. Its replacement, if there is one, has an id of its own. */
  lost(worker: LostWorker): void;
  /** No worker has begun these tasks, and the one that held them will not: they are ready again. */
  returned(ids: readonly TaskId[]): void;
  /** Workers cannot load the module, or end by themselves again and again: no task can run. */
  broken(failure: Failure): void;
  /** Something was printed that belongs to no task. */
  output(level: LogLevel, line: string): void;
};

/** What tells a run from every other one that had its database and its id. */
export type RunOrigin = {
  /** Start of its first session, epoch ms. */
  readonly beganAt: number;
  /** An earlier session of it has ended. */
  readonly isResumed: boolean;
};

export interface Executors {
  /** Starts the workers, which load the module. No worker gets a task before `begin`. */
  start(): void;
  /** @param origin absent: nothing of an earlier session can go on */
  begin(run: RunInfo, origin?: RunOrigin): void;
  /**
   * Tops up the workers: to be called when tasks have become ready, or when `take` has begun to give tasks again.
   * @param ready how many tasks are ready; the workers share them evenly
   */
  dispatch(ready: number): void;
  /** Takes back every task that no worker has begun. */
  takeBackAll(): TaskId[];
  /** Aborts every running task (`ctx.signal`). A worker that is lost from now on is not replaced. */
  cancel(): void;
  /** Ends the worker at once, whatever runs in it. `lost` follows. */
  kill(workerId: WorkerId, failure: Failure): void;
  killAll(failure: Failure): void;
  /**
   * All tasks have ended: the workers close the database. SQLite removes `-wal` and `-shm` when the last connection
   * closes, and that must be the writer's. Resolves when all have answered; a worker that does not answer is killed.
   */
  closeReaders(): Promise<void>;
  /** The run is over: ends all workers. No event follows, except `output` for text that was on its way. */
  stop(): void;
  /** Every worker waits for tasks, and none is about to start: no event will come by itself. */
  readonly isQuiet: boolean;
  /** Of the tags that tasks ask for, those that no worker has: tasks that ask for them wait. */
  readonly missingTags: readonly TagSet[];
  /** `running` in that worker; `held`: running, and the worker may be waiting for the writer; `elsewhere` otherwise. */
  whereIs(id: TaskId, workerId: WorkerId): "running" | "held" | "elsewhere";
}

export type CreateExecutors = (options: ExecutorsOptions, events: ExecutorsEvents) => Executors;
