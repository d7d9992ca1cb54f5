// What `pipeloom worker` says: on a terminal it has a screen, elsewhere it prints lines.

import { colorLevel, paletteOf } from "../base/palette.ts";
import { plural } from "../base/text.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import type { MachineRun, MachineStatus } from "../executors/redis/machine/machine-status.ts";
import { labelOf, titleOf } from "../protocol/label.ts";
import type { LogLevel } from "../protocol/status.ts";
import { canDraw } from "../terminal/create-ui.ts";
import { glyphsFor } from "../terminal/glyphs.ts";
import { wallClock } from "../terminal/terminal.ts";
import type { ShownWorkerTask } from "../terminal/worker-frame.ts";
import { WorkerScreen, type WorkerState } from "../terminal/worker-screen.ts";

/** stderr is a terminal that can be drawn on. */
export const hasScreen = (): boolean => canDraw(process.env, process.stderr.isTTY);

export class WorkerOutput implements Disposable {
  readonly #engine: string;
  #status: (() => MachineStatus) | undefined;
  #screen: WorkerScreen | undefined;

  /** @param engine its address, for people */
  constructor(engine: string) {
    this.#engine = engine;
  }

  /** From now on, on a terminal, what the machine does is shown. */
  show(status: () => MachineStatus): void {
    this.#status = status;
    if (!hasScreen()) return;
    const { stderr, env } = process;
    const look = { colors: paletteOf(colorLevel(env, true)), glyphs: glyphsFor(env) };
    const state = (): WorkerState => stateOf(status(), this.#engine);
    this.#screen = new WorkerScreen({ stream: stderr, env, look, clock: wallClock, state });
  }

  say(level: LogLevel, line: string): void {
    if (this.#screen === undefined) {
      sayOnStderr(`${level === "info" ? "" : `${level}: `}${line}\n`);
    } else this.#screen.say(level, line);
  }

  /** A signal has come, or the only run is over. */
  ending(): void {
    const running = this.#status?.().running ?? 0;
    this.#screen?.ending();
    if (running === 0) return;
    this.#screen?.say(
      "warn",
      `ending: waits for ${plural(running, "running task")}; Ctrl-C again to end now, and they run elsewhere`,
    );
  }

  [Symbol.dispose](): void {
    this.#screen?.close();
  }
}

const stateOf = ({ runs, ...status }: MachineStatus, engine: string): WorkerState => ({
  ...status,
  engine,
  runs: runs.map(nameOf),
  tasks: runs.flatMap(tasksOf),
});

const nameOf = ({ pipeline, run }: MachineRun): string =>
  run === null ? pipeline : `${pipeline} run ${run}`;

const tasksOf = (run: MachineRun): readonly ShownWorkerTask[] =>
  run.tasks.map(({ name, label, input, attempt, startedAt, progress, message }) => ({
    title: titleOf(name, labelOf({ label, input })),
    run: nameOf(run),
    attempt,
    startedAt,
    progress,
    message,
  }));
