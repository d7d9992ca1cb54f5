// The engine and the writer, played by the test: the tasks that executors take, the messages that their workers send, and
// the events that they report.

import type { Failure } from "../../src/base/failure.ts";
import type {
  Executors,
  ExecutorsEvents,
  ExecutorsOptions,
  LostWorker,
  WorkerPort,
} from "../../src/executors/executors.ts";
import { completionsMark, unpackCompletions } from "../../src/protocol/codec/completions.ts";
import { runId, type TaskId, taskId, type WorkerId } from "../../src/protocol/ids.ts";
import type { Assignment } from "../../src/protocol/messages.ts";
import type { Outcome, TaskRecord } from "../../src/protocol/writer-records.ts";
import { creditsOf } from "../../src/protocol/shared/credits.ts";
import { Programs } from "../../src/protocol/shared/programs.ts";
import { WorkerMemory } from "../../src/protocol/shared/worker-memory.ts";
import type { Harness } from "./contract.ts";

type Ended = { readonly workerId: WorkerId; readonly status: Outcome["status"] };

/** The writer's end of one worker. */
type Connection = {
  readonly port: MessagePort;
  readonly memory: WorkerMemory;
  received: number;
  /** Not given back yet. */
  credits: number;
  records: number;
};

export class Bench implements ExecutorsEvents, Disposable {
  readonly executors: Executors;
  /** Tasks that are ready and not taken. */
  ready: Assignment[] = [];
  /** The worker that holds each task taken so far. */
  readonly takenBy = new Map<TaskId, WorkerId>();
  /** What `take` asked for. */
  readonly asked: { readonly most: number; readonly idle: number }[] = [];
  readonly ended = new Map<TaskId, Ended>();
  readonly outputs: string[] = [];
  readonly brokenBy: Failure[] = [];
  /** Tasks that workers gave back. */
  readonly givenBack: TaskId[] = [];
  readonly lostWorkers: LostWorker[] = [];
  readonly connections = new Map<WorkerId, Connection>();
  /** Characters that the workers have sent. */
  receivedChars = 0;
  /** False: the writer gives no credits back. */
  keepsUp = true;
  #nextId = 1;
  #waiting: (() => void)[] = [];

  constructor(harness: Harness, options: Partial<ExecutorsOptions> = {}) {
    const defaults = {
      workers: 1,
      concurrency: 1,
      sources: [],
      db: null,
      secrets: [],
      maxInput: 0,
      hasLabels: false,
    };
    const { module } = harness;
    const programs = Programs.create();
    this.executors = harness.create({ ...defaults, module, programs, ...options }, this);
  }

  begin(): void {
    this.executors.start();
    this.executors.begin({
      id: runId(1),
      pipeline: "p",
      params: "{}",
      maxLogLines: null,
      hasOwnTables: false,
    });
  }

  /** Makes tasks ready and dispatches them. */
  add(task: string, count = 1): TaskId[] {
    const ids = Array.from({ length: count }, () => taskId(this.#nextId++));
    for (const id of ids) {
      this.ready.push({ id, task, name: task, attempt: 1, input: `${id}`, wantsResult: "yes" });
    }
    this.executors.dispatch(this.ready.length);
    return ids;
  }

  /** Many short tasks: executors then hold tasks ahead, if they do that at all. */
  async warmUp(): Promise<void> {
    const ids = this.add("done", 200);
    await this.until(() => this.haveEnded(ids) && this.executors.isQuiet);
  }

  haveEnded(ids: readonly TaskId[]): boolean {
    return ids.every((id) => this.ended.has(id));
  }

  whoHas(id: TaskId): WorkerId {
    const workerId = this.takenBy.get(id);
    if (workerId === undefined) throw new Error(`task ${id} was not taken`);
    return workerId;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** For what no event reports. */
  async eventually(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  // ── the engine ──

  readyOn(): number {
    return this.ready.length;
  }

  tagSets(): never[] {
    return [];
  }

  take(workerId: WorkerId, most: number, idle: number): Assignment[] {
    this.asked.push({ most, idle });
    const taken = this.ready.splice(0, most);
    for (const { id } of taken) this.takenBy.set(id, workerId);
    return taken;
  }

  moved(ids: readonly TaskId[], workerId: WorkerId): void {
    for (const id of ids) this.takenBy.set(id, workerId);
  }

  toppedUp(): void {
    this.executors.dispatch(this.ready.length);
    this.#changed();
  }

  lost(worker: LostWorker): void {
    this.lostWorkers.push(worker);
    this.#changed();
  }

  returned(ids: readonly TaskId[]): void {
    for (const id of ids) this.givenBack.push(id);
    this.#changed();
  }

  broken(failure: Failure): void {
    this.brokenBy.push(failure);
    this.#changed();
  }

  output(_: string, line: string): void {
    this.outputs.push(line);
    this.#changed();
  }

  // ── the writer ──

  attach({ message: { workerId, port, memory } }: WorkerPort): void {
    const connection = {
      port,
      memory: WorkerMemory.from(memory),
      received: 0,
      credits: 0,
      records: 0,
    };
    this.connections.set(workerId, connection);
    port.onmessage = (event) => {
      const text = event.data as string;
      connection.received++;
      connection.credits += creditsOf(text.length);
      connection.records++;
      this.receivedChars += text.length;
      this.#read(workerId, text);
      if (this.keepsUp) giveBack(connection);
      this.#changed();
    };
  }

  #read(workerId: WorkerId, text: string): void {
    if (text.startsWith(completionsMark)) {
      unpackCompletions(text, ({ id }) => this.#end(id, { workerId, status: "done" }));
      return;
    }
    for (const record of JSON.parse(text) as TaskRecord[]) {
      if (record.type !== "finished") continue;
      this.#end(record.id, { workerId, status: record.outcome.status });
    }
  }

  #end(id: TaskId, ended: Ended): void {
    if (this.ended.has(id)) throw new Error(`task ${id} has ended twice`);
    this.ended.set(id, ended);
  }

  keepUp(): void {
    this.keepsUp = true;
    for (const connection of this.connections.values()) giveBack(connection);
  }

  [Symbol.dispose](): void {
    this.executors.stop();
    for (const { port } of this.connections.values()) port.close();
  }
}

function giveBack(connection: Connection): void {
  connection.memory.credits.giveBack(connection.credits);
  const { records } = connection;
  connection.credits = 0;
  connection.records = 0;
  connection.port.postMessage({ type: "ack", records });
}
