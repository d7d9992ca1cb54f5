// `pipeloom ui`: the page that shows a database in a browser.

import { defineCliCommand } from "../cli/command.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { codeOf, reasonOf } from "../base/system-error.ts";
import type { JobBrief } from "../page/contract-actions.ts";
import { jobsView } from "../page/data/jobs-view.ts";
import { loadApp } from "../page/load-app.ts";
import { PageDatabase } from "../page/page-database.ts";
import { PageServer } from "../page/page-server.ts";
import { minTokenLength } from "../page/token.ts";
import { dbFlag, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { endsWithInputVariable } from "../protocol/page-variables.ts";
import { runToRead } from "../store/read/task-logs.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { idOf } from "./live-run.ts";
import { openInBrowser } from "./open-in-browser.ts";
import { takeVariable } from "./take-variable.ts";
import { untilSignal } from "./until-signal.ts";
import { asUserError } from "./waiting-reader.ts";

const defaultPort = 4800;
const tokenVariable = "PIPELOOM_UI_TOKEN";

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
    port: {
      type: "string",
      valueType: "integer",
      min: 0,
      max: 65_535,
      defaultHint: `${defaultPort}, or a free one if it is taken`,
      description: "the port; 0 takes a free one",
    },
    host: {
      type: "string",
      default: "127.0.0.1",
      description: `the address to listen at; another than loopback needs a token in $${tokenVariable}`,
    },
    allowHost: {
      type: "string",
      repeat: true,
      valueHint: "name[:port]",
      description: "a further name that browsers may use, such as that of a proxy",
    },
    readOnly: { type: "boolean", description: "show only: start, rerun and cancel nothing" },
    open: { type: "boolean", description: "open the page in the browser" },
  },
  async run(flags) {
    const token = tokenFor(flags.host);
    const db = databaseOf(flags.db, false);
    using database = databaseAt(db, flags.readOnly);
    let isOpened = false;
    const options = {
      app: await loadApp(),
      database,
      host: flags.host,
      names: flags.allowHost,
      token,
      entry: flags.run === undefined ? undefined : entryOf(database, flags.run),
      onEnter: () => {
        if (token === undefined && isOpened) say(`for another browser: ${server.newLink()}`);
      },
    };
    await using server = startServer(options, flags.port);
    const link = server.newLink();
    say(`${db} → ${link}`);
    isOpened = true;
    const inputEnds = takeVariable(endsWithInputVariable) !== undefined;
    // Not waited for: an opener may run as long as the browser does.
    if (flags.open) void openInBrowser(link);
    const code = await untilSignal(inputEnds ? [inputEnd()] : []);
    for (const job of jobsView(database).jobs) if (job.ended === null) say(goesOn(job, db));
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

const isLoopback = (host: string): boolean => /^(?:127(?:\.\d+){3}|::1|localhost)$/.test(host);

/** @throws UsageError for a host that others can reach, without a token */
function tokenFor(host: string): string | undefined {
  const token = process.env[tokenVariable];
  if (token === undefined || token === "") {
    if (isLoopback(host)) return undefined;
    throw new UsageError(
      `--host ${host} can be reached by others, so it needs a token`,
      `for one: export ${tokenVariable}=$(openssl rand -hex 32)`,
    );
  }
  if (token.length >= minTokenLength) return token;
  throw new UsageError(
    `the token in $${tokenVariable} is too short: it has ${token.length} characters, and needs ${minTokenLength}`,
    `for one: export ${tokenVariable}=$(openssl rand -hex 32)`,
  );
}

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

type ServerOptions = Omit<ConstructorParameters<typeof PageServer>[0], "port">;

/** Without `--port`, a port that is taken is no error. */
function startServer(options: ServerOptions, port: number | undefined): PageServer {
  try {
    return new PageServer({ ...options, port: port ?? defaultPort });
  } catch (thrown) {
    if (port === undefined && codeOf(thrown) === "EADDRINUSE") return startServer(options, 0);
    throw new UserError(
      `cannot listen at ${options.host}, port ${port ?? defaultPort}: ${reasonOf(thrown)}`,
      "for a free port: --port 0",
    );
  }
}
