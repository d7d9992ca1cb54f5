// What machines have of an earlier session of the run, which has died: attempts that have ended without the writer's knowledge, and
// attempts that still run. The database is the truth: an attempt is taken where it is the one that the next session would begin, and
// the database knows its start and not its end. Its task is then given to the machine that has it, and to no other.
//
// So the first tasks are given out when the machines that are there have said what they have. None is waited for long.

import { sha256 } from "../../base/sha256.ts";
import { plural } from "../../base/text.ts";
import type { TaskId, WorkerId } from "../../protocol/ids.ts";
import type { Mask } from "../../protocol/mask.ts";
import type { Assignment, RunInfo } from "../../protocol/messages.ts";
import type { TagSet } from "../../protocol/tags.ts";
import { taskKey } from "../../protocol/task-key.ts";
import type { TaskRecord } from "../../protocol/writer-records.ts";
import type { RunOrigin } from "../executors.ts";
import type { ToMachine, ToRun } from "./engine-messages.ts";
import type { RemoteThread } from "./remote-thread.ts";

type Offers = Omit<Extract<ToRun, { type: "offers" }>, "type">;
type Offer = Offers["offers"][number];
type Judged = Extract<ToMachine, { type: "judged" }>["leases"];

type Machine = {
  send(message: ToMachine): void;
  threadAt(thread: number): Pick<RemoteThread, "workerId" | "tell"> | undefined;
};

/** A task that goes on where it is. */
type Going<From> = {
  readonly task: Assignment;
  readonly from: From;
  readonly thread: Pick<RemoteThread, "workerId" | "tell">;
  readonly record: Extract<TaskRecord, { type: "started" }>;
};

type OffersDeps<From> = {
  readonly runName: string;
  /** What the tasks that are ready ask for. */
  tagSets(): Iterable<TagSet>;
  /** Of what the database has. */
  readonly mask: Mask | undefined;
  take(most: number, on: TagSet): Assignment[];
  /** @returns the machine's new lease */
  lease(machine: From, tasks: readonly Assignment[], on: TagSet): number;
  /** These tasks are given to any machine. */
  setAside(tasks: readonly Assignment[], on: TagSet): void;
  moved(ids: readonly TaskId[], workerId: WorkerId): void;
  say(line: string): void;
};

/** Ticks of the run: so long, no task is given out while a machine has not said what it has. */
const mostTicks = 2;
/** Where one machine has worked for the session before, others may say so a moment later. */
const moreTicks = 1;
const takenAtOnce = 128;

type Begun = Pick<Extract<ToMachine, { type: "begin" }>, "run" | "origin" | "isResumed">;

export class RunOffers<From extends Machine> {
  readonly #deps: OffersDeps<From>;
  #begun: Begun | undefined;
  /** Undefined before the run has begun, and once all is judged. */
  #ticks: number | undefined;
  #hasAnswers = false;
  /** The session before has died a moment ago. */
  #isRecent = false;
  readonly #unanswered = new Set<From>();
  readonly #offers = new Map<From, readonly Offer[]>();

  constructor(deps: OffersDeps<From>) {
    this.#deps = deps;
  }

  begin(run: RunInfo, { beganAt, isResumed }: RunOrigin): void {
    const origin = sha256(`${this.#deps.runName} ${run.id} ${beganAt}`);
    this.#begun = { run, origin, isResumed };
    if (isResumed) this.#ticks = 0;
  }

