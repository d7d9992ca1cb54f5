// `--log-file`: every line with time, level and task, without colours, appended.

import { closeSync, openSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import type { RunEvent } from "../protocol/events.ts";
import type { LogLevel } from "../protocol/status.ts";
import { toIso } from "../base/iso-time.ts";
import type { Line } from "./event-formatter.ts";
import { formatEvent } from "./event-formatter.ts";
import { type Write, writeAll } from "../base/streams.ts";
import { reasonOf } from "../base/system-error.ts";
import type { OnLost } from "./sinks.ts";
import { untilLost } from "./sinks.ts";
import { summaryLines } from "./summary-text.ts";
import { visible, visibleLines } from "../base/text.ts";
import type { Ui } from "./ui.ts";

const maxBufferedChars = 64 * 1024;
const flushAgeMs = 250;

/** `2026-01-31T12:00:00.000Z info  load-page #7: fetched 12 rows`; a longer text repeats the head on each line. */
export function logFileLines(line: Line): string {
  const joint = line.about === undefined ? ": " : " ";
  const task = line.task === null ? "" : `${visible(line.task.name)} #${line.task.id}${joint}`;
  const head = `${toIso(line.at)} ${line.level.padEnd(5)} ${task}`;
  return visibleLines(line.text)
    .map((text) => `${head}${text}\n`)
    .join("");
}

/**
 * @param onLost called once when the file cannot be written any more; the run goes on
 * @throws Error when the file cannot be opened for appending
 */
export function createLogFile(path: string, now: () => number, onLost: OnLost): Ui {
  const file = openAppend(path, onLost);
  const buffer = buffered(file.write);
  const put = (line: Line): void => buffer.add(logFileLines(line));
  const own = (level: LogLevel, text: string): void => put({ at: now(), level, task: null, text });
  const close = (): void => {
    process.off("exit", close);
    buffer.stop();
    file.close();
  };
  // Whatever ends the process, what has been said is in the file.
  process.on("exit", close);
  return {
    events(events: readonly RunEvent[]) {
      for (const event of events) {
        const line = formatEvent(event, 2);
        if (line !== undefined) put(line);
      }
    },
    log: own,
    stopping: (signal, urgent) =>
      own("warn", urgent ? `${signal} again: stopping now` : `${signal}: stopping`),
    finish(summary) {
      own(summary.status === "done" ? "info" : "error", summaryLines(summary).join("\n"));
      close();
    },
    close,
  };
}

function openAppend(path: string, onLost: OnLost): { write: Write; close: () => void } {
  let fd: number | undefined;
  try {
    fd = openSync(path, "a");
  } catch (error) {
    throw new Error(`the log file ${path} cannot be opened: ${reasonOf(error)}`, { cause: error });
  }
  const write = untilLost((text) => {
    if (fd !== undefined) writeAll(fd, text);
  }, onLost);
  return {
    write,
    close() {
      const closed = fd;
      fd = undefined;
      try {
        if (closed !== undefined) closeSync(closed);
      } catch (error) {
        // A network file system says only now what it has not kept.
        onLost(error);
      }
    },
  };
}

function buffered(write: Write): { add: (text: string) => void; stop: () => void } {
  let pending = "";
  const flush = (): void => {
    const text = pending;
    pending = "";
    if (text !== "") write(text);
  };
  const timer = systemClock.every(flushAgeMs, flush);
  timer.unref();
  return {
    add(text) {
      pending += text;
      if (pending.length >= maxBufferedChars) flush();
    },
    stop() {
      systemClock.cancel(timer);
      flush();
    },
  };
}
