// `pipeloom status`: shows runs and tasks of a database. status-view.ts documents the shape of `--format json`.

import { resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { type RunId, runId } from "../protocol/ids.ts";
import { openReader, type Reader } from "../store/read/reader.ts";
import { asUserError, waitingReader } from "./waiting-reader.ts";
import { findTasks, noTask } from "../store/task-names.ts";
import { ReaderError } from "../store/read/reader-error.ts";
import { overview, type Overview } from "../store/read/overview.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { shownOn } from "../base/streams.ts";
import { isRunAlive } from "../store/liveness.ts";
import { defineCliCommand } from "../cli/command.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { statusData, statusLines, type ViewOptions } from "./status-view.ts";
import { print } from "../cli/stdout.ts";
import { glyphsFor } from "../terminal/glyphs.ts";
import { timeOf } from "./since.ts";
import { watchScreen } from "./watch-screen.ts";

export const command = defineCliCommand({
  meta: {
    name: "status",
    details:
      "Shows the running and the last runs, why tasks of the first one failed, the running and the latest tasks, and the number of tasks in each state. Opens the database read-only, also while a run writes.",
    examples: [
      { line: "pipeloom status --watch", what: "follow a run from another terminal; q ends it" },
      { line: "pipeloom status --format json | jq .counts", what: "for scripts" },
    ],
  },
  args: {
    db: readDbFlag,
    limit: {
      type: "string",
      valueType: "integer",
      alias: "n",
      min: 0,
      max: 1_000_000,
      default: "20",
      description: "the maximum number of tasks to show",
    },
    format: {
      type: "enum",
      alias: "f",
      options: ["table", "json"],
      default: "table",
      description: "table for people, json for programs",
    },
    watch: {
      type: "boolean",
      description: "show changes: until q, or in a pipe until no run is running",
    },
    run: {
      type: "string",
      valueType: "integer",
      min: 1,
      valueHint: "run-id",
      description: "only this run, with all its fields",
    },
    failed: { type: "boolean", description: "list only failed tasks" },
    task: {
      type: "string",
      valueHint: "stored-task",
      description:
        "list only tasks of this name, or the one with this title, with their earlier attempts",
    },
    since: {
      type: "string",
      valueHint: "time",
      description: "list only tasks that started or ended since: 2h, 30m, 2026-01-31",
    },
  },
  async run({ limit, format, watch, run, ...flags }) {
    const db = databaseOf(flags.db, format === "json");
    const since = flags.since === undefined ? undefined : timeOf(flags.since, "--since");
    const only = { failed: flags.failed, name: flags.task, since };
    try {
      using reader = watch && isScreen(format) ? screenReader(db) : waitingReader(db);
      const id = run === undefined ? undefined : runId(run);
      return await show({ db, reader, limit, format, run: id, only }, watch);
    } catch (thrown) {
      throw asUserError(thrown);
    }
  },
});

type Asked = {
  readonly db: string;
  readonly reader: Reader;
  readonly limit: number;
  readonly format: "table" | "json";
  readonly run: RunId | undefined;
  readonly only: NonNullable<Parameters<typeof overview>[1]["only"]>;
};

const maxRuns = 5;
const everyMs = 1_000;

async function show(asked: Asked, watch: boolean): Promise<number> {
  if (!watch) {
    print(once(asked));
    return 0;
  }
  if (isScreen(asked.format)) return await onScreen(asked);
  return await asItChanges(asked);
}

/** Waits for locks only until it is open: a later wait would keep the screen from the keys. */
function screenReader(db: string): Reader {
  waitingReader(db).close();
  return openReader(db);
}

const isScreen = (format: Asked["format"]): boolean =>
  format === "table" && shownOn("stdout").isTTY;

function look({ db, reader, limit, run, only }: Asked, maxTasks = limit): Overview {
  return overview(reader, {
    maxRuns,
    maxTasks,
    only,
    hasCosts: true,
    isAlive: (each) => isRunAlive(db, each),
    ...(run === undefined ? {} : { run }),
  });
}

function once(asked: Asked): string {
  const seen = look(asked);
  if (asked.format === "table" && seen.tasks.length === 0) assertTask(asked, seen);
  return asked.format === "json" ? `${json(asked, seen, 2)}\n` : text(asked, seen);
}

/** A name that nothing has is mistyped. Programs get an empty list. */
function assertTask({ reader, only: { name } }: Asked, { runs }: Overview): void {
  const [first] = runs;
  if (name === undefined || first === undefined) return;
  if (runs.some(({ id }) => findTasks(reader, id, name, 1).length > 0)) return;
  throw new ReaderError("no-such-task", noTask(reader, first.id, name));
}

const json = ({ db }: Asked, seen: Overview, indent: number): string =>
  JSON.stringify(statusData(seen, resolve(db), systemClock.wall()), null, indent);

const text = (asked: Asked, seen: Overview): string =>
  `${statusLines(seen, view(asked, shownOn("stdout").columns)).join("\n")}\n`;

const view = ({ db, run, only }: Asked, width = Number.POSITIVE_INFINITY): ViewOptions => ({
  db,
  now: systemClock.wall(),
  width,
  colors: paletteOf(colorLevel(process.env, shownOn("stdout").isTTY)),
  glyphs: glyphsFor(process.env),
  detailed: run !== undefined,
  withAttempts: only.name !== undefined,
});

/** A query reads all tasks. Resting 4 times as long as it took limits that to a fifth of the time. */
const rest = 4;
/** A dead process does not change the file, so look again without a change. */
const maxAgeMs = 5_000;

/** Queries again only after a commit, and not too often. */
function lookWhenChanged(asked: Asked): (maxTasks: number) => Overview {
  let last = {
    seen: undefined as Overview | undefined,
    version: -1,
    at: 0,
    tookMs: 0,
    maxTasks: 0,
  };
  return (maxTasks) => {
    const at = systemClock.now();
    const version = asked.reader.version();
    const age = at - last.at;
    const isDue = version === last.version ? age > maxAgeMs : age > last.tookMs * rest;
    if (last.seen !== undefined && maxTasks === last.maxTasks && !isDue) return last.seen;
    const seen = look(asked, maxTasks);
    last = { seen, version, at, tookMs: systemClock.now() - at, maxTasks };
    return seen;
  };
}

/** Queries at most as many tasks as fit on the screen. Where another program locks the database, says so above. */
function onScreen(asked: Asked): Promise<number> {
  const lookAgain = lookWhenChanged(asked);
  let last: readonly string[] = [];
  return watchScreen(everyMs, (size) => {
    try {
      return (last = linesFor(asked, lookAgain, size));
    } catch (thrown) {
      if (!(thrown instanceof ReaderError) || thrown.code !== "locked") throw thrown;
      return [thrown.message, "", ...last];
    }
  });
}

function linesFor(
  asked: Asked,
  lookAgain: (maxTasks: number) => Overview,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): readonly string[] {
  const seen = lookAgain(Math.min(asked.limit, rows));
  const room = rows - statusLines({ ...seen, tasks: [] }, view(asked, columns)).length - 2;
  const tasks = seen.tasks.slice(0, Math.max(0, room));
  const options = view(asked, columns);
  const lines = statusLines({ ...seen, tasks }, options);
  return lines.length <= rows
    ? lines
    : statusLines({ ...seen, tasks }, { ...options, withAttempts: false });
}

/** For a pipe or a file: prints a block (or a line of JSON) after each change, until no run is running. */
async function asItChanges(asked: Asked): Promise<number> {
  const lookAgain = lookWhenChanged(asked);
  for (let last = ""; ;) {
    const seen = lookAgain(asked.limit);
    const state = JSON.stringify(seen);
    if (state !== last) {
      const block = last === "" ? text(asked, seen) : `\n${text(asked, seen)}`;
      print(asked.format === "json" ? `${json(asked, seen, 0)}\n` : block);
    }
    last = state;
    if (seen.runs.every(({ status }) => status !== "running")) return 0;
    await Bun.sleep(everyMs);
  }
}
