// Watches for tasks that do not end after their timeout: their thread may be in a loop that no message reaches.

import { systemClock } from "../base/clock.ts";
import type { TaskId } from "../protocol/ids.ts";
import { Alarm } from "../base/alarm.ts";

export class TimeoutWatch {
  readonly #graceMs: number;
  readonly #overdue: (id: TaskId) => void;
  readonly #alarms = new Map<TaskId, Alarm>();

  /** @param graceMs time after the timeout in which the task may obey its signal, and its end may be committed */
  constructor(graceMs: number, overdue: (id: TaskId) => void) {
    this.#graceMs = graceMs;
    this.#overdue = overdue;
  }

  /** @param timeoutMs from now */
  watch(id: TaskId, timeoutMs: number): void {
    this.forget(id);
    const alarm = new Alarm(() => {
      this.#alarms.delete(id);
      this.#overdue(id);
    });
    alarm.set(systemClock.now() + timeoutMs + this.#graceMs);
    this.#alarms.set(id, alarm);
  }

  forget(id: TaskId): void {
    this.#alarms.get(id)?.set(undefined);
    this.#alarms.delete(id);
  }

  clear(): void {
    for (const alarm of this.#alarms.values()) alarm.set(undefined);
    this.#alarms.clear();
  }
}
