// Without a terminal: lines that read well in a file and in a CI log, and not many of them.

import type { RunEvent } from "../protocol/events.ts";
import type { Env } from "../base/palette.ts";
import { clock, roughly } from "../base/format-duration.ts";
import { createPace } from "./eta.ts";
import { inFlight } from "./frame.ts";
import type { Line, Verbosity } from "./event-formatter.ts";
import type { Write } from "../base/streams.ts";
import type { Look } from "./log-lines.ts";
import { createLogger } from "./log-lines.ts";
import { summaryLines } from "./summary-text.ts";
import { createTeller } from "./run-log.ts";
import { grouped, visible } from "../base/text.ts";
import type { Ui } from "./ui.ts";
import type { View } from "./view.ts";
import { finishedCount, fold, labelOf, newView } from "./view.ts";

const everyMs = 10_000;
const maxFailureLines = 100;
/** GitHub shows ten annotations of a step. */
const maxAnnotations = 10;

export type PlainOptions = {
  readonly verbosity: Verbosity;
  readonly write: Write;
  readonly look: Look;
  readonly env: Env;
  readonly now: () => number;
  readonly cwd: string;
  /** See `SummaryOptions`; asked for at the end, when the secrets to hide are known. */
  readonly again: () => readonly string[] | undefined;
};

export function createPlain(options: PlainOptions): Ui {
  const { verbosity, write, now, look } = options;
  const github = isGithub(options.env);
  const view = newView();
  const progress = createProgress(view);
  const group = createGroup(github ? write : () => {});
  const print = (lines: readonly string[]): void => {
    const text = lines.map((line) => `${github ? harmless(line) : line}\n`).join("");
    if (text !== "") write(text);
  };
  const teller = createTeller({
    verbosity,
    now,
    cwd: options.cwd,
    logger: createLogger(look, ({ name, id }) => labelOf(view, name, id), print),
    maxFailures: maxFailureLines,
    onFailure(line, nth) {
      const annotated = github && nth <= maxAnnotations;
      if (annotated) write(annotation(line));
      return annotated;
    },
  });
  return {
    events(events) {
      group.open(events);
      fold(view, events);
      teller.events(events);
      const line = verbosity < 0 ? "" : progress(now());
      if (line !== "") print([line]);
    },
    log: (level, line) => teller.log(level, line),
    stopping: (signal, urgent) => teller.stopping(signal, urgent, inFlight(view)),
    finish(summary) {
      group.close();
      const { cwd } = options;
      const shown = { colors: look.colors, quiet: verbosity < 0, cwd, again: options.again() };
      print(summaryLines(summary, shown));
    },
    close: group.close,
  };
}

/** What happens during the run folds away in GitHub's log; the summary stands below it. */
function createGroup(write: Write): {
  open: (events: readonly RunEvent[]) => void;
  close: () => void;
} {
  let isOpen = false;
  return {
    open(events) {
      const started = isOpen ? undefined : events.find((event) => event.type === "run-started");
      if (started === undefined) return;
      write(`::group::pipeloom: ${escapeData(visible(started.pipeline))}\n`);
      isOpen = true;
    },
    close() {
      if (isOpen) write("::endgroup::\n");
      isOpen = false;
    },
  };
}

/** A line for each tenth that is finished, and every 10 s when that is sooner; never more than one a second. */
function createProgress(view: View): (now: number) => string {
  const pace = createPace();
  let tenths = 0;
  let last: number | undefined;
  return (now) => {
    if (view.startedAt === undefined || view.finishedAt !== undefined) return "";
    const finished = finishedCount(view);
    const total = view.complete ? view.total : null;
    const { remainingMs } = pace({ now, finished, work: finished + view.partial, total });
    // A clock that was set back must not silence the run until it has caught up.
    last = Math.min(last ?? now, now);
    const reached = total === null || total === 0 ? tenths : Math.floor((10 * finished) / total);
    const tenth = reached > tenths && now - last >= 1000;
    if (!tenth && now - last < everyMs) return "";
    tenths = Math.max(tenths, reached);
    last = now;
    return progressLine(view, now - view.startedAt, remainingMs);
  };
}

function progressLine(view: View, elapsedMs: number, remainingMs: number | null): string {
  const finished = finishedCount(view);
  const parts = view.complete
    ? [
        `${String(Math.floor((100 * finished) / Math.max(1, view.total))).padStart(3)}%`,
        `${grouped(finished)}/${grouped(view.total)}`,
      ]
    : [`${grouped(finished)} done`];
  const failed = view.failed > 0 ? `, ${grouped(view.failed)} failed` : "";
  const open = view.complete && finished < view.total;
  const left = open && remainingMs !== null ? `, about ${roughly(remainingMs)} left` : "";
  return `${parts.join(" ")} after ${clock(elapsedMs)}${failed}${left}`;
}

export const isGithub = (env: Env): boolean => env["GITHUB_ACTIONS"] === "true";

function annotation({ task, text }: Line): string {
  const title = escapeProperty(visible(task?.name ?? "pipeloom"));
  return `::error title=${title}::${escapeData(task === null ? text : `${visible(task.name)} ${text}`)}\n`;
}

// https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
const escapeData = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

/** The runner obeys `::command::` at the start of a line, blanks before it or not, and `##[command]` anywhere. */
const harmless = (line: string): string =>
  line.replace(/^(\s*)::/, "$1: :").replaceAll("##[", "## [");
