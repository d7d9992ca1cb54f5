// `pipeloom ui`: the page that shows a database in a browser.

import { defineCliCommand } from "../cli/command.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import type { JobBrief } from "../page/contract-actions.ts";
import { jobsView } from "../page/data/jobs-view.ts";
import { loadApp } from "../page/load-app.ts";
import { OneDatabase } from "../page/overview/shown.ts";
import { PageDatabase } from "../page/page-database.ts";
import { PageServer } from "../page/page-server.ts";
import { dbFlag, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { endsWithInputVariable } from "../protocol/page-variables.ts";
import { runToRead } from "../store/read/task-logs.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { idOf } from "./live-run.ts";
import { openInBrowser } from "./open-in-browser.ts";
import { atPort, pageFlags, tokensFor } from "./page-flags.ts";
import { keepsUsedPages, setAtStart } from "./start-variables.ts";
import { takeVariable } from "./take-variable.ts";
import { untilSignal } from "./until-signal.ts";
import { asUserError } from "./waiting-reader.ts";

export const command = defineCliCommand({
  meta: {
    name: "ui",
    details:
      "The address that it prints opens the page once, in one browser; the next address is printed then. The page reads the database, also while runs write to it. What it starts (a run, a rerun, a cancel) is a pipeloom process of its own, which goes on when the page ends. Ctrl-C ends it.",
    examples: [
      { line: "pipeloom ui --open", what: "the database of this folder, in the browser" },
      { line: "pipeloom ui 12", what: "begin with run 12" },
      {
        line: "pipeloom ui --db etl.db --read-only",
        what: "without buttons that start or end runs",
      },
    ],
  },
  args: {
    run: {
      type: "positional",
      required: false,
      valueHint: "run-id",
      description: "the run that the address shows first",
    },
    db: readDbFlag,
    ...pageFlags,
  },
  async run(flags) {
    setAtStart(keepsUsedPages);
    const tokens = tokensFor(flags.host);
    const db = databaseOf(flags.db, false);
    using database = databaseAt(db, flags.readOnly);
    const shown = new OneDatabase(database);
    let isOpened = false;
    const options = {
      loadApp,
      shown,
      host: flags.host,
      names: flags.allowHost,
      ...tokens,
      entry: flags.run === undefined ? undefined : entryOf(database, flags.run),
      onEnter: () => {
        if (tokens.token === undefined && isOpened) say(`for another browser: ${server.newLink()}`);
      },
    };
    await using server = atPort(
      flags.host,
      flags.port,
      (port) => new PageServer({ ...options, port }),
    );
    const link = server.newLink();
    say(`${db} → ${link}`);
    isOpened = true;
    const inputEnds = takeVariable(endsWithInputVariable) !== undefined;
    // Not waited for: an opener may run as long as the browser does.
    if (flags.open) void openInBrowser(link);
    const code = await untilSignal(inputEnds ? [inputEnd()] : []);
    for (const job of jobsView(shown).jobs) if (job.ended === null) say(goesOn(job, db));
    return code;
  },
});

const goesOn = ({ run, isRun, title }: JobBrief, db: string): string =>
  run === null || !isRun
    ? `goes on: ${title}`
    : `run ${run} goes on; ${pipeloomCommand("cancel", run, ...dbFlag(db))} ends it`;

/** Resolves with the exit code. */
async function inputEnd(): Promise<number> {
  for await (const _ of Bun.stdin.stream()) continue;
  return 0;
}

const say = (line: string): void => sayOnStderr(`${line}\n`);

function databaseAt(path: string, isReadOnly: boolean): PageDatabase {
  try {
    return new PageDatabase({ path, isReadOnly });
  } catch (thrown) {
    throw asUserError(thrown);
  }
}

/** @throws UserError for a run that is not there */
function entryOf({ reader, isAlive }: PageDatabase, run: string): string {
  try {
    return `/runs/${runToRead(reader, idOf(run), isAlive)}`;
  } catch (thrown) {
    throw asUserError(thrown);
  }
}