  /** Tells the machine that the run has begun, if it has. */
  tell(machine: From): void {
    if (this.#begun === undefined) return;
    machine.send({ type: "begin", ...this.#begun });
    if (this.isWaiting) this.#unanswered.add(machine);
  }

  offered(machine: From, { offers, isKnown }: Offers): void {
    this.#unanswered.delete(machine);
    this.#hasAnswers = true;
    this.#isRecent ||= isKnown;
    if (offers.length === 0) return;
    if (this.isWaiting) this.#offers.set(machine, offers);
    else machine.send({ type: "judged", leases: [] });
  }

  lose(machine: From): void {
    this.#unanswered.delete(machine);
    this.#offers.delete(machine);
  }

  /** Once a second, while Redis works. */
  tick(): void {
    if (this.#ticks !== undefined) this.#ticks++;
  }

  /** No task is given out. */
  get isWaiting(): boolean {
    return this.#ticks !== undefined;
  }

  /** @returns whether tasks may be given out */
  settle(): boolean {
    if (this.#ticks === undefined) return true;
    const areAllHeard = this.#hasAnswers && this.#unanswered.size === 0;
    const isEarly = !areAllHeard || (this.#isRecent && this.#ticks < moreTicks);
    if (isEarly && this.#ticks < mostTicks) return false;
    this.#ticks = undefined;
    this.#unanswered.clear();
    this.#judge();
    this.#offers.clear();
    return true;
  }

  #judge(): void {
    const leases = new Map(
      [...this.#offers.keys()].map((machine) => [machine, [] as Judged[number][]]),
    );
    let [left, accepted] = [this.#count, 0];
    for (const on of left === 0 ? [] : this.#deps.tagSets()) {
      // Those that ran are among the first ones that are ready.
      for (let most = 2 * this.#count + takenAtOnce; left > 0 && most > 0;) {
        const tasks = this.#deps.take(Math.min(most, takenAtOnce), on);
        if (tasks.length === 0) break;
        most -= tasks.length;
        const taken = this.#takeUp(tasks, on, leases);
        left -= taken;
        accepted += taken;
      }
    }
    for (const [machine, judged] of leases) machine.send({ type: "judged", leases: judged });
    if (accepted > 0) this.#deps.say(goOn(accepted));
  }

  get #count(): number {
    return this.#offers.values().reduce((sum, { length }) => sum + length, 0);
  }

  /** @returns how many of the tasks go on where they are */
  #takeUp(
    tasks: readonly Assignment[],
    on: TagSet,
    leases: ReadonlyMap<From, Judged[number][]>,
  ): number {
    const all = tasks.flatMap((task) => this.#going(task) ?? []);
    for (const [machine, own] of Map.groupBy(all, ({ from }) => from)) {
      for (const { thread, record } of own) {
        this.#deps.moved([record.id], thread.workerId);
        thread.tell([record]);
      }
      const given = own.map(({ task }) => task);
      const lease = this.#deps.lease(machine, given, on);
      leases.get(machine)?.push({ lease, ids: given.map(({ id }) => id) });
    }
    const given = new Set(all.map(({ task }) => task));
    const others = tasks.filter((task) => !given.has(task));
    if (others.length > 0) this.#deps.setAside(others, on);
    return all.length;
  }

  /** Undefined: no machine has this very attempt. */
  #going(task: Assignment): Going<From> | undefined {
    const { id, name, attempt, begunBefore: at, label, needs, position } = task;
    if (at === undefined) return undefined;
    const { mask } = this.#deps;
    const plainKey = taskKey(task.task, task.input);
    const key = mask?.text(plainKey) ?? plainKey;
    for (const [from, offers] of this.#offers) {
      const offer = offers.find((each) => isSame(each, task, key));
      const thread = offer === undefined ? undefined : from.threadAt(offer.thread);
      if (thread === undefined) continue;
      const about = { id, name, key, attempt, at, label, needs, position };
      const record = { type: "started", ...about, goesOn: true } as const;
      return { task, from, thread, record: mask?.data(record) ?? record };
    }
    return undefined;
  }
}

/** @param key of the task, as it is in the file */
const isSame = (offer: Offer, task: Assignment, key: string): boolean =>
  offer.id === task.id &&
  offer.key === key &&
  offer.attempt === task.attempt &&
  offer.startedAt === task.begunBefore &&
  offer.cursor === (task.cursor ?? null) &&
  offer.wantsResult === task.wantsResult;

const goOn = (tasks: number): string =>
  `${plural(tasks, "task")} of the session before ${tasks === 1 ? "goes" : "go"} on where ${tasks === 1 ? "it was" : "they were"}: workers had kept ${tasks === 1 ? "it" : "them"}`;
