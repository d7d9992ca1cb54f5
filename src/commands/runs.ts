// `pipeloom runs [pipeline]`: the runs of a database. runs-view.ts documents the shape of `--json`.

import { resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { colorLevel, paletteOf } from "../base/palette.ts";
import { shownOn } from "../base/streams.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { isRunAlive } from "../store/liveness.ts";
import { asUserError, waitingReader } from "./waiting-reader.ts";
import { type RunList, runList } from "../store/read/run-list.ts";
import { glyphsFor } from "../terminal/glyphs.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { runsData, runsLines } from "./runs-view.ts";

export const command = defineCliCommand({
  meta: {
    name: "runs",
    details:
      "Newest first, with how long the last runs of each pipeline took. TIME is from the start of a run's first session to its end. `pipeloom status --run <id>` shows one run.",
    examples: [
      { line: "pipeloom runs", what: "the last 20 runs" },
      { line: "pipeloom runs posts -n 100", what: "the last 100 runs of one pipeline" },
    ],
  },
  args: {
    pipeline: {
      type: "positional",
      required: false,
      valueHint: "pipeline",
      description: "only runs of this pipeline",
    },
    db: readDbFlag,
    limit: {
      type: "string",
      valueType: "integer",
      alias: "n",
      min: 1,
      max: 1_000_000,
      default: "20",
      description: "the maximum number of runs to show",
    },
    json: { type: "boolean", description: "print one JSON object" },
  },
  async run({ pipeline, limit, json, ...flags }) {
    const db = databaseOf(flags.db, json);
    const list = listOf(db, limit, pipeline);
    const now = systemClock.wall();
    if (json) {
      print(`${JSON.stringify(runsData(list, resolve(db), now), null, 2)}\n`);
      return 0;
    }
    const { isTTY, columns } = shownOn("stdout");
    const lines = runsLines(list, {
      db,
      now,
      width: isTTY ? columns : Number.POSITIVE_INFINITY,
      colors: paletteOf(colorLevel(process.env, isTTY)),
      glyphs: glyphsFor(process.env),
    });
    print(`${lines.join("\n")}\n`);
    return 0;
  },
});

function listOf(db: string, maxRuns: number, pipeline: string | undefined): RunList {
  try {
    using reader = waitingReader(db);
    return runList(reader, { maxRuns, pipeline, isAlive: (run) => isRunAlive(db, run) });
  } catch (thrown) {
    throw asUserError(thrown);
  }
}
