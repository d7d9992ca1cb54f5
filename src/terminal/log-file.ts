// `--log-file`: every line is appended with its time, level and task, without colours.

import { closeSync, openSync } from "node:fs";
import { systemClock, type Timer } from "../base/clock.ts";
import type { RunEvent } from "../protocol/events.ts";
import { labelOf, titleOf } from "../protocol/label.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { toIso } from "../base/iso-time.ts";
import type { Line } from "./event-formatter.ts";
import { formatEvent } from "./event-formatter.ts";
import { type Write, writeAll } from "../base/streams.ts";
import { reasonOf } from "../base/system-error.ts";
import { RunHeader } from "./run-header.ts";
import type { OnLost } from "./sinks.ts";
import { untilLost } from "./sinks.ts";
import { summaryLines } from "./summary-text.ts";
import { visible, visibleLines } from "../base/text.ts";
import type { StopSignal, Ui } from "./ui.ts";
import type { ShownTask } from "./view.ts";

const maxBufferedChars = 64 * 1024;
const flushAgeMs = 250;

/** `2026-01-31T12:00:00.000Z info  load-page page=7 #7: fetched 12 rows`; each further line repeats the head. */
function logFileLines(line: Line): string {
  const joint = line.about === undefined ? ": " : " ";
  const task = line.task === null ? "" : `${visible(idTitle(line.task))}${joint}`;
  const head = `${toIso(line.at)} ${line.level.padEnd(5)} ${task}`;
  return visibleLines(line.text)
    .map((text) => `${head}${text}\n`)
    .join("");
}

const idTitle = (task: ShownTask): string => `${titleOf(task.name, labelOf(task))} #${task.id}`;

export class LogFile implements Ui {
  readonly #now: () => number;
  readonly #file: AppendedFile;
  /** The file may be read from anywhere, so the database's path is whole. */
  readonly #header = new RunHeader("", {
    header: (at, text) => this.#put({ at, level: "info", task: null, text }),
    event: (event) => {
      const line = formatEvent(event, 2);
      if (line !== undefined) this.#put(line);
    },
  });
  readonly #close = (): void => this.close();

  /**
   * @param onLost called once when the file cannot be written any more; the run goes on
   * @throws Error when the file cannot be opened for appending
   */
  constructor(path: string, now: () => number, onLost: OnLost) {
    this.#now = now;
    this.#file = new AppendedFile(path, onLost);
    // However the process ends, the file has everything that was logged.
    process.on("exit", this.#close);
  }

  events(events: readonly RunEvent[]): void {
    this.#header.events(events);
  }

  /** The command says it. */
  attached(): void {}

  /** Nothing to log. */
  followed(): void {}

  log(level: LogLevel, text: string): void {
    this.#header.flush();
    this.#put({ at: this.#now(), level, task: null, text });
  }

  stopping(signal: StopSignal, urgent: boolean): void {
    this.log("warn", urgent ? `${signal} again: stopping now` : `${signal}: stopping`);
  }

  finish(summary: RunSummary): void {
    this.log(summary.status === "done" ? "info" : "error", summaryLines(summary).join("\n"));
    this.close();
  }

  close(): void {
    process.off("exit", this.#close);
    this.#header.flush();
    this.#file.close();
  }

  #put(line: Line): void {
    this.#file.add(logFileLines(line));
  }
}

/** Buffers lines for 250 ms or 64 KiB: one system call for many short lines. */
class AppendedFile {
  readonly #onLost: OnLost;
  readonly #write: Write;
  readonly #timer: Timer;
  #fd: number | undefined;
  #pending = "";

  /** @throws Error when the file cannot be opened for appending */
  constructor(path: string, onLost: OnLost) {
    try {
      this.#fd = openSync(path, "a");
    } catch (error) {
      throw new Error(`the log file ${path} cannot be opened: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    this.#onLost = onLost;
    this.#write = untilLost((text) => {
      if (this.#fd !== undefined) writeAll(this.#fd, text);
    }, onLost);
    this.#timer = systemClock.every(flushAgeMs, () => this.#flush());
    this.#timer.unref();
  }

  add(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= maxBufferedChars) this.#flush();
  }

  /** May be called twice. */
  close(): void {
    systemClock.cancel(this.#timer);
    this.#flush();
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      if (fd !== undefined) closeSync(fd);
    } catch (error) {
      // A network file system reports failed writes at the close.
      this.#onLost(error);
    }
  }

  #flush(): void {
    const text = this.#pending;
    this.#pending = "";
    if (text !== "") this.#write(text);
  }
}
