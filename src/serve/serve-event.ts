// What happens while pipelines are served: for the log and the webhook. Plain data; times are epoch ms.

import type { Trouble } from "../protocol/served-schedule.ts";
import type { SlotOutcome } from "./slot-counters.ts";

/** Why a slot did not begin at its time. `continued`: an earlier process of its run had ended before its end. */
export type StartReason = "on time" | "caught up" | "waited" | "continued" | "tried again";

export type PipelineEvent =
  | {
      readonly kind: "started";
      readonly slot: number;
      readonly why: StartReason;
      readonly delayMs: number;
    }
  | {
      readonly kind: "ended";
      readonly slot: number;
      readonly run: number | null;
      readonly outcome: SlotOutcome;
      readonly why: StartReason;
      readonly delayMs: number;
      readonly durationMs: number;
      /** What its process has said; null: nothing. */
      readonly error: string | null;
      /** When it is tried again. Null: it is not. */
      readonly again: number | null;
      /** By serve, which ends itself: the next one goes on with the slot. */
      readonly isStopped: boolean;
    }
  /** Its run had begun, and its database was moved, deleted or replaced. */
  | {
      readonly kind: "lost";
      readonly slot: number;
      /** Null: it was continued, and not seen to begin again. */
      readonly run: number | null;
      readonly why: StartReason;
      readonly delayMs: number;
      readonly durationMs: number;
      /** See `ended`. */
      readonly again: number | null;
      readonly isStopped: boolean;
    }
  /** Another process had the slot already. */
  | { readonly kind: "taken"; readonly slot: number; readonly run: number | null }
  /** Another run began while the slot's process was loading the file. */
  | { readonly kind: "overlapped"; readonly slot: number }
  | { readonly kind: "skipped"; readonly slot: number }
  | { readonly kind: "missed"; readonly slot: number; readonly count: number }
  | {
      readonly kind: "late";
      readonly slot: number;
      readonly why: string;
      readonly withinMs: number;
    }
  | {
      readonly kind: "slow";
      readonly slot: number;
      readonly run: number;
      readonly usualMs: number;
      readonly forMs: number;
    }
  /** `failures`: null for a person. */
  | { readonly kind: "paused"; readonly failures: number | null }
  | { readonly kind: "resumed" }
  | {
      readonly kind: "recovered";
      readonly slot: number;
      readonly run: number | null;
      readonly from: Trouble["kind"];
    }
  | { readonly kind: "broken"; readonly message: string; readonly hasSchedule: boolean }
  | { readonly kind: "mended" }
  | { readonly kind: "refused"; readonly reason: string }
  /** `next`: null while it is paused, and where no time comes. */
  | { readonly kind: "served"; readonly next: number | null; readonly isPaused: boolean }
  | { readonly kind: "removed" };

export type ServeEvent = PipelineEvent & {
  readonly at: number;
  /** See `ServedPipeline`. */
  readonly argument: string;
  readonly name: string | null;
  readonly db: string | null;
  /** Null: that of the machine. */
  readonly tz: string | null;
  /** It is to be told by the webhook: a trouble is told once, until it is over. */
  readonly isNews: boolean;
  /** The log has said it, and nothing has changed since. */
  readonly isRepeated: boolean;
};
