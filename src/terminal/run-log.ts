// Which lines are shown, in a terminal and without one.

import type { RunEvent } from "../protocol/events.ts";
import type { LogLevel } from "../protocol/status.ts";
import type { StopSignal } from "./ui.ts";
import type { Line, Verbosity } from "./event-formatter.ts";
import { formatEvent, isShown } from "./event-formatter.ts";
import type { Logger } from "./log-lines.ts";

export type Teller = {
  events(events: readonly RunEvent[]): void;
  /** A line of pipeloom's own. */
  log(level: LogLevel, text: string): void;
  stopping(signal: StopSignal, urgent: boolean, inFlight: string): void;
};

export type TellerOptions = {
  readonly verbosity: Verbosity;
  readonly now: () => number;
  /** Paths below it are shown relative. */
  readonly cwd: string;
  readonly logger: Logger;
  /** After so many lines failures are only counted: 100,000 of them help nobody. */
  readonly maxFailures: number;
  /** True: it has been told in another way. */
  readonly onFailure?: (line: Line, nth: number) => boolean;
};

export function createTeller(options: TellerOptions): Teller {
  const { verbosity, now, cwd, logger, maxFailures, onFailure } = options;
  let failures = 0;
  const own = (level: LogLevel, text: string): void =>
    logger.line({ at: now(), level, task: null, text });
  const tell = (line: Line): void => {
    if (line.about !== "failed") return logger.line(line);
    failures++;
    const handled = onFailure?.(line, failures) ?? false;
    if (!handled && failures <= maxFailures) logger.line(line);
    if (failures === maxFailures) own("error", "further failures are counted, and not shown");
  };
  return {
    events(events) {
      for (const event of events) {
        const line = formatEvent(event, verbosity, cwd);
        if (line !== undefined) tell(line);
      }
    },
    log(level, text) {
      if (isShown(level, verbosity)) own(level, text);
    },
    stopping(signal, urgent, inFlight) {
      const how = signal === "SIGINT" ? "Ctrl-C" : signal;
      own(
        "warn",
        urgent
          ? `${how}: stopping now`
          : `${how}: waiting for ${inFlight}, 10 s at most; again stops now`,
      );
    },
  };
}
