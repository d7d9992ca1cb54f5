// What a run and the machines that work for it tell each other through Redis: one union per direction. A *machine* is one
// `pipeloom worker` process; its threads are workers of the run.

import type { Failure } from "../../base/failure.ts";
import type { TaskId } from "../../protocol/ids.ts";
import type { Assignment, RunInfo } from "../../protocol/messages.ts";
import type { LogLevel } from "../../protocol/status.ts";
import type { TagSet } from "../../protocol/tags.ts";
import type { Ack } from "../../protocol/writer-records.ts";

export type MachineInfo = {
  /** What it is called in histories: its host, with a number where several workers run there. */
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** Pipeloom's. */
  readonly version: string;
  readonly threads: number;
  /** Tasks that run at once in all of its threads. */
  readonly slots: number;
  /** It runs tasks that ask for some of them, and those that ask for none. */
  readonly tags: readonly string[];
};

/** An attempt that has begun in an earlier session, which has died: it goes on, or has ended and that is not known. */
export type OfferedAttempt = Pick<Assignment, "id" | "attempt" | "wantsResult"> & {
  readonly key: string;
  /** Epoch ms. */
  readonly startedAt: number;
  /** JSON text of its last checkpoint that is known to be committed. Null: none. */
  readonly cursor: string | null;
};

/** What a machine has for the leases of all runs that it works for. */
export type MachinePlaces = {
  /** How many leases it takes. */
  readonly places: number;
  /** It works for several runs. */
  readonly isShared: boolean;
};

export type ToRun =
  /** The first message of a link. `heardAt`: the number of the tick with which the machine has heard of the run. */
  | { readonly type: "hello"; readonly machine: MachineInfo; readonly heardAt: number }
  /** The machine has no bundle of this hash, and Redis neither. */
  | { readonly type: "bundle-wanted" }
  /** A thread was started. `thread`: 0, 1, 2 … of this link; the replacement of a lost one has a number of its own. */
  | { readonly type: "attach"; readonly thread: number; readonly slots: number }
  /** One text of the thread's port to the writer. It crosses Redis as it is (frame-codec.ts). */
  | { readonly type: "records"; readonly thread: number; readonly text: string }
  /** The thread holds these tasks now, of this machine's leases or of another thread. */
  | { readonly type: "held"; readonly thread: number; readonly ids: readonly TaskId[] }
  /** What runs in the thread's slots. */
  | { readonly type: "running"; readonly thread: number; readonly ids: readonly TaskId[] }
  /** The thread has ended. All that it had sent was sent before this. */
  | {
      readonly type: "thread-lost";
      readonly thread: number;
      readonly running: readonly TaskId[];
      readonly unbegun: readonly TaskId[];
      readonly culprit?: TaskId;
      readonly failure: Failure;
    }
  /** A thread has loaded the module: the machine can take leases. */
  | { readonly type: "ready" }
  /** May the machine run this lease? Answered by `granted` or `refused`. */
  | { readonly type: "claim"; readonly lease: number }
  /** Every task of the lease has ended, or was given back. `averageMs`: of the machine's tasks. Answered by `more` or `closed`. */
  | (MachinePlaces & {
      readonly type: "ended";
      readonly lease: number;
      readonly averageMs: number | undefined;
    })
  /** No thread has begun these tasks, and none will. */
  | { readonly type: "returned"; readonly ids: readonly TaskId[] }
  /** What the machine has of an earlier session, once for each `begin` of a run that is resumed. Answered by `judged` if it is not empty. */
  | {
      readonly type: "offers";
      /** The machine has worked for that session: others may have something of it. */
      readonly isKnown: boolean;
      readonly offers: readonly (OfferedAttempt & { readonly thread: number })[];
    }
  | { readonly type: "broken"; readonly failure: Failure }
  | { readonly type: "output"; readonly level: LogLevel; readonly line: string }
  /** `asked`: a packed `AskedQuery` (query-text.ts). Answered by `answer`, with a packed `QueryAnswer`. */
  | { readonly type: "query"; readonly query: number; readonly asked: string }
  /** The machine takes no more leases. It ends when its tasks have ended. */
  | { readonly type: "leaving" }
  /** The last message: nothing runs here any more. */
  | { readonly type: "left" };

export type SharedModule =
  /** `name`: of the pipeline's file. `files`: the hash of the declared files of its tasks; absent where there are none. */
  | {
      readonly kind: "bundle";
      readonly hash: string;
      readonly name: string;
      readonly files?: string;
    }
  | { readonly kind: "builtin"; readonly name: string };

export type ToMachine =
  | {
      readonly type: "boot";
      readonly module: SharedModule;
      readonly secrets: readonly string[];
      /** Null: all of it. JSON has no infinity. */
      readonly maxInput: number | null;
      readonly hasLabels: boolean;
      /** What its tasks have asked for so far: each has a queue of its own. */
      readonly tagSets: readonly TagSet[];
    }
  /** `origin`: what tells the run from all others. */
  | {
      readonly type: "begin";
      readonly run: RunInfo;
      readonly origin: string;
      readonly isResumed: boolean;
    }
  /** Of what the machine has offered, these tasks go on, as leases of it. The run does not want the others. */
  | {
      readonly type: "judged";
      readonly leases: readonly { readonly lease: number; readonly ids: readonly TaskId[] }[];
    }
  /** Tasks ask for these tags, too. */
  | { readonly type: "tags"; readonly on: TagSet }
  | { readonly type: "granted"; readonly lease: number }
  /** Another machine has the lease, or the run does not need it any more. */
  | { readonly type: "refused"; readonly lease: number }
  /** Further tasks of a lease whose tasks have ended. `text`: packed `Assignment[]`; it crosses Redis as it is. */
  | { readonly type: "more"; readonly lease: number; readonly text: string }
  /** The lease gets no more tasks. */
  | { readonly type: "closed"; readonly lease: number }
  /** The writer has committed so many texts of records: these credits are the thread's again. */
  | ({
      readonly type: "committed";
      readonly thread: number;
      readonly credits: number;
      readonly records: number;
    } & Pick<Ack, "checkpoints">)
  | { readonly type: "cancel" }
  /** Other machines have nothing to do: what no thread has begun goes back. */
  | { readonly type: "recall" }
  | { readonly type: "kill"; readonly thread: number; readonly failure: Failure }
  | { readonly type: "answer"; readonly query: number; readonly answer: string }
  /** The run is over, or has given the machine up: what it still sends is dropped. */
  | { readonly type: "end"; readonly reason: "over" | "given up" };

/** One BullMQ job. The machine claims it before it runs it, and may get more tasks of it. */
export type LeaseJob = {
  readonly session: string;
  readonly lease: number;
  /** Packed `Assignment[]` (protocol/codec/assignments.ts). */
  readonly tasks: string;
  readonly signature: string;
};
