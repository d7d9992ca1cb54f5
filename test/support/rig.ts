// The rig of a test: a temporary folder, pipeline files, runs in this process (with real threads) or by the executable,
// and queries of the database. `await using rig = newRig()` deletes it at the end of the test.

import { Database } from "bun:sqlite";
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { providePackage } from "../../src/module/load-module.ts";
import { registry } from "../../src/api/registry.ts";
import type { RunPipelineOptions } from "../../src/api/run-pipeline-options.ts";
import { fileRef, loadPipeline, prepareRun } from "../../src/run-pipeline.ts";
import type { Run } from "../../src/engine/run.ts";
import * as pipeloom from "../../src/index.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import { type Control, control } from "./control.ts";

providePackage(pipeloom);

/** The executable under test: PIPELOOM_EXECUTABLE, or the one in `dist`. */
export const executable =
  process.env["PIPELOOM_EXECUTABLE"] ??
  join(import.meta.dir, "../../dist", process.platform === "win32" ? "pipeloom.exe" : "pipeloom");

const cli = join(import.meta.dir, "../../src/cli.ts");

export type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;
export type Ended = { readonly code: number; readonly out: string; readonly err: string };

/** A run in this process. */
export type Started = {
  readonly run: Run;
  readonly events: RunEvent[];
  /** Lines that modules printed, and failures of hooks. */
  readonly output: string[];
  readonly end: Promise<RunSummary>;
  /** The first matching event, past or future. */
  event<Type extends RunEvent["type"]>(
    type: Type,
    like?: Partial<Extract<RunEvent, { type: Type }>>,
  ): Promise<Extract<RunEvent, { type: Type }>>;
  /** Resolves when this many tasks have ended. */
  ended(tasks: number): Promise<void>;
};

export type Row = Record<string, unknown>;

export class Rig implements AsyncDisposable {
  readonly path: string;
  #control: Control | undefined;
  readonly #children: Bun.Subprocess[] = [];

  constructor() {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), "pipeloom-rig-")));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.file(name), text);
    return this.file(name);
  }

  list(): string[] {
    return readdirSync(this.path).toSorted();
  }

  /** After this, pipelines in the folder can call `await step("name")`. */
  get control(): Control {
    this.#control ??= control(this.path);
    return this.#control;
  }

  /** Writes a pipeline file with the imports added. */
  pipeline(text: string, name = "pipeline.ts"): string {
    const step = this.#control === undefined ? "" : 'import { step } from "./control.ts";\n';
    const imports = `import { each, message, pipeline, task } from "pipeloom";\n${step}`;
    return this.write(name, `${imports}${text}`);
  }

  /** Starts a run in this process, with real Workers. */
  async start(file: string, options: RunPipelineOptions = {}): Promise<Started> {
    // The registry is per thread, so remove the tasks of earlier tests.
    registry.tasks.clear();
    registry.sealed = false;
    const events: RunEvent[] = [];
    const output: string[] = [];
    const waiting: { like: object; resolve: (event: RunEvent) => void }[] = [];
    const ends: { tasks: number; resolve: () => void }[] = [];
    let endedTasks = 0;
    const run = await prepareRun(
      await loadPipeline(fileRef(file)),
      { db: this.file("test.db"), durability: "normal", ...options },
      {
        onEvents(batch) {
          events.push(...batch);
          for (const event of batch) {
            if (event.type === "task-finished") endedTasks++;
            for (const waiter of waiting.filter(({ like }) => isLike(event, like))) {
              waiting.splice(waiting.indexOf(waiter), 1);
              waiter.resolve(event);
            }
          }
          for (const { tasks, resolve } of ends) if (endedTasks >= tasks) resolve();
        },
        onOutput: (level, line) => output.push(`${level}: ${line}`),
      },
    );
    return {
      run,
      events,
      output,
      end: run.start(),
      event: async (type, like = {}) => {
        const wanted = { type, ...like };
        const past = events.find((event) => isLike(event, wanted));
        const found =
          past ??
          (await new Promise<RunEvent>((resolve) => waiting.push({ like: wanted, resolve })));
        return found as never;
      },
      ended: async (tasks) => {
        if (endedTasks < tasks) {
          await new Promise<void>((resolve) => ends.push({ tasks, resolve }));
        }
      },
    };
  }

  /** `start`, then waits for the end. */
  async run(file: string, options: RunPipelineOptions = {}): Promise<RunSummary> {
    const started = await this.start(file, options);
    return started.end;
  }

  /** The words that start the executable. */
  command(...args: readonly string[]): string[] {
    return [executable, ...args];
  }

  /** Starts the executable in this folder. */
  spawn(...args: readonly string[]): Child {
    return this.#spawn(this.command(...args));
  }

  async pipeloom(...args: readonly string[]): Promise<Ended> {
    return ended(this.spawn(...args));
  }

  /** Runs the program from source in this folder. */
  async fromSource(...args: readonly string[]): Promise<Ended> {
    return ended(this.#spawn([process.execPath, cli, ...args]));
  }

  #spawn(command: string[]): Child {
    const child = Bun.spawn(command, {
      cwd: this.path,
      env: { ...process.env, NO_COLOR: "1" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#children.push(child);
    return child;
  }

  /** Rows of a query, by a separate read-only connection. */
  rows(sql: string, db = "test.db"): Row[] {
    using reader = new Database(this.file(db), { readonly: true });
    // After a kill, the next session recovers the write-ahead log, and locks readers out meanwhile.
    reader.run("PRAGMA busy_timeout = 5000");
    return reader.query<Row, []>(sql).all();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map((child) => child.exited));
    this.#control?.[Symbol.dispose]();
    registry.tasks.clear();
    registry.sealed = false;
    rmSync(this.path, { recursive: true, force: true });
  }
}

export const newRig = (): Rig => new Rig();

export async function ended(child: Child): Promise<Ended> {
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, out, err };
}

const isLike = (event: object, like: object): boolean =>
  Object.entries(like).every(([key, value]) => Bun.deepEquals(Reflect.get(event, key), value));
