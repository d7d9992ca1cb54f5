// `pipeloom logs [run] [task]`: what the tasks of a run logged and printed. logs-view.ts documents the shape of `--json`.

import { colorLevel, paletteOf } from "../base/palette.ts";
import { plural } from "../base/text.ts";
import { shownOn } from "../base/streams.ts";
import { defineCliCommand } from "../cli/command.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { Printer } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import type { RunId } from "../protocol/ids.ts";
import { type LogLevel, logLevels } from "../protocol/status.ts";
import { isRunAlive } from "../store/liveness.ts";
import { LogFollower } from "../store/read/log-follower.ts";
import { isRunning } from "../store/read/running-runs.ts";
import type { Reader } from "../store/read/reader.ts";
import { asUserError, waitingReader } from "./waiting-reader.ts";
import type { ReaderError } from "../store/read/reader-error.ts";
import {
  lastLines,
  type LogFilter,
  type LogRow,
  missingTask,
  runToRead,
  tasksNamed,
} from "../store/read/task-logs.ts";
import { glyphsFor } from "../terminal/glyphs.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { idOf } from "./live-run.ts";
import { logJson, logText } from "./logs-view.ts";

/** Poll interval of `--follow`. */
const everyMs = 200;

export const command = defineCliCommand({
  meta: {
    name: "logs",
    details:
      "Shows the lines of ctx.log, console and programs, also while the run writes. Without a run, the only one that is running is meant, or else the last.",
    examples: [
      { line: "pipeloom logs -f", what: "follow the run until it ends" },
      { line: "pipeloom logs 12 load-page --level warn", what: "warnings and errors of one task" },
      { line: "pipeloom logs 'load-page page=7'", what: "of the one with this input" },
    ],
  },
  args: {
    run: {
      type: "positional",
      required: false,
      valueHint: "run-id|task",
      description: "the run; without it, a task works too",
    },
    task: {
      type: "positional",
      required: false,
      valueHint: "stored-task",
      description: "only this task: a name, a title as it is shown, or #4 for the one with id 4",
    },
    db: readDbFlag,
    follow: { type: "boolean", alias: "f", description: "wait for more lines until the run ends" },
    level: {
      type: "enum",
      options: [...logLevels],
      default: "info",
      description: "lines of this level and above",
    },
    grep: {
      type: "string",
      valueHint: "pattern",
      description: "only lines that this regular expression matches",
    },
    tail: {
      type: "string",
      valueType: "integer",
      alias: "n",
      min: 0,
      default: "500",
      description: "the maximum number of lines to begin with, the last ones",
    },
    json: { type: "boolean", description: "print one JSON object a line" },
  },
  async run({ level, tail, follow, json, ...flags }) {
    const db = databaseOf(flags.db, json);
    const { run, task } = asked(flags.run, flags.task);
    const matches = matcher(flags.grep);
    const print = printer(json);
    try {
      using reader = waitingReader(db);
      const filter = filterOf(reader, run, task, level, matches);
      const mayCome = follow && isAlive(reader, filter);
      const missing = missingTask(reader, filter, false);
      if (missing !== undefined && !mayCome) throw missing;
      const follower = showLast(reader, filter, tail, print, { missing, follow });
      if (follower !== undefined) await showNew(reader, filter, follower, print);
      return 0;
    } catch (thrown) {
      throw asUserError(thrown);
    }
  },
});

/** `logs 12`, `logs 12 load-page`, `logs load-page` */
function asked(
  first: string | undefined,
  second: string | undefined,
): { readonly run: RunId | undefined; readonly task: string | undefined } {
  if (first === undefined) return { run: undefined, task: undefined };
  if (second === undefined && !/^\d+$/.test(first)) return { run: undefined, task: first };
  return { run: idOf(first), task: second };
}

/** @throws UsageError */
function matcher(pattern: string | undefined): LogFilter["matches"] {
  if (pattern === undefined) return () => true;
  try {
    const regExp = new RegExp(pattern, "u");
    return (line) => regExp.test(line);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`--grep is not a regular expression: ${why}`);
  }
}

function filterOf(
  reader: Reader,
  wanted: RunId | undefined,
  task: string | undefined,
  level: LogLevel,
  matches: LogFilter["matches"],
): LogFilter {
  return reader.snapshot(() => {
    const run = runToRead(reader, wanted, (each) => isRunAlive(reader.path, each));
    return { run, tasks: tasksNamed(reader, run, task), level, matches };
  });
}

type Print = (lines: readonly LogRow[]) => void;

function printer(json: boolean): Print {
  const { isTTY } = shownOn("stdout");
  const view = {
    colors: paletteOf(colorLevel(process.env, isTTY)),
    glyphs: glyphsFor(process.env),
  };
  const out = new Printer();
  return (lines) => {
    for (const line of lines) out.print(json ? logJson(line) : logText(line, view));
    out.flush();
  };
}

/** @returns follows the lines that come after these, if they are to be followed: it looks for the last line of the run */
function showLast(
  reader: Reader,
  filter: LogFilter,
  tail: number,
  print: Print,
  { missing, follow }: { readonly missing: ReaderError | undefined; readonly follow: boolean },
): LogFollower | undefined {
  const { lines, hasEarlier, follower } = reader.snapshot(() => ({
    ...lastLines(reader, filter, tail),
    follower: follow ? new LogFollower(reader, filter) : undefined,
  }));
  if (hasEarlier && tail > 0) {
    sayOnStderr(`the last ${plural(tail, "line")}; for more: --tail <n>\n`);
  }
  if (lines.length === 0 && tail > 0) {
    const why =
      missing === undefined
        ? `run ${filter.run} has no such lines${levelHint(filter)}`
        : `${missing.message}\nwaiting for it until the run ends`;
    sayOnStderr(`${why}\n`);
  }
  print(lines);
  return follower;
}

const levelHint = ({ level }: LogFilter): string =>
  level === "debug" ? "" : ` at level ${level} and above; --level debug shows all levels`;

const isAlive = (reader: Reader, { run }: LogFilter): boolean =>
  isRunning(reader, run, (each) => isRunAlive(reader.path, each));

async function showNew(
  reader: Reader,
  filter: LogFilter,
  follower: LogFollower,
  print: Print,
): Promise<void> {
  for (;;) {
    // Read before the lines: a run writes its last lines before it ends.
    const goesOn = isAlive(reader, filter);
    const { lines, hasMore } = reader.snapshot(() => follower.next());
    print(lines);
    if (hasMore) continue;
    if (!goesOn) {
      const missing = missingTask(reader, filter, true);
      if (missing !== undefined) throw missing;
      return;
    }
    await Bun.sleep(everyMs);
  }
}
