// `pipeloom report [run]`: a run as one HTML file, which can be mailed and opened without a server.

import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";

import { Buffer } from "../base/globals.ts";
import { reasonOf } from "../base/system-error.ts";
import { defineCliCommand } from "../cli/command.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { print } from "../cli/stdout.ts";
import { UserError } from "../cli/user-error.ts";
import { loadApp } from "../page/load-app.ts";
import { PageDatabase } from "../page/page-database.ts";
import { reportMark } from "../page/document.ts";
import { reportOf } from "../page/report.ts";
import { runToRead } from "../store/read/task-logs.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { idOf } from "./live-run.ts";
import { openInBrowser } from "./open-in-browser.ts";
import { asUserError, busyHandlerFor } from "./waiting-reader.ts";

export const command = defineCliCommand({
  meta: {
    name: "report",
    details:
      "The file is the page of ui for one run: its timeline, graph, failures, the first 5,000 tasks and the last 5,000 log lines. It loads nothing from anywhere.",
    examples: [
      { line: "pipeloom report", what: "the last run, as report-12.html" },
      { line: "pipeloom report 12 -o friday.html", what: "run 12" },
    ],
  },
  args: {
    run: {
      type: "positional",
      required: false,
      valueHint: "run-id",
      description: "the run; without it, the one that is running, or else the last",
    },
    db: readDbFlag,
    out: {
      type: "string",
      alias: "o",
      valueHint: "file",
      defaultHint: "report-<run>.html",
      description: "the file to write; - writes to standard output",
    },
    force: { type: "boolean", description: "overwrite a file that is not a report" },
    open: { type: "boolean", description: "open the report in the browser" },
  },
  async run(flags) {
    const db = databaseOf(flags.db, flags.out === "-");
    const { run, html } = await reportIn(db, flags.run);
    if (flags.out === "-") {
      print(html);
      return 0;
    }
    const file = flags.out ?? `report-${run}.html`;
    write(file, html, flags.force);
    sayOnStderr(`run ${run} → ${file} (${(Buffer.byteLength(html) / 1e6).toFixed(1)} MB)\n`);
    if (flags.open) await openInBrowser(Bun.pathToFileURL(resolve(file)).href);
    return 0;
  },
});

type Made = { readonly run: number; readonly html: string };

async function reportIn(db: string, wanted: string | undefined): Promise<Made> {
  try {
    using database = new PageDatabase({
      path: db,
      isReadOnly: true,
      busyHandler: busyHandlerFor(db),
    });
    const id = wanted === undefined ? undefined : idOf(wanted);
    const run = runToRead(database.reader, id, database.isAlive);
    return { run, html: await reportOf(database, run, await loadApp()) };
  } catch (thrown) {
    throw asUserError(thrown);
  }
}

/** By a rename, so that nobody opens half a file. @throws UserError */
function write(file: string, html: string, isForced: boolean): void {
  if (!isForced && existsSync(file) && !isReport(file)) {
    throw new UserError(
      `${file} is there and is not a report`,
      "choose another name with --out, or overwrite it with --force",
    );
  }
  const made = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(made, html);
    renameSync(made, file);
  } catch (thrown) {
    rmSync(made, { force: true });
    throw new UserError(`cannot write ${file}: ${reasonOf(thrown)}`);
  }
}

/** Whether the file begins as a report does. */
function isReport(file: string): boolean {
  const begin = Buffer.alloc(200);
  try {
    const descriptor = openSync(file, "r");
    try {
      readSync(descriptor, begin);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return begin.includes(reportMark);
}
