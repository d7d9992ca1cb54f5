// What the scheduler needs of the world: a clock, the databases, processes, and somebody to tell. Tests give it another one.

import type { Clock } from "../base/clock.ts";
import type { ScheduleStore } from "./schedule-store.ts";
import type { Launch, SlotProcess } from "./slot-process.ts";
import type { ServeEvent } from "./serve-event.ts";
import type { WebhookSender } from "./webhook-sender.ts";

export type SchedulerDeps = {
  readonly clock: Pick<Clock, "wall" | "after" | "cancel">;
  readonly store: ScheduleStore;
  /** @throws Error where no process can be started */
  launch(launch: Launch): SlotProcess;
  /** Asks a run to end, as `pipeloom cancel` does. */
  cancel(db: string, run: number): void;
  readonly tell: (event: ServeEvent) => void;
  /** What takes the news. Undefined: nobody asks for them. */
  readonly webhook: Pick<WebhookSender, "send"> | undefined;
  /** An error of serve itself, in the work for one pipeline: the others are served on. */
  onDefect(thrown: unknown): void;
  readonly host: string;
  /** Processes at once. */
  readonly maxRuns: number;
  /** Processes at once that load their file: each takes a core. */
  readonly maxStarting: number;
};
