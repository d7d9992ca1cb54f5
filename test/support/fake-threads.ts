// Threads that are not threads: a task Worker whose tasks do what a script says, turn by turn of the event loop, and the
// real writer in this process. With them a whole run is stepped through in milliseconds, and seen at every instant.

import { noRetries } from "../../src/api/retries.ts";
import type { WorkerThread } from "../../src/engine/pool.ts";
import type { WriterThread } from "../../src/engine/run-options.ts";
import { Claims, creditsOf } from "../../src/protocol/claims.ts";
import type {
  Assignment,
  FromWorker,
  FromWriter,
  TaskRecord,
  ToWorker,
  ToWriter,
  WorkerBoot,
} from "../../src/protocol/messages.ts";
import { unpackAssignments } from "../../src/protocol/wire.ts";
import { taskKey } from "../../src/protocol/task-key.ts";
import { Writer } from "../../src/writer/writer.ts";

/** What an attempt does. `exit`: it fails and takes its thread with it, and says so, as `process.exit` does. */
export type Act = {
  readonly turns: number;
  readonly end: "done" | "error" | "exit" | "never";
  readonly listens: boolean;
};

export type Stage = {
  act(assignment: Assignment): Act;
  /** An attempt begins, right now. */
  begins(assignment: Assignment): void;
  /** It has ended, or its thread is gone. */
  ends(assignment: Assignment, how: "done" | "error" | "cancelled" | "lost"): void;
};

const failure = { name: "Error", message: "as the script says" };

export class FakeTaskWorker implements WorkerThread {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly #stage: Stage;
  #boot: WorkerBoot | undefined;
  #claims: Claims | undefined;
  #onClose: ((event: CloseEvent) => void) | undefined;
  readonly #batches: { readonly number: number; readonly tasks: readonly Assignment[] }[] = [];
  readonly #running = new Map<number, { readonly assignment: Assignment; readonly act: Act }>();
  #idle: number[] = [];
  #passed = 0;
  #isGone = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  addEventListener(_type: "close", listener: (event: CloseEvent) => void): void {
    this.#onClose = listener;
  }

  postMessage(message: ToWorker): void {
    this.#later(() => this.#receive(message));
  }

  terminate(): void {
    this.#go(0);
  }

  #later(work: () => void): void {
    setImmediate(() => {
      if (!this.#isGone) work();
    });
  }

  #tell(message: FromWorker): void {
    this.#later(() => this.onmessage?.(new MessageEvent("message", { data: message })));
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case "boot":
        this.#boot = message;
        this.#claims = Claims.from(message.claims);
        this.#idle = Array.from({ length: message.lanes }, (_, lane) => lane);
        message.port.onmessage = () => undefined;
        return;
      case "begin":
        if (this.#boot !== undefined) this.#tell({ type: "ready", slot: this.#boot.slot });
        return;
      case "assign":
        this.#batches.push({
          number: message.batch,
          tasks: unpackAssignments(message.tasks),
        });
        return this.#fill();
      case "stop":
        if (this.#boot !== undefined) this.#tell({ type: "stopped", slot: this.#boot.slot });
        return;
      case "cancel":
        for (const [lane, { assignment, act }] of this.#running) {
          if (act.listens) this.#end(lane, assignment, "cancelled");
        }
        return;
      default:
        message satisfies never;
    }
  }

  #fill(): void {
    let passed = false;
    while (this.#idle.length > 0) {
      const batch = this.#batches[0];
      if (batch === undefined) break;
      const index = this.#claims?.claim(batch.number) ?? -1;
      const assignment = batch.tasks[index];
      if (index === -1 || assignment === undefined) {
        this.#batches.shift();
        this.#passed = batch.number;
        passed = true;
      } else this.#begin(assignment);
    }
    if (passed) this.#free(0);
  }

  #begin(assignment: Assignment): void {
    const lane = this.#idle.pop() ?? 0;
    const act = this.#stage.act(assignment);
    this.#running.set(lane, { assignment, act });
    this.#claims?.setRunning(lane, assignment.id);
    const { id, name, attempt } = assignment;
    const key = taskKey(assignment.task, assignment.input);
    this.#post([{ type: "started", id, name, key, attempt, at: Date.now() }]);
    this.#stage.begins(assignment);
    this.#turn(lane, act.turns);
  }

  #turn(lane: number, left: number): void {
    this.#later(() => {
      const running = this.#running.get(lane);
      if (running === undefined) return;
      if (left > 0) return this.#turn(lane, left - 1);
      const { assignment, act } = running;
      switch (act.end) {
        case "never":
          return;
        case "exit":
          // Its lane stays marked, as with process.exit: nobody clears it any more.
          this.#running.delete(lane);
          this.#finish(assignment, "error");
          return this.#go(1);
        case "done":
        case "error":
          return this.#end(lane, assignment, act.end);
        default:
          act.end satisfies never;
      }
    });
  }

  #end(lane: number, assignment: Assignment, how: "done" | "error" | "cancelled"): void {
    this.#running.delete(lane);
    this.#claims?.setRunning(lane, 0);
    this.#idle.push(lane);
    this.#finish(assignment, how);
    this.#free(1);
    this.#fill();
  }

  #finish(assignment: Assignment, how: "done" | "error" | "cancelled"): void {
    const { id, name, attempt, needed, retries = noRetries } = assignment;
    const key = taskKey(assignment.task, assignment.input);
    const now = Date.now();
    const outcome: Extract<TaskRecord, { type: "finished" }>["outcome"] =
      how === "done"
        ? { status: "done", result: JSON.stringify(id) }
        : how === "cancelled"
          ? { status: "cancelled", failure }
          : {
              status: "error",
              failure,
              ...(attempt <= retries.limit ? { retryAt: now + retries.delayMs } : {}),
            };
    this.#stage.ends(assignment, how);
    this.#post([
      { type: "finished", id, name, key, attempt, startedAt: now, at: now, outcome, needed },
    ]);
  }

  #post(records: readonly TaskRecord[]): void {
    const text = JSON.stringify(records);
    this.#boot?.port.postMessage(text);
    this.#claims?.countSent(creditsOf(text.length));
  }

  #free(count: number): void {
    if (this.#boot === undefined) return;
    const { slot } = this.#boot;
    this.#tell({ type: "free", slot, count, passed: this.#passed, busyMs: count });
  }

  /** The thread ends: what it had said is said, what runs in it is lost. */
  #go(code: number): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const { assignment } of this.#running.values()) this.#stage.ends(assignment, "lost");
    setImmediate(() => this.#onClose?.(new CloseEvent("close", { code })));
  }
}

/** The writer itself, one turn of the event loop away in both directions. */
export function fakeWriterThread(): WriterThread {
  let isGone = false;
  const thread: WriterThread = {
    onmessage: null,
    onerror: null,
    // It never ends by itself.
    addEventListener: () => undefined,
    postMessage: (message: ToWriter) => {
      setImmediate(() => {
        if (!isGone) writer.receive(message);
      });
    },
    terminate: () => {
      isGone = true;
    },
  };
  const writer = new Writer({
    post: (message: FromWriter) =>
      setImmediate(() => {
        if (!isGone) thread.onmessage?.(new MessageEvent("message", { data: message }));
      }),
    messages: async () => [],
    later: (work) => void setImmediate(work),
    after: (ms, work) => void setTimeout(work, ms),
    now: () => Date.now(),
  });
  return thread;
}
