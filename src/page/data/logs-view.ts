// The log lines of a run, in pages: never all of them.

import { Date, TextEncoder } from "../../base/globals.ts";
import { systemClock } from "../../base/clock.ts";
import { type RunId, runId } from "../../protocol/ids.ts";
import { titleOf } from "../../protocol/label.ts";
import { type LogLevel, logLevels } from "../../protocol/status.ts";
import type { Reader } from "../../store/read/reader.ts";
import { type LogFilter, type LogRow, type Passed, passing } from "../../store/read/task-logs.ts";
import { type Asked, NotFound, wholeIn } from "../asked.ts";
import type { LogLine, LogsView } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";

const maxLines = 200;
/** A search that finds little is ended, and goes on when it is asked for the rest. */
const searchMs = 150;
/** How often it looks at the clock. */
const clockEvery = 1_000;

export function logsView(
  { reader, identity: file }: PageDatabase,
  { ids: [run = 0], search }: Asked,
): LogsView {
  assertRun(reader, run);
  if (!hasLogs(reader)) return { file, lines: [], before: null, after: 0, isPartial: false };
  const after = wholeIn(search, "after");
  const before = wholeIn(search, "before");
  const place = { run: runId(run), search, reader };
  return reader.snapshot(() => ({
    file,
    ...(after === undefined ? earlier(place, before) : later(place, after)),
  }));
}

type Lines = Omit<LogsView, "file">;

type Place = {
  readonly run: RunId;
  readonly search: URLSearchParams;
  readonly reader: Reader;
};

/** The last lines before a row; without one, the last of all. */
function earlier({ run, search, reader }: Place, before: number | undefined): Lines {
  const last = lastRow(reader);
  const bound = before ?? last + 1;
  const page = new Page(search.get("text") ?? "");
  const rows = passing(reader, page.filter(run, search), "l.rowid < ?", bound, "DESC");
  const { lines, isPartial, hasMore } = page.read(rows);
  const earliest = isPartial ? page.lookedAt : lines.at(-1)?.row;
  return {
    lines: lines.toReversed(),
    before: hasMore || isPartial ? (earliest ?? null) : null,
    after: Math.max(last, bound - 1),
    isPartial,
  };
}

function later({ run, search, reader }: Place, after: number): Lines {
  const last = lastRow(reader);
  const page = new Page(search.get("text") ?? "");
  const rows = passing(reader, page.filter(run, search), "l.rowid > ?", after, "ASC");
  const { lines, isPartial, hasMore } = page.read(rows);
  const next = isPartial ? page.lookedAt : hasMore ? lines.at(-1)?.row : last;
  return { lines, before: null, after: next ?? after, isPartial: isPartial || hasMore };
}

/** Reads lines until there are enough, or it has taken too long. */
class Page {
  readonly #words: string;
  readonly #until = systemClock.now() + searchMs;
  #seen = 0;
  #isLate = false;
  /** The row of the last line that was looked at. */
  lookedAt: number | undefined;

  constructor(words: string) {
    this.#words = words.toLowerCase();
  }

  filter(run: RunId, search: URLSearchParams): LogFilter {
    const task = wholeIn(search, "task");
    return {
      run,
      tasks: task === undefined ? { type: "all" } : { type: "id", id: task },
      level: levelIn(search.get("level")),
      // Of a line that is not yielded nothing else is read. When it is late, any line is yielded, as the last.
      matches: (line) => this.#has(line) || this.#looksAtClock(),
    };
  }

  read(rows: Iterable<Passed>): { lines: LogLine[]; isPartial: boolean; hasMore: boolean } {
    const lines: LogLine[] = [];
    for (const { row, line } of rows) {
      const isHit = this.#has(line.line);
      if (isHit && lines.length === maxLines) return { lines, isPartial: false, hasMore: true };
      if (isHit) lines.push(lineOf(line, row));
      this.lookedAt = row;
      if (this.#isLate) return { lines, isPartial: true, hasMore: true };
    }
    return { lines, isPartial: false, hasMore: false };
  }

  #has(line: string): boolean {
    return this.#words === "" || line.toLowerCase().includes(this.#words);
  }

  #looksAtClock(): boolean {
    if (++this.#seen % clockEvery === 0) this.#isLate = systemClock.now() > this.#until;
    return this.#isLate;
  }
}

/** `GET /data/runs/:id/log-file`: all lines as text, to be saved. */
export function logFile(database: PageDatabase, { ids: [run = 0], search }: Asked): Response {
  assertRun(database.reader, run);
  const page = new Page("");
  const filter = page.filter(runId(run), search);
  let after = 0;
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    pull: (sink) => {
      // A save may take hours, and the file may have been closed in between.
      const { reader } = database;
      const text: string[] = [];
      for (const { row, line } of hasLogs(reader)
        ? passing(reader, filter, "l.rowid > ?", after, "ASC")
        : []) {
        text.push(textOf(line));
        after = row;
        if (text.length === clockEvery) break;
      }
      if (text.length > 0) sink.enqueue(encoder.encode(text.join("")));
      if (text.length < clockEvery) sink.close();
    },
  });
  const name = database.path.replace(/^.*[\\/]/, "").replaceAll(/[^\w.-]/g, "_");
  return new Response(stream, {
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-disposition": `attachment; filename="${name}-run-${run}.log"`,
    },
  });
}

const textOf = ({ at, level, task, label, id, line }: LogRow): string =>
  `${at} ${level.padEnd(5)} ${titleOf(task, label)} #${id}: ${line}\n`;

/** A run stores less of a line, but others can write the table too. */
const maxLineChars = 20_000;

export const lineOf = (
  { id, task, label, attempt, at, level, line }: LogRow,
  row: number,
): LogLine => ({
  row,
  id,
  task,
  label,
  attempt,
  at: Date.parse(at),
  level,
  line: line.length > maxLineChars ? `${line.slice(0, maxLineChars)}…` : line,
});

function assertRun(reader: Reader, run: number): void {
  if (reader.query("SELECT 1 FROM pipeline_runs WHERE id = ?", [run]).length > 0) return;
  throw new NotFound(`the database has no run ${run}`);
}

/** Users may drop the table. */
const hasLogs = (reader: Reader): boolean =>
  reader.query("SELECT 1 FROM sqlite_schema WHERE name = 'task_logs'").length > 0;

const lastRow = (reader: Reader): number =>
  Number(reader.query("SELECT MAX(rowid) AS row FROM task_logs")[0]?.["row"] ?? 0);

const levelIn = (text: string | null): LogLevel =>
  logLevels.find((each) => each === text) ?? "debug";
