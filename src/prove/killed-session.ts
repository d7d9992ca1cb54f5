// A session is one process that starts or continues the run, until it ends or is killed. It is this executable again, with
// the path of its orders in PIPELOOM_PROVE: it runs as `pipeloom run` does, and records what SQLite writes if asked to.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ownCommand } from "../base/own-command.ts";
import { systemClock, type Timer } from "../base/clock.ts";
import { JSON, Promise, TextDecoder } from "../base/globals.ts";
import type { RunEvent } from "../protocol/events.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import type { RunPipelineOptions } from "../api/run-pipeline-options.ts";
import { afterTheEnd } from "../worker/attempt-log.ts";
import { executeRun } from "../commands/execute-run.ts";
import { fetchLimit, setAtStart } from "../commands/start-variables.ts";
import { endPrograms } from "./left-programs.ts";
import { startRecorder } from "./write-recorder.ts";

export const ordersVariable = "PIPELOOM_PROVE";
/** Inherited by what a session starts: see left-programs.ts. */
const markVariable = "PIPELOOM_PROVE_SESSION";

export type Orders = {
  readonly module: ModuleRef;
  readonly options: Omit<RunPipelineOptions, "signal" | "onEvent"> & { readonly db: string };
  /** Where to record what SQLite writes; null: nowhere. */
  readonly trace: string | null;
};

/** When to send SIGKILL. */
export type Kill =
  | { readonly type: "never" }
  | { readonly type: "after"; readonly ms: number }
  | { readonly type: "at-event"; readonly count: number };

type Outcome =
  | { readonly type: "exited"; readonly code: number }
  /** By the proof: at its moment, or because the proof was stopped. */
  | { readonly type: "killed" }
  /** It took too long, and was killed. */
  | { readonly type: "hung" }
  /** By a signal that the proof did not send: a fault in native code, too little memory. */
  | { readonly type: "crashed"; readonly signal: string };

export type SessionEnd = {
  readonly outcome: Outcome;
  readonly tookMs: number;
  /** How many events the process has written. */
  readonly events: number;
  /** Ids of the tasks that it has announced as done. */
  readonly done: readonly number[];
  /** How many attempts have begun, by task name, as far as it was announced. */
  readonly ran: ReadonlyMap<string, number>;
  /** `load-day: no such file`: of the first task that has failed. */
  readonly failure: string | undefined;
  /** Attempts that sent something after their end, which is dropped: `load-day: after the task had ended …`. */
  readonly late: readonly string[];
  /** What it wrote to stderr, the end of it. */
  readonly errors: string;
  /** Programs that ran on after its end. They have been ended. */
  readonly programsLeft: number;
};

// ── in the session's process ───────────────────────────────────────────────────────────────────────────

/** @returns the exit code of the run */
export async function followOrders(path: string): Promise<number> {
  // A task may start another proof.
  delete process.env[ordersVariable];
  const { module, options, trace }: Orders = JSON.parse(readFileSync(path, "utf8"));
  setAtStart(fetchLimit(options.concurrency));
  const note = trace === null ? undefined : recorderFor(trace, options.db);
  const onEvents = (events: readonly RunEvent[]): void => {
    const ids = events.flatMap((event) =>
      event.type === "task-finished" && event.status === "done" ? [event.id] : [],
    );
    if (ids.length > 0) note?.(`done ${ids.join()}`);
  };
  return executeRun(module, options, {
    verbosity: "quiet",
    json: true,
    logFile: undefined,
    ...(note === undefined ? undefined : { onEvents }),
  });
}

/** Without a recorder there is no trace, and the power is not cut. */
function recorderFor(trace: string, db: string): ((announcement: string) => void) | undefined {
  try {
    return startRecorder(trace, db);
  } catch {
    return undefined;
  }
}

// ── in the proving process ─────────────────────────────────────────────────────────────────────────────

/** After the process is gone: how long a program of a task may hold its output open. */
const endOfOutputMs = 2_000;
const maxErrorChars = 8 * 1024;

type SessionLimits = {
  /** Folder for the orders. */
  readonly scratch: string;
  /** A session that takes longer hangs; undefined: it may take as long as it likes. */
  readonly hangMs: number | undefined;
  readonly stopped: AbortSignal;
};

