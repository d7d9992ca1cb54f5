// The stage of a run, and whether the run ends early.

import type { Failure } from "../base/failure.ts";
import type { RunStarted } from "../protocol/events.ts";
import type { LeftTasks } from "../protocol/summary.ts";

export type Stop = { readonly status: "cancelled" | "error"; readonly failure: Failure | null };

/**
 * opening: nothing is in the file yet; the plan is made, the workers start, the writer opens the database.
 * running: tasks are dispatched and their outcomes applied.
 * closing: nothing more is dispatched; the writer commits what is left. With what has not ended.
 * finished: the run's last event is out; only hooks may still run.
 */
type Ended = LeftTasks & { readonly started: RunStarted };
type Stage =
  | { readonly name: "opening" }
  | { readonly name: "running"; readonly started: RunStarted }
  | ({ readonly name: "closing" | "finished" } & Ended);

export class Life {
  #stage: Stage = { name: "opening" };
  #stop: Stop | undefined;
  #mayDispatch = false;

  get stage(): Stage["name"] {
    return this.#stage.name;
  }

  /** Undefined while the run is opening. */
  get started(): RunStarted | undefined {
    return this.#stage.name === "opening" ? undefined : this.#stage.started;
  }

  /** Why the run ends early; undefined as long as it does not. */
  get stop(): Stop | undefined {
    return this.#stop;
  }

  /** The run is running and does not end early. Read for each task. */
  get mayDispatch(): boolean {
    return this.#mayDispatch;
  }

  /** Nothing is dispatched or waited for any more. */
  get isEnding(): boolean {
    return this.#stage.name === "closing" || this.#stage.name === "finished";
  }

  begin(started: RunStarted): void {
    if (this.#stage.name !== "opening") throw this.#impossible("begins");
    this.#stage = { name: "running", started };
    this.#mayDispatch = this.#stop === undefined;
  }

  /** A later reason replaces an earlier one: where the writer fails, nothing else can be said of the run. */
  endEarly(stop: Stop): void {
    this.#stop = stop;
    this.#mayDispatch = false;
  }

  close(left: LeftTasks): void {
    if (this.#stage.name !== "running") throw this.#impossible("closes");
    this.#stage = { name: "closing", started: this.#stage.started, ...left };
    this.#mayDispatch = false;
  }

  finish(): Ended {
    if (this.#stage.name !== "closing") throw this.#impossible("finishes");
    this.#stage = { ...this.#stage, name: "finished" };
    return this.#stage;
  }

  #impossible(step: string): Error {
    return new Error(`Internal error: a run that is ${this.#stage.name} ${step}`);
  }
}
