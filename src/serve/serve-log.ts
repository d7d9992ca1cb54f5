// The log of serve: a line for each run, and for what is out of the ordinary. Pure.

import { duration, exactDuration, waitText } from "../base/format-duration.ts";
import { toIso } from "../base/iso-time.ts";
import { plural, visible } from "../base/text.ts";
import { assertNever } from "../base/unreachable.ts";
import { dbFlag, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { maxCounted } from "./decide-slot.ts";
import { inOneLine } from "./one-line.ts";
import { machineZone, zoneTime } from "./schedule-text.ts";
import type { ServeEvent, StartReason } from "./serve-event.ts";

export type Level = "info" | "warn" | "error" | "debug";

type LogLine = { readonly level: Level; readonly text: string };

export function logLine(event: ServeEvent): LogLine {
  const { level: own, text } = lineOf(event);
  const level = event.isRepeated ? "debug" : own;
  const name = event.name === null || event.name === "" ? event.argument : event.name;
  return { level, text: `${visible(name)}: ${visible(text)}` };
}

/** What the webhook posts: chat services show `text`. */
export function newsOf(event: ServeEvent): object {
  const { isNews: _, isRepeated: __, ...rest } = event;
  return { version: 1, text: `pipeloom: ${logLine(event).text}`, event: rest };
}

function lineOf(event: ServeEvent): LogLine {
  if (!("slot" in event)) return stateLine(event);
  const { level, text } = slotLine(event);
  return { level, text: `${zoneTime(event.tz ?? machineZone())(event.slot)}: ${text}` };
}

type SlotEvent = Extract<ServeEvent, { readonly slot: number }>;
type StateEvent = Exclude<ServeEvent, SlotEvent>;

function slotLine(event: SlotEvent): LogLine {
  switch (event.kind) {
    case "started":
      return { level: "debug", text: `starting${reason(event.why, event.delayMs)}` };
    case "ended":
      return { level: endLevel(event), text: endText(event) };
    case "lost":
      return { level: "error", text: lostText(event) };
    case "taken":
      return {
        level: "info",
        text: `another process has it${event.run === null ? "" : `: run ${event.run}`}`,
      };
    case "overlapped":
      return { level: "debug", text: "another run began first: it waits" };
    case "skipped":
      return { level: "warn", text: "skipped: an earlier run went on (overlap)" };
    case "missed":
      return { level: "warn", text: missedText(event.count) };
    case "late": {
      const within = exactDuration(event.withinMs);
      return { level: "warn", text: `not begun within ${within}: ${event.why}` };
    }
    case "slow": {
      const times = `${duration(event.forMs)}; nearly all took at most ${duration(event.usualMs)}`;
      return { level: "warn", text: `run ${event.run} goes on for ${times}` };
    }
    case "recovered":
      return { level: "info", text: `recovered: ${recoveries[event.from]}` };
    default:
      return assertNever(event);
  }
}

function stateLine(event: StateEvent): LogLine {
  const { argument } = event;
  switch (event.kind) {
    case "paused": {
      const resume = pipeloomCommand("schedule", "resume", argument);
      const why =
        event.failures === null ? "" : ` after ${plural(event.failures, "failed slot")} in a row`;
      return { level: "warn", text: `paused${why}; to resume: ${resume}` };
    }
    case "resumed":
      return { level: "info", text: "resumed" };
    case "broken": {
      const rest = event.hasSchedule
        ? "; its last good schedule goes on"
        : "; it is not served until it can be loaded";
      return { level: "error", text: `the file is broken: ${inOneLine(event.message)}${rest}` };
    }
    case "mended":
      return { level: "info", text: "the file can be loaded again" };
    case "refused":
      return { level: "error", text: `cannot be served: ${event.reason}` };
    case "served": {
      const at = zoneTime(event.tz ?? machineZone());
      const next = event.next === null ? "" : `, next ${at(event.next)}`;
      const paused = event.isPaused ? ", paused" : "";
      return { level: "info", text: `served from ${argument}${next}${paused}` };
    }
    case "removed":
      return { level: "info", text: `no longer served: ${argument}, or its schedule, is gone` };
    default:
      return assertNever(event);
  }
}

type Ended = Extract<ServeEvent, { kind: "ended" }>;

function endLevel({ outcome, isStopped }: Ended): Level {
  if (isStopped && outcome === "not-started") return "warn";
  if (outcome === "done") return "info";
  return outcome === "error" || outcome === "not-started" ? "error" : "warn";
}

function endText(event: Ended): string {
  const { outcome, durationMs, error, isStopped, db } = event;
  const run = runText(event.run);
  const why = reason(event.why, event.delayMs);
  const took = duration(durationMs);
  const because = error === null ? "" : `: ${error}`;
  const status =
    event.run === null || db === null
      ? []
      : [pipeloomCommand("status", "--run", event.run, ...dbFlag(db))];
  switch (outcome) {
    case "done":
      return `${run} done in ${took}${why}`;
    case "error":
      return [`${run} failed after ${took}${why}${because}`, ...status].join("; ");
    case "cancelled":
      return `${run} was cancelled after ${took}${why}`;
    case "interrupted":
      return isStopped
        ? `${run} was stopped with serve after ${took}${why}; the next serve continues it`
        : `${run} was interrupted after ${took}${why}${because}; ${againText(event)}`;
    case "not-started":
      return isStopped
        ? "serve was stopped before its run began; the next serve starts it"
        : `no run began${because}; ${againText(event)}`;
    default:
      return assertNever(outcome);
  }
}

function lostText(event: Extract<ServeEvent, { kind: "lost" }>): string {
  const { run, db, durationMs, again, at, argument, slot } = event;
  const what = `${runText(run)} failed after ${duration(durationMs)}${reason(event.why, event.delayMs)}`;
  const because = `its database ${db ?? ""} was moved, deleted or replaced, and nothing of the run is in it`;
  if (again !== null) return `${what}: ${because}; run again ${waitText(again - at)}`;
  const command = pipeloomCommand("run", argument, "--scheduled-for", toIso(slot));
  return `${what}: ${because}; to begin it again, or to go on with it where the file was put back: ${command}`;
}

/** Null: its database could not be read. */
const runText = (run: number | null): string => (run === null ? "its run" : `run ${run}`);

/** What comes at each try is said once. */
function againText({ outcome, again, at, argument, slot }: Ended): string {
  if (again !== null) {
    const once = outcome === "not-started" ? ", and said again only if the reason changes" : "";
    return `tried again ${waitText(again - at)}${once}`;
  }
  const command = pipeloomCommand("run", argument, "--scheduled-for", toIso(slot));
  return `not tried again; to ${outcome === "not-started" ? "run" : "continue"} it: ${command}`;
}

const recoveries = {
  failed: "it had failed",
  late: "it was late",
  slow: "a run had taken long",
  paused: "it was paused",
};

function reason(why: StartReason, delayMs: number): string {
  const late = `${duration(delayMs)} late`;
  switch (why) {
    case "on time":
      return "";
    case "caught up":
      return ` (caught up, ${late})`;
    case "waited":
      return ` (${late}: it had to wait)`;
    case "continued":
      return " (continued)";
    case "tried again":
      return ` (tried again, ${late})`;
    default:
      return assertNever(why);
  }
}

function missedText(count: number): string {
  if (count === 1) return "missed, and not caught up";
  const many = count >= maxCounted ? `${maxCounted} slots or more` : `${count} slots`;
  return `the last of ${many} that were missed and are not caught up`;
}