export async function runSession(
  orders: Orders,
  kill: Kill,
  limits: SessionLimits,
): Promise<SessionEnd> {
  const path = join(limits.scratch, "orders.json");
  writeFileSync(path, JSON.stringify(orders), { mode: 0o600 });
  const began = systemClock.now();
  const child = spawnSession(path);
  using ender = new SessionEnder(child, kill, limits);
  const events = new EventCounter(kill.type === "at-event" ? kill.count : undefined, ender.end);
  let errors = "";
  const outputs = Promise.all([
    readText(child.stdout, (text) => events.take(text)),
    readText(child.stderr, (text) => {
      errors = (errors + text).slice(-maxErrorChars);
    }),
  ]);
  await child.exited;
  const outcome = ender.outcomeOf(child);
  await Promise.race([outputs, Bun.sleep(endOfOutputMs)]);
  const { count, done, ran, failure, late } = events;
  return {
    outcome,
    tookMs: systemClock.now() - began,
    events: count,
    done,
    ran,
    failure,
    late,
    errors,
    programsLeft: await endPrograms(markVariable, path),
  };
}

const spawnSession = (orders: string): Bun.Subprocess<"ignore", "pipe", "pipe"> =>
  Bun.spawn([...ownCommand(), "prove"], {
    env: { ...process.env, [ordersVariable]: orders, [markVariable]: orders },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });

/** Ends a session at its moment, when it hangs, or when the proof is stopped. */
class SessionEnder implements Disposable {
  readonly end: () => void;
  readonly #stopped: AbortSignal;
  readonly #timers: readonly Timer[];
  /** Why SIGKILL was sent; undefined: it was not. */
  #sent: "killed" | "hung" | undefined;

  constructor(child: Bun.Subprocess, kill: Kill, { hangMs, stopped }: SessionLimits) {
    const send = (why: "killed" | "hung"): void => {
      this.#sent ??= why;
      child.kill("SIGKILL");
    };
    this.end = () => send("killed");
    this.#timers = [
      ...(hangMs === undefined ? [] : [systemClock.after(hangMs, () => send("hung"))]),
      ...(kill.type === "after" ? [systemClock.after(kill.ms, this.end)] : []),
    ];
    this.#stopped = stopped;
    stopped.addEventListener("abort", this.end, { once: true });
    if (stopped.aborted) this.end();
  }

  /** @param child has ended */
  outcomeOf({ signalCode, exitCode }: Bun.Subprocess): Outcome {
    if (signalCode === null) {
      if (exitCode === null) throw new Error("Internal error: a process without an end");
      return { type: "exited", code: exitCode };
    }
    if (signalCode === "SIGKILL" && this.#sent !== undefined) return { type: this.#sent };
    return { type: "crashed", signal: String(signalCode) };
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) systemClock.cancel(timer);
    this.#stopped.removeEventListener("abort", this.end);
  }
}

async function readText(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}

/** Reads the lines of `--json`. */
class EventCounter {
  count = 0;
  readonly done: number[] = [];
  readonly ran = new Map<string, number>();
  failure: string | undefined;
  readonly late: string[] = [];
  readonly #running = new Set<string>();
  readonly #killAt: number | undefined;
  readonly #kill: () => void;
  #rest = "";

  constructor(killAt: number | undefined, kill: () => void) {
    this.#killAt = killAt;
    this.#kill = kill;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (++this.count === this.#killAt) this.#kill();
      if (/^\{"type":"task-(?:started|finished)"/.test(line)) this.#task(JSON.parse(line));
      else if (line.includes(`"line":"${afterTheEnd}`)) this.#late(JSON.parse(line));
    }
  }

  #late(event: { readonly name: string; readonly line: string }): void {
    this.late.push(`${event.name}: ${event.line}`);
  }

  /** A short attempt has no `task-started`: its end says that it has begun. */
  #task(event: {
    readonly type: string;
    readonly id: number;
    readonly name: string;
    readonly attempt: number;
    readonly status?: string;
    readonly startedAt?: string | null;
    readonly failure?: { readonly message: string };
  }): void {
    const attempt = `${event.id} ${event.attempt}`;
    if (event.type === "task-started") {
      this.#running.add(attempt);
      return this.#begun(event.name);
    }
    if (!this.#running.delete(attempt) && event.startedAt !== null) this.#begun(event.name);
    if (event.status === "done") this.done.push(event.id);
    if (event.status === "error") this.failure ??= `${event.name}: ${event.failure?.message ?? ""}`;
  }

  #begun(name: string): void {
    this.ran.set(name, (this.ran.get(name) ?? 0) + 1);
  }
}
